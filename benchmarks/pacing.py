"""How much of a trunk's rate two callers use over a minute, by the carrier's own record, and the worst second of it."""

import asyncio
from bisect import bisect_left

from benchmarks.campaigns import attempts_settled, make_campaign, make_trunk, numbers, start, tidy_up
from benchmarks.report import Report
from benchmarks.stage import BUSY_AT_ONCE, open_stage
from dialer.limits.call_rate import PACE

CALLS_PER_SECOND = 50
SECONDS, QUICK_SECONDS = 60.0, 15.0
#: At the beginning nothing is on its way yet.
WARM_UP_SECONDS = 3.0
LEAST_USED = 0.97


async def pacing(*, quick: bool) -> Report:
    """Two callers on one trunk of 50 calls a second."""
    seconds = QUICK_SECONDS if quick else SECONDS
    calls = round((seconds + 2 * WARM_UP_SECONDS) * CALLS_PER_SECOND)
    async with open_stage(everyone=BUSY_AT_ONCE) as stage:
        trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=1000)
        campaign = await make_campaign(stage.ledger, trunk, "pacing", numbers(calls))
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=2)
        await start(stage.ledger, campaign)
        async with asyncio.timeout(3 * seconds + 60):
            while (await attempts_settled(stage.ledger)).get("busy", 0) < calls:
                await asyncio.sleep(0.5)
        record = await stage.carrier_record()
    moments = sorted(invite["at"] for invite in record["invites"])
    begin = moments[0] + WARM_UP_SECONDS
    used = (bisect_left(moments, begin + seconds) - bisect_left(moments, begin)) / (seconds * CALLS_PER_SECOND)
    report = Report(
        title=f"pacing: two callers on a trunk of {CALLS_PER_SECOND} calls a second, {seconds:.0f} s",
        columns=("of the limit used", "worst sliding second"),
    )
    report.row("what a pace of 98.5 % can use", f"{PACE:.1%}", f"{CALLS_PER_SECOND}")
    report.row("two callers", f"{used:.1%}", str(record["worst_second"]))
    report.bound(used >= LEAST_USED, f"at least {LEAST_USED:.0%} of the limit used")
    report.bound(
        record["worst_second"] <= CALLS_PER_SECOND, f"no sliding second above {CALLS_PER_SECOND} at the carrier"
    )
    return report
