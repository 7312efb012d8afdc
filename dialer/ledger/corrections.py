"""Outcomes that late news corrects: only while the call job waits, and only of its last attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dialer.domain.call_job import FinishReason
from dialer.domain.late_news import Leaving
from dialer.domain.outcome import Verdict
from dialer.domain.reclassification import KeptAttempt
from dialer.domain.retry import PastAttempt
from dialer.ledger.claims import past_attempts
from dialer.ledger.closed_jobs import HOURS_MARK
from dialer.ledger.json_text import json_text
from dialer.ledger.session import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class LateAttempt:
    """The last attempt of a call job that waits.

    Attributes:
        due_at: of the call job; another one says that something has happened to it meanwhile.
        history: the call job's earlier attempts, oldest first.
    """

    kept: KeptAttempt
    campaign_id: int
    zones: str
    ended_at: datetime
    due_at: datetime
    marked: bool
    history: tuple[PastAttempt, ...]


_LATE = """/* late_attempts */
SELECT a.id, a.number, a.outcome, a.blame, a.rule, a.counted, a.evidence, a.campaign_id, a.ended_at, a.mark,
       j.zones, j.due_at,
       (SELECT json_agg(json_build_array(p.outcome, p.counted, p.sent, p.rule, extract(epoch FROM p.ended_at))
                        ORDER BY p.ended_at)
        FROM attempts p WHERE p.call_job_id = a.call_job_id AND p.id <> a.id) AS history
FROM unnest(%(ids)s::uuid[], %(rang)s::bool[], %(picked_up)s::bool[]) AS n (id, rang, picked_up)
JOIN attempts a ON a.id = n.id JOIN call_jobs j ON j.id = a.call_job_id
WHERE a.state = 'ended' AND a.sent AND j.state = 'waiting'
  AND CASE WHEN n.picked_up THEN a.outcome <> 'answered' ELSE a.rang <> n.rang AND NOT j.promised END
  AND NOT EXISTS (SELECT FROM attempts p WHERE p.call_job_id = j.id AND p.claimed_at > a.claimed_at)"""


async def late_attempts(ledger: Ledger, told: Mapping[UUID, Leaving]) -> list[LateAttempt]:
    """Those of these attempts of which news tells something else than their settlement, and that may be corrected."""
    rows = await ledger.rows(
        _LATE,
        {
            "ids": list(told),
            "rang": [left.rang for left in told.values()],
            "picked_up": [left.picked_up for left in told.values()],
        },
    )
    kept = ("id", "number", "outcome", "blame", "rule", "counted")
    return [
        LateAttempt(
            kept=KeptAttempt(**{name: row[name] for name in kept}, evidence=row["evidence"] or {}),
            campaign_id=row["campaign_id"],
            zones=row["zones"],
            ended_at=row["ended_at"],
            due_at=row["due_at"],
            marked=row["mark"] is not None,
            history=past_attempts(row["history"]),
        )
        for row in rows
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What an attempt was really, and what its call job does next; spans begin at the attempt's end.

    Attributes:
        due_in: None: the call job is finished with ``finish_reason``.
        not_before_in, open_until, hours_mark: as in ``Settlement``.
    """

    late: LateAttempt
    verdict: Verdict
    due_in: timedelta | None
    finish_reason: FinishReason | None
    not_before_in: timedelta | None = None
    open_until: datetime | None = None
    hours_mark: int | None = None


# The hours were edited meanwhile: the feeder computes the window.
_OTHER_HOURS = "coalesce(j.open_until = 'epoch' OR s.hours_mark IS DISTINCT FROM c.hours_mark, false)"
_OVER = f"(s.due_in IS NULL AND (s.reason <> 'expired' OR NOT {_OTHER_HOURS}))"

_CORRECT = f"""/* correct_late */
WITH s AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(corrections)s::json) AS s (
        id uuid, outcome_before text, rule_before text, due_before timestamptz, outcome text, blame text, counted bool,
        rang bool, abandoned bool, rule text, evidence jsonb, due_in float8, not_before_in float8,
        open_until timestamptz, hours_mark int8, reason text)
), mine AS MATERIALIZED (
    SELECT a.id, a.call_job_id, a.campaign_id, a.trunk_id, a.ended_at, a.outcome, a.blame, a.rule, a.counted
    FROM s JOIN attempts a ON a.id = s.id JOIN call_jobs j ON j.id = a.call_job_id
    WHERE a.state = 'ended' AND a.outcome = s.outcome_before AND a.rule IS NOT DISTINCT FROM s.rule_before
      AND j.state = 'waiting' AND j.due_at = s.due_before
    ORDER BY j.id FOR NO KEY UPDATE OF j, a
), corrected AS (
    UPDATE attempts a
    SET outcome = s.outcome, blame = s.blame, rule = s.rule, counted = a.counted OR s.counted, rang = s.rang,
        abandoned = s.abandoned, evidence = coalesce(a.evidence, '{{}}') || s.evidence
    FROM s JOIN mine USING (id) WHERE a.id = s.id
), rules AS MATERIALIZED (
    SELECT c.id, {HOURS_MARK} AS hours_mark FROM campaigns c WHERE c.id IN (SELECT campaign_id FROM mine)
), moved AS (
    UPDATE call_jobs j
    SET state = CASE WHEN {_OVER} THEN 'finished' ELSE 'waiting' END,
        finish_reason = CASE WHEN {_OVER} THEN s.reason END,
        due_at = greatest(now(), m.ended_at + make_interval(
            secs => coalesce(CASE WHEN {_OTHER_HOURS} THEN s.not_before_in END, s.due_in, 0))),
        not_before = m.ended_at + make_interval(secs => s.not_before_in),
        open_until = CASE WHEN {_OTHER_HOURS} THEN 'epoch' ELSE s.open_until END,
        attempts_counted = j.attempts_counted + (s.counted AND NOT m.counted)::int
    FROM mine m JOIN s USING (id) JOIN rules c ON c.id = m.campaign_id
    WHERE j.id = m.call_job_id
)
INSERT INTO corrections (attempt_id, trunk_id, outcome_before, outcome, blame_before, blame, rule_before, rule)
SELECT m.id, m.trunk_id, m.outcome, s.outcome, m.blame, s.blame, m.rule, s.rule FROM mine m JOIN s USING (id)
RETURNING attempt_id"""  # noqa: S608 - constants


async def correct_late(ledger: Ledger, corrections: Sequence[Correction]) -> set[UUID]:
    """Write them, each with a row of its own in ``corrections``; no counter goes back.

    Returns:
        The attempts that were corrected: not those whose call job or judgement has changed since they were read.
    """
    told = json_text([_as_json(correction) for correction in corrections])
    return {row["attempt_id"] for row in await ledger.rows(_CORRECT, {"corrections": told})}


def _as_json(correction: Correction) -> dict[str, Any]:
    kept, verdict = correction.late.kept, correction.verdict
    return {
        "id": str(kept.id),
        "outcome_before": kept.outcome,
        "rule_before": kept.rule,
        "due_before": correction.late.due_at.isoformat(),
        "outcome": verdict.outcome.value,
        "blame": verdict.blame.value,
        "counted": verdict.counted,
        "rang": verdict.rang,
        "abandoned": verdict.abandoned,
        "rule": verdict.rule,
        "evidence": {"rang": verdict.rang, "corrected_from": kept.outcome},
        "due_in": _seconds(correction.due_in),
        "not_before_in": _seconds(correction.not_before_in),
        "open_until": correction.open_until and correction.open_until.isoformat(),
        "hours_mark": correction.hours_mark,
        "reason": correction.finish_reason and correction.finish_reason.value,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
