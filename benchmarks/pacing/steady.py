"""Several callers, campaigns and trunks at once: each trunk at its limit, and never above."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import (
    Seen,
    Span,
    at_share,
    count_in,
    gaps,
    most_in_window,
    used_share,
    window_of,
    windows_above,
)
from benchmarks.pacing.play import MANY_CHANNELS, let_run, make_trunks, moments_of, read_seen
from benchmarks.report import Report, percent
from benchmarks.stage import BUSY_AT_ONCE, Stage, open_stage
from dialer.domain.trunk import Trunk

LEAST_SHARE = 0.97
#: From the first INVITE until it counts.
RAMP_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is run.

    Attributes:
        calls_per_second: of each of the two trunks.
        beside: how many loops that do nothing keep the cores busy meanwhile; how much is used is only shown then.
    """

    calls_per_second: tuple[float, float]
    seconds: float
    quick_seconds: float
    callers: int = 4
    beside: int = 0

    def shortened(self, *, quick: bool) -> "Case":
        """As it is run."""
        return replace(self, seconds=self.quick_seconds) if quick else self


CASES = {
    "steady": Case(calls_per_second=(50, 7), seconds=180, quick_seconds=20),
    "steady-beside": Case(calls_per_second=(50, 7), seconds=180, quick_seconds=20, beside=2),
    "steady-fast": Case(calls_per_second=(200, 7), seconds=180, quick_seconds=20),
    "steady-slow": Case(calls_per_second=(0.5, 2), seconds=600, quick_seconds=60),
}


async def steady(*, quick: bool) -> Report:
    """50 and 7 calls a second."""
    return await run_case("steady", quick=quick)


async def steady_beside(*, quick: bool) -> Report:
    """The same beside two loops that do nothing."""
    return await run_case("steady-beside", quick=quick)


async def steady_fast(*, quick: bool) -> Report:
    """200 and 7 calls a second."""
    return await run_case("steady-fast", quick=quick)


async def steady_slow(*, quick: bool) -> Report:
    """One call every two seconds, and two a second."""
    return await run_case("steady-slow", quick=quick)


async def run_case(name: str, *, quick: bool) -> Report:
    """Let three campaigns dial, one through each trunk and one through both, and ask the carrier how it was."""
    case = CASES[name].shortened(quick=quick)
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "2"]) as stage:
        trunks = await make_trunks(stage.ledger, [(rate, MANY_CHANNELS) for rate in case.calls_per_second])
        await _make_campaigns(stage, trunks, case)
        with busy_loops(case.beside):
            await let_run(stage, case.seconds + RAMP_SECONDS + 3, name)
        seen = await read_seen(stage)
    return judged(name, case, trunks, seen)


async def _make_campaigns(stage: Stage, trunks: Sequence[Trunk], case: Case) -> None:
    """Enough work for each by itself to keep its trunks busy; then the workers, then the start."""
    campaigns, first = [], 0
    for name, ways in (("first", trunks[:1]), ("second", trunks[1:]), ("both", trunks)):
        calls = round(sum(trunk.calls_per_second for trunk in ways) * (case.seconds + 2 * RAMP_SECONDS)) + 50
        campaigns.append(await make_campaign(stage.ledger, ways, name, numbers(calls, first=first)))
        first += calls
    await tidy_up(stage.ledger.database_url)
    await stage.start_workers(callers=case.callers)
    for campaign in campaigns:
        await start(stage.ledger, campaign)


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that take a core each, if they can have it."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def judged(name: str, case: Case, trunks: Sequence[Trunk], seen: Sequence[Seen]) -> Report:
    """The table and its bounds."""
    beside = f" beside {case.beside} busy loops" if case.beside else ""
    report = Report(
        title=f"{name}: {case.seconds:.0f} s, {case.callers} callers, 3 campaigns, 2 trunks{beside}",
        columns=("INVITEs", "used", "worst window", "above", "gap p50", "gap p99", "even gap"),
    )
    for trunk in trunks:
        moments = moments_of(seen, trunk)
        begun = (moments[0] if moments else 0.0) + RAMP_SECONDS
        _judge_trunk(report, trunk, moments, (begun, begun + case.seconds), share_counts=not case.beside)
    return report


def _judge_trunk(report: Report, trunk: Trunk, moments: list[float], span: Span, *, share_counts: bool) -> None:
    rate = trunk.calls_per_second
    calls, seconds = window_of(rate)
    share, above = used_share(moments, span, rate), windows_above(moments, rate)
    between = gaps([moment for moment in moments if span[0] <= moment < span[1]])
    report.row(
        f"{trunk.name}, {rate:g}/s",
        f"{count_in(moments, span):,}",
        percent(share),
        f"{most_in_window(moments, seconds=seconds)} of {calls} in {seconds:g} s",
        str(above),
        *(f"{gap * 1000:.1f} ms" for gap in (at_share(between, 0.5), at_share(between, 0.99), 1 / rate)),
    )
    report.bound(above == 0, f"{trunk.name}: no sliding window above {rate:g}/s")
    if share_counts:
        report.bound(share >= LEAST_SHARE, f"{trunk.name}: at least {percent(LEAST_SHARE)} of the limit is used")
