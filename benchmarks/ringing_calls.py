"""Memory of one caller that holds thousands of ringing calls, and whether any of them times out."""

import asyncio

from benchmarks.campaigns import attempts_settled, make_campaign, make_trunk, numbers, start, tidy_up, wait_for
from benchmarks.floor import measure_floor
from benchmarks.report import Report
from benchmarks.stage import RINGS_FOR_EVER, Stage, open_stage, simulator
from benchmarks.usage import KIB, MIB, resident_bytes

CALLS, QUICK_CALLS = 3_000, 500
CALLS_PER_SECOND, CHANNELS = 200.0, 4_000
#: From the last dial to the last ring timeout, with room for the settling.
SECONDS = 180.0


async def ringing_calls(*, quick: bool) -> Report:
    """One caller holds the calls until LiveKit's ringing timeout ends each."""
    calls = QUICK_CALLS if quick else CALLS
    async with simulator(everyone=RINGS_FOR_EVER) as url:
        floor = await measure_floor(url, "ringing", calls)
    async with open_stage(everyone=RINGS_FOR_EVER) as stage:
        idle, peak, outcomes, most = await _hold(stage, calls)
    ours_each, floor_each = (peak - idle) / calls, (floor.peak_bytes - floor.idle_bytes) / calls
    report = Report(
        title=f"ringing: {calls:,} calls ringing in one caller process",
        columns=("idle", "holding", "a call", "ours/floor"),
    )
    report.row(
        "bare floor",
        f"{floor.idle_bytes / MIB:.0f} MiB",
        f"{floor.peak_bytes / MIB:.0f} MiB",
        f"{floor_each / KIB:.1f} KiB",
        "1.00 x",
    )
    report.row(
        "caller",
        f"{idle / MIB:.0f} MiB",
        f"{peak / MIB:.0f} MiB",
        f"{ours_each / KIB:.1f} KiB",
        f"{ours_each / floor_each:.2f} x",
    )
    report.notes.append(f"outcomes: {outcomes}; most ringing at once at the carrier: {most}")
    report.bound(outcomes.get("no_answer", 0) == calls, "every call ended by its ring timeout, none timed out on us")
    report.bound(most == calls, "all of them rang at once")
    return report


async def _hold(stage: Stage, calls: int) -> tuple[int, int, dict[str, int], int]:
    """Resident bytes idle and at most, the outcomes, and the most calls at once."""
    trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
    campaign = await make_campaign(stage.ledger, trunk, "ringing", numbers(calls))
    await tidy_up(stage.ledger.database_url)
    workers = await stage.start_workers(callers=1)
    caller = next(worker.pid for worker in workers if worker.name == "caller")
    idle = peak = resident_bytes(caller)
    await start(stage.ledger, campaign)
    async with asyncio.timeout(SECONDS):
        while sum((await attempts_settled(stage.ledger)).values()) < calls // 2:
            peak = max(peak, resident_bytes(caller))
            await asyncio.sleep(0.5)
    outcomes = await wait_for(stage.ledger, "no_answer", calls, seconds=SECONDS)
    return idle, peak, outcomes, (await stage.carrier_record())["most_calls"]
