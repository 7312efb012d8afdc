"""The same calls alone and beside many contacts that are not due: neither CPU nor pages for each call may grow.

VACUUM and ANALYZE run after the import in both cases, as autovacuum would within a minute; from then on autovacuum is
off, because when it comes is chance and its pages are not ours.
"""

from dataclasses import dataclass
from statistics import median

from benchmarks.busy_calls import CALLS_PER_SECOND, CHANNELS, BusyRun, run_busy
from benchmarks.campaigns import (
    add_contacts,
    make_campaign,
    make_trunk,
    numbers,
    postpone,
    start,
    stop_autovacuum,
    tidy_up,
)
from benchmarks.report import Report, milliseconds, ratio, singly
from benchmarks.stage import BUSY_AT_ONCE, open_stage
from benchmarks.usage import pages_touched

CALLS, QUICK_CALLS = 20_000, 3_000
OTHERS, QUICK_OTHERS = 200_000, 20_000
RUNS, QUICK_RUNS = 3, 1
MOST_GROWTH = 1.10


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One campaign, and the pages it took."""

    busy: BusyRun
    pages_per_call: float


async def beside_others(*, quick: bool) -> Report:
    """Alone and beside others in turns; medians."""
    calls, others, runs = (QUICK_CALLS, QUICK_OTHERS, QUICK_RUNS) if quick else (CALLS, OTHERS, RUNS)
    alone, beside = [], []
    for _ in range(runs):
        alone.append(await _run(calls, others=0))
        beside.append(await _run(calls, others=others))
    report = Report(
        title=f"beside: {calls:,} calls, alone and beside {others:,} contacts that are not due, median of {runs}",
        columns=("CPU a call", "pages a call"),
    )
    cpu = [median(run.busy.cpu_per_call for run in group) for group in (alone, beside)]
    pages = [median(run.pages_per_call for run in group) for group in (alone, beside)]
    report.row("alone", milliseconds(cpu[0]), f"{pages[0]:.1f}")
    report.row("beside them", milliseconds(cpu[1]), f"{pages[1]:.1f}")
    report.row("beside/alone", ratio(cpu[1], cpu[0]), ratio(pages[1], pages[0]))
    for name, group in (("alone", alone), ("beside", beside)):
        single = " / ".join(f"{run.pages_per_call:.1f}" for run in group)
        report.notes.append(f"{name}, single runs: {singly([r.busy.cpu_per_call for r in group])}; pages {single}")
    report.bound(cpu[1] <= MOST_GROWTH * cpu[0], "CPU a call grows by 10 % at most")
    report.bound(pages[1] <= MOST_GROWTH * pages[0], "pages a call grow by 10 % at most")
    report.bound(all(run.busy.is_over for run in alone + beside), "everyone is called")
    return report


async def _run(calls: int, *, others: int) -> Run:
    async with open_stage(everyone=BUSY_AT_ONCE) as stage:
        ledger = stage.ledger
        trunk = await make_trunk(ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
        if others:
            elsewhere = await make_campaign(ledger, trunk, "others", numbers(others // 2, first=2 * calls))
            await postpone(ledger, elsewhere)
            await start(ledger, elsewhere)
        campaign = await make_campaign(ledger, trunk, "dialed", numbers(max(1, others // 2), first=calls + others))
        await postpone(ledger, campaign)
        await add_contacts(ledger, campaign, numbers(calls))
        await stop_autovacuum(ledger.database_url)
        await tidy_up(ledger.database_url)
        workers = await stage.start_workers(callers=1)
        before = await pages_touched(ledger)
        busy = await run_busy(stage, campaign, calls, workers)
        return Run(busy=busy, pages_per_call=(await pages_touched(ledger) - before) / calls)
