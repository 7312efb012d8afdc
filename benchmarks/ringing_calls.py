"""Memory of one caller while thousands of phones ring, and whether anything times out that should not."""

import asyncio
from dataclasses import dataclass

from benchmarks.campaigns import RINGING_TIMEOUT, make_campaign, make_trunk, numbers, start, tidy_up, wait_for
from benchmarks.floor import measure_floor
from benchmarks.report import Report, kib, mib, ratio
from benchmarks.stage import RINGS_FOR_EVER, Stage, Worker, open_stage, simulator
from benchmarks.usage import resident_bytes

CALLS, QUICK_CALLS = 3_000, 500
CALLS_PER_SECOND, CHANNELS = 500.0, 4_000
NO_ANSWER = "no_answer"
#: From the first ring to the last: all begin in a few seconds, and each rings for the ringing timeout.
LONGEST_SECONDS = 3 * RINGING_TIMEOUT.total_seconds()
LOOK_SECONDS = 0.5
#: What a later attempt of an unsent one would be; they are few and their calls ring like the others.
UNSENT = "cancelled"


@dataclass(slots=True)
class Held:
    """The caller's memory, and what the ledger showed while the phones rang."""

    idle_bytes: int
    peak_bytes: int
    most_open: int = 0
    most_in_doubt: int = 0


async def ringing_calls(*, quick: bool) -> Report:
    """Let all ring at once until nobody answered."""
    calls = QUICK_CALLS if quick else CALLS
    async with simulator(everyone=RINGS_FOR_EVER) as url:
        floor = await measure_floor(url, "ringing", calls)
    async with open_stage(everyone=RINGS_FOR_EVER) as stage:
        held, outcomes = await _run(stage, calls)
    report = Report(
        title=f"ringing: {calls:,} phones ring at once for {RINGING_TIMEOUT.total_seconds():.0f} s in one caller",
        columns=("idle", "holding", "for each call"),
    )
    mine, bare = (held.peak_bytes - held.idle_bytes) / calls, (floor.peak_bytes - floor.idle_bytes) / calls
    report.row("bare floor", mib(floor.idle_bytes), mib(floor.peak_bytes), kib(bare))
    report.row("caller", mib(held.idle_bytes), mib(held.peak_bytes), kib(mine))
    report.row(
        "caller/floor", ratio(held.idle_bytes, floor.idle_bytes), ratio(held.peak_bytes, floor.peak_bytes),
        ratio(mine, bare),
    )  # fmt: skip
    report.notes.append(f"outcomes: {outcomes}; floor, HTTP status/SIP code: {floor.answers}")
    report.bound(held.most_open == calls, f"all {calls:,} rang at once (most: {held.most_open:,})")
    report.bound(held.most_in_doubt == 0, "no call was in doubt at any time")
    report.bound(outcomes.get(NO_ANSWER) == calls and outcomes.keys() <= {NO_ANSWER, UNSENT}, "all ended as no_answer")
    return report


async def _run(stage: Stage, calls: int) -> tuple[Held, dict[str, int]]:
    trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
    campaign = await make_campaign(stage.ledger, trunk, "ringing", numbers(calls))
    await tidy_up(stage.ledger.database_url)
    workers = await stage.start_workers(callers=1)
    caller = next(worker for worker in workers if worker.name == "caller")
    idle = resident_bytes(caller.pid)
    held = Held(idle_bytes=idle, peak_bytes=idle)
    watching = asyncio.create_task(_watch(stage, caller, held))
    await start(stage.ledger, campaign)
    outcomes = await wait_for(stage.ledger, NO_ANSWER, calls, seconds=LONGEST_SECONDS)
    watching.cancel()
    return held, outcomes


async def _watch(stage: Stage, caller: Worker, held: Held) -> None:
    while True:
        row = await stage.ledger.row(
            """/* bench */ SELECT count(*) AS open, count(doubt_since) AS in_doubt
            FROM attempts WHERE state <> 'ended'"""
        )
        assert row is not None
        held.most_open = max(held.most_open, row["open"])
        held.most_in_doubt = max(held.most_in_doubt, row["in_doubt"])
        held.peak_bytes = max(held.peak_bytes, resident_bytes(caller.pid))
        await asyncio.sleep(LOOK_SECONDS)
