"""Campaigns that share a trunk: a small one beside a huge one, and weights."""

import time
from collections.abc import Sequence

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import Seen, count_in, windows_above
from benchmarks.pacing.play import MANY_CHANNELS, let_run, make_trunks, moments_of, read_seen
from benchmarks.report import Report, percent
from benchmarks.stage import BUSY_AT_ONCE, Stage, open_stage

CALLS_PER_SECOND = 20.0
CALLERS = 2
SMALL, QUICK_SMALL = 200, 100
HUGE, QUICK_HUGE = 200_000, 5_000
#: So long the huge one dials alone.
BEFORE_SECONDS = 10.0
MOST_TIMES_ALONE = 2.2
WEIGHTS = (3, 1)
WEIGHTED_SECONDS, QUICK_WEIGHTED_SECONDS = 60.0, 30.0
RAMP_SECONDS = 5.0
MOST_OFF, QUICK_MOST_OFF = 0.05, 0.10


async def fairness_small(*, quick: bool) -> Report:
    """The same few contacts alone and beside many, from their start to the last INVITE of theirs."""
    small, huge = (QUICK_SMALL, QUICK_HUGE) if quick else (SMALL, HUGE)
    alone, _ = await _small_one(small, beside=0)
    beside, above = await _small_one(small, beside=huge)
    report = Report(
        title=f"fairness-small: {small} contacts, alone and beside {huge:,}", columns=("done in", "x alone")
    )
    report.row("alone", f"{alone:.1f} s", "1.00 x")
    report.row(f"beside {huge:,}", f"{beside:.1f} s", f"{beside / alone:.2f} x")
    report.bound(beside <= MOST_TIMES_ALONE * alone, f"within {MOST_TIMES_ALONE:g} times its time alone")
    report.bound(above == 0, f"no sliding second above {CALLS_PER_SECOND:g}")
    return report


async def _small_one(small: int, *, beside: int) -> tuple[float, int]:
    """How long the small campaign takes, and how many INVITEs were above the limit."""
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "1"]) as stage:
        (trunk,) = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, MANY_CHANNELS)])
        own = numbers(small)
        campaign = await make_campaign(stage.ledger, trunk, "small", own)
        if beside:
            other = await make_campaign(stage.ledger, trunk, "huge", numbers(beside, first=small))
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=CALLERS)
        if beside:
            await start(stage.ledger, other)
            await let_run(stage, BEFORE_SECONDS, "fairness-small, the huge one alone")
        begun = time.time()
        await start(stage.ledger, campaign)
        last = await _last_of(stage, set(own), limit_seconds=5 * small / CALLS_PER_SECOND + 30)
        seen = await read_seen(stage)
    return last - begun, windows_above(moments_of(seen), CALLS_PER_SECOND)


async def _last_of(stage: Stage, own: set[str], *, limit_seconds: float) -> float:
    """When the last of these numbers was dialed; infinite when not all were in time."""
    end = time.time() + limit_seconds
    while time.time() < end:
        await let_run(stage, 2, "fairness-small")
        dialed = {each.number: each.at for each in await read_seen(stage) if each.number in own}
        if len(dialed) == len(own):
            return max(dialed.values())
    return float("inf")


async def fairness_weights(*, quick: bool) -> Report:
    """Two campaigns, 3 to 1."""
    seconds, most_off = (QUICK_WEIGHTED_SECONDS, QUICK_MOST_OFF) if quick else (WEIGHTED_SECONDS, MOST_OFF)
    calls = round(CALLS_PER_SECOND * (seconds + 4 * RAMP_SECONDS))
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "1"]) as stage:
        (trunk,) = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, MANY_CHANNELS)])
        own = [numbers(calls, first=place * calls) for place in range(len(WEIGHTS))]
        campaigns = [
            await make_campaign(stage.ledger, trunk, f"weight-{weight}", dialed, weight=weight)
            for weight, dialed in zip(WEIGHTS, own, strict=True)
        ]
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=CALLERS)
        for campaign in campaigns:
            await start(stage.ledger, campaign)
        await let_run(stage, seconds + RAMP_SECONDS + 3, "fairness-weights")
        seen = await read_seen(stage)
    return _judge_weights(seen, own, seconds, most_off)


def _judge_weights(seen: Sequence[Seen], own: Sequence[Sequence[str]], seconds: float, most_off: float) -> Report:
    begun = seen[0].at + RAMP_SECONDS
    sets = [set(dialed) for dialed in own]
    dialed = [
        count_in([each.at for each in seen if each.number in numbers_of], (begun, begun + seconds))
        for numbers_of in sets
    ]
    report = Report(title=f"fairness-weights: weights 3 and 1, {seconds:.0f} s", columns=("INVITEs", "share"))
    for weight, count in zip(WEIGHTS, dialed, strict=True):
        report.row(f"weight {weight}", str(count), percent(count / max(1, sum(dialed))))
    got = dialed[0] / max(1, dialed[1])
    off = abs(got / (WEIGHTS[0] / WEIGHTS[1]) - 1)
    report.notes.append(f"{got:.2f} to 1")
    report.bound(off <= most_off, f"3 to 1 within {percent(most_off)} ({percent(off)} off)")
    return report
