"""When a breaker opens, is held, is tried, and closes.  Pure.

It opens by the last results of all callers.  Only its probe closes it, or a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from dialer.domain.advice import BY_RULE, advice_for
from dialer.domain.breaker_state import MOVES, Breaker, BreakerState, check_move
from dialer.domain.trunk_result import (
    TRUNK_SETTINGS,
    ResultKind,
    TrunkResult,
    in_order,
    last_row,
    number_mark,
    result_kind,
)

__all__ = [
    "MOVES",
    "Breaker",
    "BreakerState",
    "ResultKind",
    "TrunkResult",
    "hold",
    "is_probe_due",
    "judge_probe",
    "judge_results",
    "number_mark",
    "probe_asked",
    "probe_begun",
    "probe_failed",
    "probe_succeeded",
    "result_kind",
    "resumed_by_operator",
]

LATELY = timedelta(seconds=60)  #: older results say nothing about now
FAILURES = 5
OF_THE_LAST, SHARE = 20, 0.5
#: Different numbers with the same fault of settings, in a row, before it is believed.
TRUNK_SETTINGS_NUMBERS, CALL_SETTINGS_NUMBERS = 2, 3
#: How long it rests before a probe, by how long it has been open.
RESTS = ((timedelta(minutes=10), timedelta(seconds=8)), (timedelta(hours=1), timedelta(seconds=30)))
LONGEST_REST = timedelta(seconds=60)
#: It opens again within this: it had not been well, and rests twice as long.
RELAPSE = timedelta(minutes=2)
#: A probe without an answer for this long counts as lost.
PROBE_LOST_AFTER = timedelta(seconds=20)

_NOBODY: Mapping[UUID, datetime] = MappingProxyType({})


def judge_results(
    breaker: Breaker,
    results: Sequence[TrunkResult],
    *,
    now: datetime,
    under_way: Mapping[UUID, datetime] = _NOBODY,
) -> Breaker:
    """The breaker after these results: opened, held, or the same.

    Args:
        results: the last of all callers, as they came.  They never close it.
        under_way: when the trunk's newest calls that have not ended were begun, by attempt.  Without them a few fast
            failures at the start of a campaign look like an outage.
    """
    if breaker.state not in (BreakerState.CLOSED, BreakerState.OPEN):
        return breaker
    since = max(now - LATELY, breaker.closed_at) if breaker.closed_at else now - LATELY
    ordered = in_order(results, since=since)
    if fault := _fault_of_settings(ordered, under_way, now):
        return hold(breaker, rule=fault.rule, reason=_held_reason(fault), now=now)
    if breaker.state is BreakerState.CLOSED and (failed := _failures(ordered, under_way, now)):
        return _opened(breaker, failed, now)
    return breaker


def hold(breaker: Breaker, *, rule: str, reason: str, now: datetime) -> Breaker:
    """No call goes out until a person acts.  ``reason`` says what happened and what to do."""
    check_move(breaker.state, BreakerState.HELD)
    return replace(
        breaker,
        state=BreakerState.HELD,
        reason=reason,
        rule=rule,
        since=now,
        openings=0,
        opened_at=_left_closed(breaker, now),
        probe_at=None,
    )


def is_probe_due(breaker: Breaker, now: datetime) -> bool:
    """Whether one call may go out now to try it."""
    return breaker.state is not BreakerState.CLOSED and breaker.probe_at is not None and breaker.probe_at <= now


def probe_asked(breaker: Breaker, *, now: datetime) -> Breaker:
    """A person wants it tried now.  One that is closed needs no probe; one under way is waited for."""
    if breaker.state in (BreakerState.CLOSED, BreakerState.HALF_OPEN):
        return breaker
    return replace(breaker, probe_at=now)


def probe_begun(breaker: Breaker, *, now: datetime, lost_after: timedelta = PROBE_LOST_AFTER) -> Breaker:
    """One call was released to try it."""
    check_move(breaker.state, BreakerState.HALF_OPEN)
    return replace(breaker, state=BreakerState.HALF_OPEN, probe_at=now + lost_after)


def probe_succeeded(breaker: Breaker, *, now: datetime) -> Breaker:
    """The probe got through: calls go out again, slowly at first (``congestion.ramped``)."""
    return _closed(breaker, now)


def resumed_by_operator(breaker: Breaker, *, now: datetime) -> Breaker:
    """A person says that it is well."""
    return replace(_closed(breaker, now), openings=0)


def probe_failed(breaker: Breaker, *, now: datetime, result: TrunkResult | None = None) -> Breaker:
    """The probe met the fault again; without a result it was lost, or told nothing."""
    state = BreakerState.HELD if breaker.needs_a_person else BreakerState.OPEN
    check_move(breaker.state, state)
    if result is not None and state is BreakerState.OPEN:
        breaker = replace(breaker, rule=result.rule, reason=_open_reason(f"the last probe failed: {result.reason}"))
    probe_at = None if state is BreakerState.HELD else now + _rest(breaker, now)
    return replace(breaker, state=state, probe_at=probe_at)


def judge_probe(breaker: Breaker, result: TrunkResult, *, now: datetime) -> Breaker:
    """The breaker after its probe's result; the same when no probe is under way (any more)."""
    if breaker.state is not BreakerState.HALF_OPEN:
        return breaker
    match result.kind:
        case ResultKind.OK | ResultKind.CONGESTION:
            return probe_succeeded(breaker, now=now)
        case ResultKind.HARD if result.rule == breaker.rule and not breaker.needs_a_person:
            return hold(breaker, rule=result.rule, reason=_held_reason(result), now=now)
        case ResultKind.SILENT_ON_HEALTH if result.says_nothing:
            return probe_failed(breaker, now=now)
        case ResultKind.SILENT_ON_HEALTH if breaker.rule != f"storm_{result.sip_code}":
            return probe_succeeded(breaker, now=now)  # the carrier handles calls again
        case _:
            return probe_failed(breaker, now=now, result=result)


def _fault_of_settings(
    ordered: list[TrunkResult], under_way: Mapping[UUID, datetime], now: datetime
) -> TrunkResult | None:
    row = last_row(ordered, lambda result: result.kind is ResultKind.HARD, under_way=under_way, now=now)
    if not row:
        return None
    of_the_trunk = [result for result in row if result.rule in TRUNK_SETTINGS]
    if _numbers(of_the_trunk) >= TRUNK_SETTINGS_NUMBERS:
        return of_the_trunk[-1]
    return row[-1] if _numbers(row) >= CALL_SETTINGS_NUMBERS else None


def _failures(ordered: list[TrunkResult], under_way: Mapping[UUID, datetime], now: datetime) -> list[TrunkResult]:
    """The failures for which it opens; empty: it does not."""
    row = last_row(ordered, _has_failed, under_way=under_way, now=now)
    if len(row) >= FAILURES and _are_the_trunks(row):
        return row
    last = [result for result in ordered if not result.says_nothing][-OF_THE_LAST:]
    failed = [result for result in last if _has_failed(result)]
    if len(failed) < FAILURES or not _are_the_trunks(failed):
        return []
    slowest = max(result.seconds for result in failed)
    known = {result.attempt_id for result in ordered}
    others = sum(
        at >= failed[0].begun_at and (now - at).total_seconds() > slowest
        for attempt_id, at in under_way.items()
        if attempt_id not in known
    )
    return failed if len(failed) >= SHARE * (len(last) + others) else []


def _has_failed(result: TrunkResult) -> bool:
    return result.kind in (ResultKind.FAILURE, ResultKind.HARD)


def _are_the_trunks(failed: list[TrunkResult]) -> bool:
    """A code may be about the one number that was called again and again; silence is not."""
    return _numbers(failed) > 1 or any(result.sip_code is None for result in failed)


def _numbers(results: list[TrunkResult]) -> int:
    return len({result.number_mark for result in results})


def _opened(breaker: Breaker, failed: list[TrunkResult], now: datetime) -> Breaker:
    check_move(breaker.state, BreakerState.OPEN)
    relapsed = breaker.closed_at is not None and now - breaker.closed_at < RELAPSE
    what = f"{len(failed)} of its last calls failed, the newest like this: {failed[-1].reason}"
    opened = replace(
        breaker,
        state=BreakerState.OPEN,
        reason=_open_reason(what),
        rule=failed[-1].rule,
        since=now,
        openings=breaker.openings + 1 if relapsed else 1,
        opened_at=now,
    )
    return replace(opened, probe_at=now + _rest(opened, now))


def _closed(breaker: Breaker, now: datetime) -> Breaker:
    check_move(breaker.state, BreakerState.CLOSED)
    return replace(breaker, state=BreakerState.CLOSED, reason="", rule="", since=now, probe_at=None, closed_at=now)


def _left_closed(breaker: Breaker, now: datetime) -> datetime | None:
    return now if breaker.state is BreakerState.CLOSED else breaker.opened_at


def _rest(breaker: Breaker, now: datetime) -> timedelta:
    open_for = now - (breaker.opened_at or now)
    rest = next((rest for below, rest in RESTS if open_for < below), LONGEST_REST)
    return max(rest, min(RESTS[0][1] * 2 ** (breaker.openings - 1), LONGEST_REST)) if breaker.openings else rest


def _open_reason(what: str) -> str:
    return f"{what}; one call at a time tries whether it is well again; if it stays so, ask the carrier"


def _held_reason(fault: TrunkResult) -> str:
    advice = advice_for(fault.rule)
    what = advice.what if fault.rule in BY_RULE else fault.reason
    return f"{what}: {advice.todo}, then try it with `dialer trunk probe`"
