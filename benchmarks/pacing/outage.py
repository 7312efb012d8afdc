"""A trunk that dies in mid-run and comes back: few calls are wasted, nobody loses an attempt, it is used again."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import Seen, Span, longest_gap, regained_after, windows_above
from benchmarks.pacing.play import (
    MANY_CHANNELS,
    counted_amiss,
    finished_unreached,
    let_run,
    livekit_id,
    make_trunks,
    moments_of,
    read_seen,
)
from benchmarks.report import Report
from benchmarks.stage import BUSY_AT_ONCE, Stage, open_stage
from dialer.domain.trunk import Trunk

CALLS_PER_SECOND = 20.0
CALLERS = 2
BEFORE_SECONDS = 20.0
OUTAGE_SECONDS, QUICK_OUTAGE_SECONDS = 60.0, 20.0
#: From the return until the trunk has to be at nine tenths of its rate, and so long it has to be seen there.
RETURN_SECONDS, AFTER_SECONDS = 30.0, 15.0
LEAST_AGAIN = 0.9
MOST_WASTED_ERRORS = 20
MOST_WASTED_SILENT = round(10 * CALLS_PER_SECOND)
#: With a second trunk the campaign never stands still for so long.
LONGEST_STANDSTILL = 3.0
#: After this, silent calls have come to their end too: the SIP node gives up after 32 s.
SILENCE_ENDS_SECONDS = 35.0

ERRORS: Mapping[str, object] = {"kind": "code", "code": 503}
SILENCE: Mapping[str, object] = {"kind": "silence"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One run, as carrier and ledger tell it; ``dead``: from when to when the first trunk was."""

    trunks: list[Trunk]
    seen: list[Seen]
    dead: Span
    amiss: dict[str, int]
    unreached: int


async def outage_errors(*, quick: bool) -> Report:
    """The only trunk answers 503."""
    told = await _run("outage-errors", ERRORS, trunks=1, quick=quick)
    return _judged("outage-errors: the only trunk answers 503", told, MOST_WASTED_ERRORS)


async def outage_silent(*, quick: bool) -> Report:
    """The only trunk answers nothing."""
    told = await _run("outage-silent", SILENCE, trunks=1, quick=quick)
    return _judged("outage-silent: the only trunk is silent", told, MOST_WASTED_SILENT)


async def outage_second(*, quick: bool) -> Report:
    """The first trunk answers 503, and there is a second one."""
    told = await _run("outage-second", ERRORS, trunks=2, quick=quick)
    report = _judged("outage-second: the first of two trunks answers 503", told, MOST_WASTED_ERRORS)
    gap = longest_gap(moments_of(each for each in told.seen if each.refused is None), told.dead)
    report.row("longest time without a call that got through", f"{gap:.2f} s")
    report.bound(gap <= LONGEST_STANDSTILL, f"the campaign never stands still for {LONGEST_STANDSTILL:.0f} s")
    return report


async def _run(name: str, kind: Mapping[str, object], *, trunks: int, quick: bool) -> Told:
    seconds = QUICK_OUTAGE_SECONDS if quick else OUTAGE_SECONDS
    after = RETURN_SECONDS + AFTER_SECONDS + (SILENCE_ENDS_SECONDS if kind is SILENCE else 0)
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "2"]) as stage:
        made = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, MANY_CHANNELS)] * trunks)
        calls = round(trunks * CALLS_PER_SECOND * (BEFORE_SECONDS + seconds + after + 10))
        campaign = await make_campaign(stage.ledger, made, name, numbers(calls))
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=CALLERS)
        await start(stage.ledger, campaign)
        await let_run(stage, BEFORE_SECONDS, f"{name}, before")
        dead = await _strike(stage, kind, seconds, name)
        await let_run(stage, after, f"{name}, after")
        return Told(
            trunks=made,
            seen=await read_seen(stage),
            dead=dead,
            amiss=await counted_amiss(stage.ledger),
            unreached=await finished_unreached(stage.ledger),
        )


async def _strike(stage: Stage, kind: Mapping[str, object], seconds: float, name: str) -> Span:
    """The first trunk is dead for so long."""
    begun = time.time()
    await stage.put("outages", [{**kind, "trunk": livekit_id(1), "for_seconds": seconds}])
    await let_run(stage, seconds, f"{name}, dead")
    return begun, begun + seconds


def _judged(title: str, told: Told, most_wasted: int) -> Report:
    moments = moments_of(told.seen, told.trunks[0])
    wasted = [each.at - told.dead[0] for each in told.seen if each.refused == "outage"]
    back = told.dead[1]
    again = regained_after(
        moments, back, per_second=LEAST_AGAIN * CALLS_PER_SECOND, until=back + RETURN_SECONDS + AFTER_SECONDS
    )
    report = Report(title=f"{title} for {back - told.dead[0]:.0f} s", columns=("",))
    report.row("calls wasted on it", str(len(wasted)))
    report.row("  the last that was not a probe, after", f"{_last_of_flood(wasted):.1f} s")
    report.row("nine tenths of its rate again after", f"{again:.1f} s" if again is not None else "never")
    report.bound(len(wasted) <= most_wasted, f"at most {most_wasted} calls are wasted")
    report.bound(again is not None and again <= RETURN_SECONDS, f"its rate again within {RETURN_SECONDS:.0f} s")
    report.bound(not told.amiss, f"no attempt counts that met the outage ({told.amiss or 'none'})")
    report.bound(not told.unreached, f"nobody is finished without having been reached ({told.unreached})")
    above = sum(windows_above(moments_of(told.seen, trunk), trunk.calls_per_second) for trunk in told.trunks)
    report.bound(above == 0, f"no sliding second above {CALLS_PER_SECOND:g}")
    return report


def _last_of_flood(wasted: Sequence[float]) -> float:
    """The last call of those that followed each other within 2 s; what comes later comes alone, as a probe."""
    last = 0.0
    for moment in wasted:
        if moment - last > 2:
            break
        last = moment
    return last
