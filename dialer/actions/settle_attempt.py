"""Ends attempts: outcome, next step and counters in one transaction, then their slots are freed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from dialer.app import Dialer
from dialer.domain.advice import advice_for
from dialer.domain.call_job import FinishReason
from dialer.domain.calling_window import CallingHours
from dialer.domain.outcome import Outcome, Verdict
from dialer.domain.phone_number import mask
from dialer.domain.retry import Finish, PastAttempt, Postpone, RetryAt, RetryPolicy, next_step
from dialer.domain.trunk_result import CALL_SETTINGS, TRUNK_SETTINGS
from dialer.errors import StoreUnavailable
from dialer.ledger.settlements import Settled, Settlement, note_config_error, settle_attempts
from dialer.limits.buckets import Buckets

log = structlog.get_logger()

#: So many different numbers in a row that fail by configuration hold their campaign.
CONFIG_ERRORS_THAT_HOLD = 3
#: These hold the trunk or its account instead: the campaign goes on through its other trunks, or waits.
HOLDS_THE_TRUNK = TRUNK_SETTINGS | CALL_SETTINGS


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a call job does next: due again after a delay, or finished.

    Attributes:
        due_in: None: it is finished, with ``finish_reason``.
        not_before_in: when it would be due without the hours, where they moved it or expired it.
        open_until: the next attempt begins by then, or not in that window.
        promised: it is a call back that was promised.
    """

    due_in: timedelta | None = None
    finish_reason: FinishReason | None = None
    not_before_in: timedelta | None = None
    open_until: datetime | None = None
    promised: bool = False


def decide(
    verdict: Verdict,
    *,
    history: Sequence[PastAttempt],
    policy: RetryPolicy,
    hours: CallingHours,
    zones: str,
    now: datetime,
    chance: float,
    callback_at: datetime | None = None,
) -> Decision:
    """``retry.next_step`` and the calling hours, as a delay from now: the ledger takes it on its own clock.

    A call back that was promised comes when it was promised, whatever ladder and caps say; the hours hold for it, too.
    """
    if callback_at is not None and verdict.outcome is Outcome.ANSWERED:
        return _opened(callback_at, now=now, hours=hours, zones=zones, promised=True)
    match next_step(verdict, history=history, policy=policy, now=now, chance=chance):
        case RetryAt(due_at=due_at) | Postpone(until=due_at):
            due_at = hours.after(now, due_at - now, zones)
            return _opened(due_at, now=now, hours=hours, zones=zones, promised=False)
        case Finish(reason=reason):
            return Decision(finish_reason=reason)


def _opened(due_at: datetime, *, now: datetime, hours: CallingHours, zones: str, promised: bool) -> Decision:
    opening = hours.next_opening(due_at, zones)
    if opening is None:
        return Decision(finish_reason=FinishReason.EXPIRED, not_before_in=due_at - now)
    moved = opening.at > due_at
    return Decision(
        due_in=opening.at - now,
        not_before_in=due_at - now if moved else None,
        open_until=opening.until,
        promised=promised,
    )


async def settle(dialer: Dialer, settlements: Sequence[Settlement]) -> None:
    """Write how these attempts ended and free their slots.  Safe to repeat: only open attempts change.

    Raises:
        StoreUnavailable: the ledger does not answer; nothing is known to be written.
    """
    settled = await settle_attempts(dialer.ledger, settlements)
    by_id = {settlement.attempt_id: settlement for settlement in settlements}
    for ended in settled:
        _log_end(ended, by_id[ended.attempt_id])
        await _watch_configuration(dialer, ended, by_id[ended.attempt_id].verdict)
    await free_slots(dialer, settled)


async def free_slots(dialer: Dialer, settled: Sequence[Settled]) -> None:
    """Give the slots of ended attempts back; where Redis is away, the rescuer does it later."""
    try:
        await dialer.slots.free(
            (bucket, ended.attempt_id)
            for ended in settled
            for bucket in Buckets(ended.trunk_id, ended.account_id, ended.campaign_id).names
        )
    except StoreUnavailable as error:
        log.warning("slots_not_freed", attempts=len(settled), error=str(error))


def _log_end(ended: Settled, settlement: Settlement) -> None:
    log.info(
        "attempt_ended",
        attempt_id=str(ended.attempt_id),
        campaign_id=ended.campaign_id,
        trunk_id=ended.trunk_id,
        number=mask(ended.number),
        outcome=settlement.verdict.outcome.value,
        rule=settlement.verdict.rule,
        counted=settlement.verdict.counted,
        sip_code=settlement.sip_code,
        ring_seconds=settlement.ring_seconds,
        talk_seconds=settlement.talk_seconds,
        next="finished" if settlement.finish_reason else "waiting",
        finish_reason=settlement.finish_reason and settlement.finish_reason.value,
    )


async def _watch_configuration(dialer: Dialer, ended: Settled, verdict: Verdict) -> None:
    if verdict.outcome is not Outcome.CONFIG_ERROR or verdict.rule in HOLDS_THE_TRUNK:
        return
    reason = held_reason(verdict.rule)
    if await note_config_error(
        dialer.ledger, ended.campaign_id, number=ended.number, reason=reason, most=CONFIG_ERRORS_THAT_HOLD
    ):
        log.error("campaign_held", campaign_id=ended.campaign_id, rule=verdict.rule, reason=reason)


def held_reason(rule: str) -> str:
    """The sentence a held campaign shows: what is wrong, and what to do."""
    advice = advice_for(rule)
    return (
        f"{CONFIG_ERRORS_THAT_HOLD} numbers in a row failed because {advice.what}. "
        f"Nobody whose phone did not ring lost an attempt by it: {advice.todo}, then `dialer campaign resume`"
    )


def evidence_of(result: object) -> Mapping[str, Any]:
    """Whatever the line told, as JSON: kept raw beside the outcome."""
    fields = getattr(result, "__slots__", ())
    found = {name: getattr(result, name) for name in fields}
    return {name: value for name, value in found.items() if value is not None and value != ""}
