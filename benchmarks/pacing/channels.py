"""All channels of a trunk in use and never one more, also while callers are killed with -9."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import Seen, Span, at_share, channel_share, filled_after, most_at_once
from benchmarks.pacing.play import let_run, make_trunks, moments_of, read_seen
from benchmarks.report import Report, percent
from benchmarks.stage import Stage, Worker, open_stage
from console.supervisor import end, environment_for, launch
from dialer.domain.fence import Fence, scaled

CHANNELS = 20
#: Far above what the channels take: only they decide.
CALLS_PER_SECOND = 10.0
#: The simulator's people ring and talk for 9 s at most; at this speed that becomes calls of 6 to 40 s.
SPEED = 0.45
#: Ringing and talking of ten kinds of people, 21 s on the average.
PEOPLE = "203,212,225,224,235,246,257,268,279,299"
SECONDS, QUICK_SECONDS = 180.0, 60.0
FILL_SECONDS = 15.0
LEAST_SHARE = 0.97
KILLS, QUICK_KILLS = 8, 2
KILL_EVERY_SECONDS = 10.0
FENCE_SCALE = 0.1
#: After the bounds of doubt, the channels have to be full again within this.
FULL_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubts:
    """Of the attempts that were in doubt: for how many seconds each was, and held its slots."""

    held_seconds: list[float]
    still_open: int


async def channels(*, quick: bool) -> Report:
    """Nobody is killed."""
    seconds = QUICK_SECONDS if quick else SECONDS
    async with open_stage(
        everyone=PEOPLE,
        webhooks=True,
        flags=["--trunks", "1", "--speed", str(SPEED)],
        more={"time_scale": SPEED},
    ) as stage:
        await _begin(stage, seconds)
        await let_run(stage, seconds + FILL_SECONDS + 5, "channels")
        seen = await read_seen(stage)
    begun = seen[0].at + FILL_SECONDS
    report = _report(f"channels: {CHANNELS} channels, calls of 6 to 40 s, webhooks, {seconds:.0f} s", seen)
    share = channel_share(seen, (begun, begun + seconds), CHANNELS)
    report.row("channel-seconds used", percent(share))
    report.bound(share >= LEAST_SHARE, f"at least {percent(LEAST_SHARE)} of the channel-seconds are used")
    return report


async def channels_killed(*, quick: bool) -> Report:
    """A caller is killed every 10 s; fence and leases are a tenth of what they are in life."""
    kills = QUICK_KILLS if quick else KILLS
    bounds = scaled(Fence(), FENCE_SCALE)
    doubt_seconds = (bounds.visible_after + bounds.hold).total_seconds()
    async with open_stage(
        everyone=PEOPLE,
        webhooks=True,
        flags=["--trunks", "1", "--speed", str(SPEED), "--token-leeway", str(bounds.leeway.total_seconds())],
        more={"time_scale": SPEED, "fence_scale": FENCE_SCALE},
    ) as stage:
        workers = await _begin(stage, kills * KILL_EVERY_SECONDS + doubt_seconds + FULL_AGAIN_SECONDS)
        await let_run(stage, FILL_SECONDS, "channels-killed")
        killed = await _kill_callers(stage, workers, kills)
        await let_run(stage, doubt_seconds + FULL_AGAIN_SECONDS, "channels-killed, after the last kill")
        seen, doubts = await read_seen(stage), await _doubts(stage)
    report = _report(f"channels-killed: {kills} x kill -9 of a caller, one every {KILL_EVERY_SECONDS:.0f} s", seen)
    report.row("channel-seconds used while callers were killed", percent(channel_share(seen, killed, CHANNELS)))
    _judge_return(report, seen, doubts, since=killed[1], doubt_seconds=doubt_seconds)
    return report


async def _begin(stage: Stage, seconds: float) -> list[Worker]:
    (trunk,) = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, CHANNELS)])
    campaign = await make_campaign(stage.ledger, trunk, "channels", numbers(round(seconds * 3) + 200))
    await tidy_up(stage.ledger.database_url)
    workers = await stage.start_workers(callers=2)
    await start(stage.ledger, campaign)
    return workers


async def _kill_callers(stage: Stage, workers: list[Worker], kills: int) -> Span:
    """Kill one caller after the other and start another for it; from the first kill to the last."""
    callers = [worker.pid for worker in workers if worker.name == "caller"]
    first = last = time.time()
    for place in range(kills):
        await asyncio.sleep(KILL_EVERY_SECONDS)
        last = time.time()
        os.kill(callers[place % len(callers)], signal.SIGKILL)
        process = await launch("workers.caller", environment=environment_for(stage.settings), stderr=stage.log)
        stage.exits.push_async_callback(end, process)
        callers[place % len(callers)] = process.pid
    return first, last


async def _doubts(stage: Stage) -> Doubts:
    """How long attempts were in doubt."""
    rows = await stage.ledger.rows(
        """/* bench */ SELECT extract(epoch FROM ended_at -
               coalesce(doubt_since, (evidence ->> 'doubt_since')::timestamptz))::float8 AS seconds FROM attempts
           WHERE doubt_since IS NOT NULL OR evidence ->> 'doubt_since' IS NOT NULL"""
    )
    ended = [row["seconds"] for row in rows if row["seconds"] is not None]
    return Doubts(held_seconds=ended, still_open=len(rows) - len(ended))


def _report(title: str, seen: list[Seen]) -> Report:
    report = Report(title=title, columns=("",))
    most = most_at_once(seen)
    report.row("INVITEs", str(len(moments_of(seen))))
    report.row("most calls at once at the carrier", str(most))
    report.bound(most <= CHANNELS, f"never call {CHANNELS + 1} at the carrier")
    return report


def _judge_return(report: Report, seen: list[Seen], doubts: Doubts, *, since: float, doubt_seconds: float) -> None:
    until = since + doubt_seconds + FULL_AGAIN_SECONDS
    full = filled_after(seen, since, channels=CHANNELS, share=LEAST_SHARE, until=until)
    report.row("slots that were in doubt", str(len(doubts.held_seconds) + doubts.still_open))
    report.row("  still are", str(doubts.still_open))
    for name, share in (("  half of them for", 0.5), ("  the longest for", 1.0)):
        report.row(name, f"{at_share(doubts.held_seconds, share):.1f} s")
    report.row("the bounds of doubt, a tenth of life's", f"{doubt_seconds:.1f} s")
    report.row("full again after the last kill", f"{full:.1f} s" if full is not None else "never")
    report.bound(full is not None, f"full again within {FULL_AGAIN_SECONDS:.0f} s after the bounds of doubt")
