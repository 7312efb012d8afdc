"""How much of a trunk's calls per second is used, and whether any sliding second at the carrier holds more."""

import asyncio

from benchmarks.campaigns import attempts_settled, make_campaign, make_trunk, numbers, start, tidy_up
from benchmarks.pacing.judges import used_share
from benchmarks.report import Report, percent
from benchmarks.stage import BUSY_AT_ONCE, open_stage
from dialer.limits.buckets import PACE

CALLS_PER_SECOND, CHANNELS = 50, 1_000
CALLERS = 2
SECONDS, QUICK_SECONDS = 60, 15
RAMP_SECONDS = 3.0
REST_SECONDS = 3.0
LEAST_SHARE = 0.97


async def pacing(*, quick: bool) -> Report:
    """Call at the trunk's limit for a while and ask the carrier how it was."""
    seconds = QUICK_SECONDS if quick else SECONDS
    calls = round(CALLS_PER_SECOND * (seconds + RAMP_SECONDS + REST_SECONDS))
    async with open_stage(everyone=BUSY_AT_ONCE) as stage:
        trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
        campaign = await make_campaign(stage.ledger, trunk, "pacing", numbers(calls))
        await tidy_up(stage.ledger.database_url)
        await stage.start_workers(callers=CALLERS)
        await start(stage.ledger, campaign)
        await asyncio.sleep(seconds + RAMP_SECONDS + REST_SECONDS)
        outcomes, record = await attempts_settled(stage.ledger), await stage.carrier_record()
    moments = sorted(invite["at"] for invite in record["invites"])
    begun = (moments[0] if moments else 0.0) + RAMP_SECONDS
    share = used_share(moments, (begun, begun + seconds), CALLS_PER_SECOND)
    report = Report(
        title=f"pacing: {seconds} s at {CALLS_PER_SECOND} calls a second, {CALLERS} callers",
        columns=("used", "ours/pace"),
    )
    report.row("the pace that is asked for", percent(PACE), "1.000")
    report.row("INVITEs at the carrier", percent(share), f"{share / PACE:.3f}")
    report.notes.append(f"most INVITEs in a sliding second: {record['worst_second']}; outcomes: {outcomes}")
    report.bound(share >= LEAST_SHARE, f"at least {percent(LEAST_SHARE)} of the limit is used")
    report.bound(record["worst_second"] <= CALLS_PER_SECOND, f"no sliding second holds more than {CALLS_PER_SECOND}")
    return report
