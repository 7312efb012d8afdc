"""How attempts come out of the ledger's open ones: answered, in doubt, ended.  Each conditional on being open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Json

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Verdict
from dialer.ledger.session import Ledger, Row

#: Outcomes that say nothing about the configuration: they do not end a row of configuration errors.
_SAYS_NOTHING = ("config_error", "cancelled", "system_error", "congestion")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How one attempt ended and what its call job does next.

    Attributes:
        due_in: until the next attempt; None: the call job is finished with ``finish_reason``.
        evidence: everything the line told, as it came.
    """

    attempt_id: UUID
    verdict: Verdict
    due_in: timedelta | None
    finish_reason: FinishReason | None
    evidence: dict[str, Any]  # raw, for re-classifying later: its shape is the line's
    sip_code: int | None = None
    sip_status: str | None = None
    ring_seconds: float | None = None
    talk_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """An attempt that this settlement ended, and whose slots are to be freed."""

    attempt_id: UUID
    trunk_id: int
    campaign_id: int
    number: str


_SETTLE = """/* settle_attempts */
WITH s AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(outcomes)s::text[], %(blames)s::text[], %(counted)s::bool[],
        %(sent)s::bool[], %(rang)s::bool[], %(abandoned)s::bool[], %(rules)s::text[], %(sip_codes)s::int[],
        %(sip_statuses)s::text[], %(ring)s::float8[], %(talk)s::float8[], %(evidence)s::jsonb[],
        %(due_in)s::interval[], %(reasons)s::text[])
    AS s (id, outcome, blame, counted, sent, rang, abandoned, rule, sip_code, sip_status, ring, talk, evidence,
          due_in, reason)
), ended AS (
    UPDATE attempts a
    SET state = 'ended', ended_at = now(), outcome = s.outcome, blame = s.blame, counted = s.counted, sent = s.sent,
        rang = s.rang, abandoned = s.abandoned, rule = s.rule, sip_code = s.sip_code, sip_status = s.sip_status,
        ring_seconds = coalesce(s.ring, a.ring_seconds), talk_seconds = s.talk,
        evidence = coalesce(a.evidence, '{}') || s.evidence
    FROM s WHERE a.id = s.id AND a.state <> 'ended'
    RETURNING a.id, a.call_job_id, a.campaign_id, a.trunk_id, a.number, s.outcome, s.counted, s.due_in, s.reason
), moved AS (
    UPDATE call_jobs j
    SET state = CASE WHEN e.due_in IS NULL OR c.state = 'cancelled' THEN 'finished' ELSE 'waiting' END,
        finish_reason = CASE WHEN e.due_in IS NULL THEN e.reason WHEN c.state = 'cancelled' THEN 'cancelled' END,
        due_at = now() + coalesce(e.due_in, interval '0'),
        attempts_counted = j.attempts_counted + e.counted::int
    FROM ended e JOIN campaigns c ON c.id = e.campaign_id
    WHERE j.id = e.call_job_id AND j.state = 'in_progress'
), counters AS (
    INSERT INTO attempt_counters (trunk_id, outcome, value)
    SELECT trunk_id, outcome, count(*) FROM ended GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (trunk_id, outcome) DO UPDATE SET value = attempt_counters.value + excluded.value
), calm AS (
    UPDATE campaigns SET config_error_numbers = '{}'
    WHERE config_error_numbers <> '{}' AND id IN (SELECT campaign_id FROM ended WHERE outcome <> ALL (%(silent)s))
)
SELECT id, trunk_id, campaign_id, number FROM ended"""


async def settle_attempts(ledger: Ledger, settlements: Sequence[Settlement]) -> list[Settled]:
    """End these attempts, move their call jobs, count; in one transaction.  Returns those that were still open."""
    rows = await ledger.rows(_SETTLE, _parameters(settlements))
    return [_settled(row) for row in rows]


def _settled(row: Row) -> Settled:
    return Settled(attempt_id=row["id"], trunk_id=row["trunk_id"], campaign_id=row["campaign_id"], number=row["number"])


def _parameters(settlements: Sequence[Settlement]) -> dict[str, object]:
    verdicts = [settlement.verdict for settlement in settlements]
    return {
        "ids": [settlement.attempt_id for settlement in settlements],
        "outcomes": [verdict.outcome.value for verdict in verdicts],
        "blames": [verdict.blame.value for verdict in verdicts],
        "counted": [verdict.counted for verdict in verdicts],
        "sent": [verdict.sent for verdict in verdicts],
        "rang": [verdict.rang for verdict in verdicts],
        "abandoned": [verdict.abandoned for verdict in verdicts],
        "rules": [verdict.rule for verdict in verdicts],
        "sip_codes": [settlement.sip_code for settlement in settlements],
        "sip_statuses": [settlement.sip_status for settlement in settlements],
        "ring": [settlement.ring_seconds for settlement in settlements],
        "talk": [settlement.talk_seconds for settlement in settlements],
        "evidence": [Json(settlement.evidence) for settlement in settlements],
        "due_in": [settlement.due_in for settlement in settlements],
        "reasons": [settlement.finish_reason and settlement.finish_reason.value for settlement in settlements],
        "silent": list(_SAYS_NOTHING),
    }


async def note_config_error(ledger: Ledger, campaign_id: int, *, number: str, reason: str, most: int) -> bool:
    """Remember a number that failed by configuration; ``most`` different ones in a row hold the campaign.

    Returns whether the campaign is held by this one.
    """
    held = await ledger.changed(
        """/* note_config_error */
        WITH noted AS (
            UPDATE campaigns SET config_error_numbers = array_append(config_error_numbers, %(number)s)
            WHERE id = %(id)s AND NOT %(number)s = ANY (config_error_numbers)
            RETURNING id, cardinality(config_error_numbers) AS numbers
        )
        SELECT id FROM noted WHERE numbers >= %(most)s""",
        {"id": campaign_id, "number": number, "most": most},
    )
    if not held:
        return False
    return bool(
        await ledger.changed(
            """/* hold_campaign */
            UPDATE campaigns SET state = 'held', held_reason = %(reason)s WHERE id = %(id)s AND state = 'running'""",
            {"id": campaign_id, "reason": reason},
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """An attempt that was picked up."""

    attempt_id: UUID
    ring_seconds: float | None
    evidence: dict[str, Any]  # raw, as in Settlement


async def mark_answered(ledger: Ledger, answers: Sequence[Answered]) -> None:
    """DIALING → ANSWERED.  The rescuer follows the call to its end; its slots stay taken."""
    await ledger.changed(
        """/* mark_answered */
        UPDATE attempts a
        SET state = 'answered', answered_at = now(), ring_seconds = s.ring, doubt_since = NULL, doubt_rule = NULL,
            sentinel_sid = (SELECT sentinel_sid FROM line_status), evidence = coalesce(a.evidence, '{}') || s.evidence,
            empty_since = NULL
        FROM unnest(%(ids)s::uuid[], %(ring)s::float8[], %(evidence)s::jsonb[]) AS s (id, ring, evidence)
        WHERE a.id = s.id AND a.state = 'dialing'""",
        {
            "ids": [answer.attempt_id for answer in answers],
            "ring": [answer.ring_seconds for answer in answers],
            "evidence": [Json(answer.evidence) for answer in answers],
        },
    )


async def mark_in_doubt(ledger: Ledger, attempt_id: UUID, *, rule: str, evidence: dict[str, Any]) -> None:
    """No usable answer came: the attempt stays open and the rescuer asks LiveKit."""
    await ledger.changed(
        """/* mark_in_doubt */
        UPDATE attempts SET doubt_since = now(), doubt_rule = %(rule)s,
            evidence = coalesce(evidence, '{}') || %(evidence)s::jsonb
        WHERE id = %(id)s AND state <> 'ended' AND doubt_since IS NULL""",
        {"id": attempt_id, "rule": rule, "evidence": Json(evidence)},
    )
