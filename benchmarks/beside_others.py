"""The same calls alone and beside many contacts that are not due: a large ledger must not make a call dearer."""

from benchmarks.busy_calls import BusyRun, run_busy
from benchmarks.report import Report, milliseconds, ratio, spread
from benchmarks.stage import BUSY_AT_ONCE, open_stage
from benchmarks.usage import middle

CALLS, QUICK_CALLS = 20_000, 3_000
OTHERS, QUICK_OTHERS = 200_000, 30_000
RUNS, QUICK_RUNS = 3, 1
MOST_DEARER = 1.10


async def beside_others(*, quick: bool) -> Report:
    """Alone and beside others in turns; medians."""
    calls, others, runs = (QUICK_CALLS, QUICK_OTHERS, QUICK_RUNS) if quick else (CALLS, OTHERS, RUNS)
    alone: list[BusyRun] = []
    beside: list[BusyRun] = []
    for _ in range(runs):
        for found, count in ((alone, 0), (beside, others)):
            async with open_stage(everyone=BUSY_AT_ONCE) as stage:
                found.append(await run_busy(stage, calls, beside=count))
    cpu = [middle([run.cpu_per_call for run in found]) for found in (alone, beside)]
    pages = [middle([run.pages / calls for run in found]) for found in (alone, beside)]
    report = Report(
        title=f"beside: {calls:,} calls alone and beside {others:,} contacts that are not due, {runs} runs",
        columns=("CPU a call", "ratio", "pages a call", "ratio"),
    )
    report.row("alone", milliseconds(cpu[0]), "1.00 x", f"{pages[0]:.1f}", "1.00 x")
    report.row("beside", milliseconds(cpu[1]), ratio(cpu[1], cpu[0]), f"{pages[1]:.1f}", ratio(pages[1], pages[0]))
    report.notes.append(
        f"single runs, ms: {spread([run.cpu_per_call for run in alone])}; "
        f"beside {spread([run.cpu_per_call for run in beside])}"
    )
    report.bound(cpu[1] <= MOST_DEARER * cpu[0], "CPU a call within 10 %")
    report.bound(pages[1] <= MOST_DEARER * pages[0], "pages a call within 10 %")
    return report
