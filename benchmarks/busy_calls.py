"""CPU for each call when every number is busy at once: nothing but the dialer's own work is left to measure."""

from dataclasses import dataclass

from benchmarks.campaigns import make_campaign, make_trunk, numbers, postpone, start, stop_autovacuum, tidy_up, wait_for
from benchmarks.floor import measure_floor
from benchmarks.report import Report, milliseconds, ratio, spread
from benchmarks.stage import BUSY_AT_ONCE, Stage, open_stage, simulator
from benchmarks.usage import Meter, idle_share, metered, middle, pages_touched

CALLS, QUICK_CALLS = 20_000, 3_000
RUNS, QUICK_RUNS = 3, 1
MOST_TIMES_THE_FLOOR = 4.0
GOAL_TIMES_THE_FLOOR = 1.2
#: Far above what is reached, so that no call waits for its turn.
CALLS_PER_SECOND, CHANNELS = 5_000.0, 10_000
SECONDS_A_CALL = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class BusyRun:
    """One campaign from its start to its last settlement."""

    calls: int
    meter: Meter
    idle_share: float
    outcomes: dict[str, int]
    pages: int

    @property
    def cpu_per_call(self) -> float:
        return self.meter.total / self.calls

    @property
    def idle_per_call(self) -> float:
        """What the same processes would have used in that time without any call."""
        return self.idle_share * self.meter.seconds / self.calls

    @property
    def unsent(self) -> int:
        """Attempts that ended without an INVITE: their turn was missed, and they were made again."""
        return sum(self.outcomes.values()) - self.calls


async def busy_calls(*, quick: bool) -> Report:
    """Ours and the floor in turns; medians."""
    calls, runs = (QUICK_CALLS, QUICK_RUNS) if quick else (CALLS, RUNS)
    ours, floors = [], []
    for _ in range(runs):
        async with simulator(everyone=BUSY_AT_ONCE) as url:
            floors.append(await measure_floor(url, "busy", calls))
        async with open_stage(everyone=BUSY_AT_ONCE) as stage:
            ours.append(await run_busy(stage, calls))
    floor = middle([run.cpu_seconds / run.calls for run in floors])
    mine = middle([run.cpu_per_call for run in ours])
    report = Report(title=f"busy: {calls:,} calls, busy at once, {runs} runs", columns=("CPU a call", "ours/floor"))
    report.row("bare floor", milliseconds(floor), "1.00 x")
    report.row("feeder + rescuer + caller", milliseconds(mine), ratio(mine, floor))
    for name in ours[0].meter.cpu:
        part = middle([run.meter.cpu[name] / calls for run in ours])
        report.row(f"  {name}", milliseconds(part), ratio(part, floor))
    idle = middle([run.idle_per_call for run in ours])
    report.row("  of it: used when idle, too", milliseconds(idle), ratio(idle, floor))
    pace = middle([calls / run.meter.seconds for run in ours])
    floor_pace = middle([calls / run.wall_seconds for run in floors])
    report.notes.append(f"calls a second: {pace:.0f} (floor {floor_pace:.0f}; {pace / floor_pace:.2f} x)")
    report.notes.append(f"attempts made again, their turn was missed: {[run.unsent for run in ours]}")
    report.notes.append(
        f"single runs, ms: {spread([r.cpu_per_call for r in ours])}; "
        f"floor {spread([r.cpu_seconds / r.calls for r in floors])}"
    )
    report.bound(mine <= MOST_TIMES_THE_FLOOR * floor, f"at most {MOST_TIMES_THE_FLOOR:g} x the floor")
    report.notes.append(f"the goal is {GOAL_TIMES_THE_FLOOR:g} x")
    report.bound(all(run.answers.get("429/486") == calls for run in floors), "every call of the floor was busy")
    return report


async def run_busy(stage: Stage, calls: int, *, beside: int = 0) -> BusyRun:
    """Call so many busy numbers once, beside so many contacts of a running campaign that are not due."""
    trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
    campaign = await make_campaign(stage.ledger, trunk, "busy", numbers(calls))
    if beside:
        others = await make_campaign(stage.ledger, trunk, "others", numbers(beside, first=calls))
        await postpone(stage.ledger, others)
        await start(stage.ledger, others)
    await stop_autovacuum(stage.ledger.database_url)
    await tidy_up(stage.ledger.database_url)
    workers = await stage.start_workers(callers=1)
    idle = await idle_share(workers)
    pages = await pages_touched(stage.ledger)
    with metered(workers) as meter:
        await start(stage.ledger, campaign)
        outcomes = await wait_for(stage.ledger, "busy", calls, seconds=60 + calls * SECONDS_A_CALL)
    pages = await pages_touched(stage.ledger) - pages
    return BusyRun(calls=calls, meter=meter, idle_share=idle, outcomes=outcomes, pages=pages)
