"""What a reservation costs in Redis with many trunks and campaigns, beside a script that does nothing."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import at_share, count_in, windows_above
from benchmarks.pacing.play import MANY_CHANNELS, let_run, make_trunks, moments_of, read_seen
from benchmarks.report import Report, percent, ratio
from benchmarks.stage import BUSY_AT_ONCE, Stage, open_stage
from dialer.clock import Clock
from dialer.domain.fence import Leases
from dialer.domain.trunk import Trunk
from dialer.limits.buckets import AccountLimits, CallLimits
from dialer.limits.call_rate import CallRate, Turn
from dialer.limits.call_slots import CallSlots
from dialer.limits.epoch import Epoch
from dialer.limits.redis_session import RedisSession

TRUNKS, CAMPAIGNS, ACCOUNTS = 50, 200, 5
RESERVATIONS, QUICK_RESERVATIONS = 20_000, 2_000
#: No reservation waits for its turn: only what it costs is measured.
UNPACED = 9_000.0
CALLS_PER_SECOND = 4.0
SECONDS, QUICK_SECONDS = 60.0, 15.0
RAMP_SECONDS = 8.0
LEAST_SHARE = 0.97
CALLERS = 2
MICROSECONDS = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of many runs of one script.  ``inside``: seconds in Redis for one."""

    seconds: list[float]
    inside: float


async def costs(*, quick: bool) -> Report:
    """One script after the other on an idle Redis; then the real thing at 200 calls a second."""
    seconds = QUICK_SECONDS if quick else SECONDS
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", str(TRUNKS)]) as stage:
        empty, reservation = await _bare(stage, QUICK_RESERVATIONS if quick else RESERVATIONS)
        report = Report(
            title=f"costs: {TRUNKS} trunks, {CAMPAIGNS} campaigns, {ACCOUNTS} accounts, {len(empty.seconds):,} times",
            columns=("p50", "p99", "in Redis"),
        )
        _rows(report, empty, reservation)
        await _live(stage, seconds, report)
    return report


def _rows(report: Report, empty: Cost, reservation: Cost) -> None:
    figures = []
    for name, cost in (("an empty script", empty), ("a reservation", reservation)):
        figures.append([at_share(cost.seconds, 0.5), at_share(cost.seconds, 0.99), cost.inside])
        report.row(name, *(_microseconds(figure) for figure in figures[-1]))
    report.row("  beside it", *(ratio(mine, bare) for bare, mine in zip(*figures, strict=True)))


async def _bare(stage: Stage, count: int) -> tuple[Cost, Cost]:
    """Each kind so often, in turns of a hundred."""
    assert stage.settings.redis_url is not None
    session = RedisSession(stage.settings.redis_url.get_secret_value(), installation="costs")
    rate = CallRate(session, CallSlots(session), leases=Leases(), clock=Clock())
    epoch = Epoch(session, rate)
    await epoch.begin(1)
    await epoch.open(1, {})
    limits = _limits()
    nothing = session.client.register_script("return {}")

    async def run_nothing(_: int) -> None:
        await nothing(keys=[session.key("epoch")], args=[1])

    async def reserve(place: int) -> None:
        each = limits[place % len(limits)]
        given = await rate.reserve(each, [uuid4()], epoch=1, lead=timedelta(milliseconds=30))
        assert isinstance(given, list), given
        assert isinstance(given[0], Turn), given

    try:
        await _timed(session, reserve, len(limits))  # scripts loaded, buckets there
        await _timed(session, run_nothing, 100)
        return await _timed(session, run_nothing, count), await _timed(session, reserve, count)
    finally:
        await session.close()


def _limits() -> list[CallLimits]:
    """One for each campaign: its trunk's, its account's, its own and LiveKit's buckets."""
    return [
        CallLimits(
            trunk_id=campaign % TRUNKS + 1,
            calls_per_second=UNPACED,
            max_concurrent_calls=1_000_000,
            account=AccountLimits(
                account_id=campaign % ACCOUNTS + 1, calls_per_second=UNPACED, max_concurrent_calls=1_000_000
            ),
            campaign_id=campaign,
            campaign_calls=1_000_000,
            requests_per_minute=UNPACED * 60,
        )
        for campaign in range(1, CAMPAIGNS + 1)
    ]


async def _timed(session: RedisSession, run: Callable[[int], Awaitable[None]], count: int) -> Cost:
    before, seconds = await _inside(session.client), []
    for place in range(count):
        begun = time.perf_counter()
        await run(place)
        seconds.append(time.perf_counter() - begun)
    after = await _inside(session.client)
    return Cost(seconds=seconds, inside=(after["evalsha"] - before.get("evalsha", 0.0)) / count)


async def _inside(client: Any) -> dict[str, float]:  # Any: redis-py does not type INFO
    """Seconds that Redis has spent in each command so far."""
    stats = await client.info("commandstats")
    return {name.removeprefix("cmdstat_"): figures["usec"] / MICROSECONDS for name, figures in stats.items()}


async def _live(stage: Stage, seconds: float, report: Report) -> None:
    """All campaigns dial; what Redis does meanwhile, the queue included, is shared by the calls."""
    trunks = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, MANY_CHANNELS)] * TRUNKS)
    await _make_campaigns(stage, trunks, seconds)
    await let_run(stage, RAMP_SECONDS, "costs, the ramp")
    assert stage.settings.redis_url is not None
    session = RedisSession(stage.settings.redis_url.get_secret_value(), installation="costs")
    before = await _inside(session.client)
    span = await let_run(stage, seconds, "costs")
    after = await _inside(session.client)
    await session.close()
    moments = {trunk.id: moments_of(await read_seen(stage), trunk) for trunk in trunks}
    calls = sum(count_in(of_trunk, span) for of_trunk in moments.values())
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    # What a script calls is counted in the script's time too.
    whole = sum(spent.get(name, 0.0) for name in _OUTER) / max(1, calls)
    report.notes.append(
        f"{calls:,} calls in {seconds:.0f} s on {TRUNKS} trunks of {CALLS_PER_SECOND:g}/s: "
        f"{_microseconds(whole)} of Redis a call, of this {_microseconds(spent['evalsha'] / max(1, calls))} in scripts"
    )
    share = calls / (seconds * TRUNKS * CALLS_PER_SECOND)
    above = sum(windows_above(of_trunk, CALLS_PER_SECOND) for of_trunk in moments.values())
    report.bound(share >= LEAST_SHARE, f"at least {percent(LEAST_SHARE)} of all limits used ({percent(share)})")
    report.bound(above == 0, f"no sliding second of any trunk above {CALLS_PER_SECOND:g} ({above})")


_OUTER = ("evalsha", "zrem", "publish", "rpush", "ltrim", "lrange", "expire", "zrangebyscore", "get", "set", "time")


async def _make_campaigns(stage: Stage, trunks: Sequence[Trunk], seconds: float) -> None:
    calls = round(CALLS_PER_SECOND * (seconds + RAMP_SECONDS + 15) / (CAMPAIGNS / TRUNKS)) + 5
    campaigns = [
        await make_campaign(
            stage.ledger, trunks[place % TRUNKS], f"campaign-{place}", numbers(calls, first=place * calls)
        )
        for place in range(CAMPAIGNS)
    ]
    await tidy_up(stage.ledger.database_url)
    await stage.start_workers(callers=CALLERS)
    for campaign in campaigns:
        await start(stage.ledger, campaign)


def _microseconds(seconds: float) -> str:
    return f"{seconds * MICROSECONDS:.0f} us"
