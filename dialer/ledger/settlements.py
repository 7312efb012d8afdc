"""How attempts come out of the ledger's open ones: answered, in doubt, ended.  Each conditional on being open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Verdict
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.closed_jobs import HOURS_MARK
from dialer.ledger.json_text import json_text
from dialer.ledger.session import Ledger, Row
from dialer.ledger.suppressed_jobs import suppress_callees

#: Outcomes that say nothing about the configuration: they do not end a row of configuration errors.
_SAYS_NOTHING = ("config_error", "cancelled", "system_error", "congestion")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How one attempt ended and what its call job does next.

    Attributes:
        due_in: until the next attempt; None: the call job is finished with ``finish_reason``.
        not_before_in: until it would be due were it not for the hours; None: the hours did not move it.
        open_until: the next attempt must not begin after this; None: never closes.
        promised: the next attempt is a call back that was promised; an older promise stands until an attempt counts.
        hours_mark: of the hours by which the four were decided; of others than the campaign's, or None: they are
            decided anew.
        evidence: everything the line told, as it came.
        report: what the agent reported, as it came.
        end_reason: LiveKit's DisconnectReason of the callee.
        ended_by: who hung up an answered call, as far as it can be known.
        fails_over: the same contact may go out at once through another trunk of its campaign, when it has one.
        suppress: never call this number again: ``agent``, for any campaign, or ``line``, for this one.
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
    not_before_in: timedelta | None = None
    open_until: datetime | None = None
    promised: bool = False
    hours_mark: int | None = None
    report: Mapping[str, str] = field(default_factory=dict)
    end_reason: str | None = None
    ended_by: str | None = None
    fails_over: bool = False
    suppress: Literal["agent", "line"] | None = None
    suppress_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """An attempt that this settlement ended, and whose slots are to be freed."""

    attempt_id: UUID
    trunk_id: int
    account_id: int | None
    campaign_id: int
    number: str


# The hours were edited since this was decided, or while the call was on the line: the feeder computes its window.
_OTHER_HOURS = "(j.open_until = 'epoch' OR e.hours_mark IS DISTINCT FROM c.hours_mark)"
# Through a second trunk, and no third: an attempt that went on from another names the try it belongs to.
_GOES_ON = """CASE WHEN e.fails_over AND e.try_id IS NULL AND c.state <> 'cancelled'
    THEN has_other_trunk(e.campaign_id, e.number, e.trunk_id) ELSE false END"""
_OVER = f"(e.due_in IS NULL AND (e.reason <> 'expired' OR NOT coalesce({_OTHER_HOURS}, false)))"

_SETTLE = f"""/* settle_attempts */
WITH s AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(settlements)s::json) AS s (
        id uuid, outcome text, blame text, counted bool, sent bool, rang bool, abandoned bool, rule text, sip_code int,
        sip_status text, ring float8, talk float8, evidence jsonb, due_in float8, not_before_in float8,
        open_until timestamptz, promised bool, hours_mark int8, reason text, report jsonb, end_reason text,
        ended_by text, fails_over bool)
), ended AS (
    UPDATE attempts a
    SET state = 'ended', ended_at = now(), outcome = s.outcome, blame = s.blame, counted = s.counted, sent = s.sent,
        rang = s.rang, abandoned = s.abandoned, rule = s.rule, sip_code = s.sip_code, sip_status = s.sip_status,
        ring_seconds = coalesce(s.ring, a.ring_seconds), talk_seconds = s.talk,
        evidence = coalesce(a.evidence, '{{}}') || s.evidence, report = a.report || coalesce(s.report, '{{}}'),
        end_reason = s.end_reason, ended_by = s.ended_by
    FROM s WHERE a.id = s.id AND a.state <> 'ended'
    RETURNING a.id, a.call_job_id, a.campaign_id, a.trunk_id, a.number, a.try_id, s.outcome, s.counted, s.sent,
              s.due_in, s.not_before_in, s.open_until, s.promised, s.hours_mark, s.reason, s.fails_over
), rules AS MATERIALIZED (
    SELECT c.id, c.state, {HOURS_MARK} AS hours_mark FROM campaigns c WHERE c.id IN (SELECT campaign_id FROM ended)
), going AS MATERIALIZED (
    SELECT e.*, {_GOES_ON} AS goes_on
    FROM ended e JOIN rules c ON c.id = e.campaign_id
), moved AS (
    UPDATE call_jobs j
    SET state = CASE WHEN e.goes_on THEN 'waiting'
                     WHEN {_OVER} OR c.state = 'cancelled' THEN 'finished' ELSE 'waiting' END,
        finish_reason = CASE WHEN e.goes_on THEN NULL
                             WHEN {_OVER} THEN e.reason WHEN c.state = 'cancelled' THEN 'cancelled' END,
        due_at = now() + make_interval(secs => CASE WHEN e.goes_on THEN 0
                                                    WHEN {_OTHER_HOURS} THEN coalesce(e.not_before_in, e.due_in, 0)
                                                    ELSE coalesce(e.due_in, 0) END),
        not_before = CASE WHEN NOT e.goes_on THEN now() + make_interval(secs => e.not_before_in) END,
        open_until = CASE WHEN e.goes_on THEN j.open_until WHEN {_OTHER_HOURS} THEN 'epoch' ELSE e.open_until END,
        not_trunks = CASE WHEN e.goes_on THEN ARRAY[e.trunk_id] WHEN e.sent THEN '{{}}' ELSE j.not_trunks END,
        try_id = CASE WHEN e.goes_on THEN e.id WHEN NOT e.sent THEN j.try_id END,  -- what was not sent ends no try
        promised = e.promised OR (j.promised AND NOT e.counted),
        attempts_counted = j.attempts_counted + e.counted::int
    FROM going e JOIN rules c ON c.id = e.campaign_id
    WHERE j.id = e.call_job_id AND j.state = 'in_progress'
), counters AS (
    INSERT INTO attempt_counters (trunk_id, outcome, value)
    SELECT trunk_id, outcome, count(*) FROM ended GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (trunk_id, outcome) DO UPDATE SET value = attempt_counters.value + excluded.value
), calm AS (
    UPDATE campaigns SET config_error_numbers = '{{}}'
    WHERE config_error_numbers <> '{{}}' AND id IN (SELECT campaign_id FROM ended WHERE outcome <> ALL (%(silent)s))
)
SELECT e.id, e.trunk_id, t.account_id, e.campaign_id, e.number FROM ended e LEFT JOIN trunks t ON t.id = e.trunk_id"""  # noqa: S608 - constants


async def settle_attempts(ledger: Ledger, settlements: Sequence[Settlement]) -> list[Settled]:
    """End these attempts, move their call jobs, count and suppress, in one transaction.

    Who is suppressed for all campaigns waits in none of them any more.

    Returns:
        The attempts that were still open.
    """
    parameters = _parameters(settlements)
    unwanted = {one.attempt_id: one for one in settlements if one.suppress}
    if not unwanted:
        return [_settled(row) for row in await ledger.rows(_SETTLE, parameters)]
    async with ledger.transaction() as transaction:
        settled = [_settled(row) for row in await transaction.rows(_SETTLE, parameters)]
        entries = [_suppression(one, unwanted[one.attempt_id]) for one in settled if one.attempt_id in unwanted]
        if entries:
            await suppress_callees(transaction, entries)
    return settled


def _suppression(ended: Settled, settlement: Settlement) -> NewSuppression:
    """What the agent heard is meant for every campaign, what the line answered for the one that called."""
    source = SuppressionSource(settlement.suppress or "")
    return NewSuppression(
        pattern=ended.number,
        campaign_id=ended.campaign_id if source is SuppressionSource.LINE else None,
        reason=settlement.suppress_reason or "",
        source=source,
        attempt_id=ended.attempt_id,
    )


def _settled(row: Row) -> Settled:
    return Settled(
        attempt_id=row["id"],
        trunk_id=row["trunk_id"],
        account_id=row["account_id"],
        campaign_id=row["campaign_id"],
        number=row["number"],
    )


def _parameters(settlements: Sequence[Settlement]) -> dict[str, object]:
    """One JSON text: a sixth of what as many arrays cost."""
    return {
        "settlements": json_text([_as_json(settlement) for settlement in settlements]),
        "silent": list(_SAYS_NOTHING),
    }


def _as_json(settlement: Settlement) -> dict[str, Any]:
    verdict = settlement.verdict
    return {
        "id": str(settlement.attempt_id),
        "outcome": verdict.outcome.value,
        "blame": verdict.blame.value,
        "counted": verdict.counted,
        "sent": verdict.sent,
        "rang": verdict.rang,
        "abandoned": verdict.abandoned,
        "rule": verdict.rule,
        "sip_code": settlement.sip_code,
        "sip_status": settlement.sip_status,
        "ring": settlement.ring_seconds,
        "talk": settlement.talk_seconds,
        "evidence": settlement.evidence,
        "due_in": _seconds(settlement.due_in),
        "not_before_in": _seconds(settlement.not_before_in),
        "open_until": settlement.open_until and settlement.open_until.isoformat(),
        "promised": settlement.promised,
        "hours_mark": settlement.hours_mark,
        "reason": settlement.finish_reason and settlement.finish_reason.value,
        "report": dict(settlement.report),
        "end_reason": settlement.end_reason,
        "ended_by": settlement.ended_by,
        "fails_over": settlement.fails_over,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


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
            "evidence": [json_text(answer.evidence) for answer in answers],
        },
    )


async def mark_in_doubt(ledger: Ledger, attempt_id: UUID, *, rule: str, evidence: dict[str, Any]) -> None:
    """No usable answer came: the attempt stays open and the rescuer asks LiveKit."""
    await ledger.changed(
        """/* mark_in_doubt */
        UPDATE attempts SET doubt_since = now(), doubt_rule = %(rule)s,
            evidence = coalesce(evidence, '{}') || %(evidence)s::jsonb
        WHERE id = %(id)s AND state <> 'ended' AND doubt_since IS NULL""",
        {"id": attempt_id, "rule": rule, "evidence": json_text(evidence)},
    )
