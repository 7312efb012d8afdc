"""CPU for each call when every number is busy at once: nothing but the dialer's own work is left to measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.campaigns import make_campaign, make_trunk, numbers, start, tidy_up, wait_for
from benchmarks.floor import Floor, measure_floor
from benchmarks.report import Report, milliseconds, ratio, singly
from benchmarks.stage import BUSY_AT_ONCE, Stage, Worker, open_stage, simulator
from benchmarks.usage import Meter, idle_share, metered
from dialer.ledger.campaigns import Campaign

CALLS, QUICK_CALLS = 20_000, 3_000
RUNS, QUICK_RUNS = 3, 1
MOST_TIMES_THE_FLOOR = 4.0
GOAL_TIMES_THE_FLOOR = 1.2
#: Far above the rate that is reached: no call waits for its turn, and the caller has to cope with too much.
CALLS_PER_SECOND, CHANNELS = 5_000.0, 10_000
#: A run that takes longer than this is given up.
LONGEST_SECONDS = 120.0
BUSY, BUSY_ANSWER = "busy", "429/600"


@dataclass(frozen=True, kw_only=True, slots=True)
class BusyRun:
    """One campaign from its start to its last settlement."""

    calls: int
    meter: Meter
    idle_share: float
    outcomes: dict[str, int]
    invites: int
    requests: dict[str, int]  #: to LiveKit, by method

    @property
    def is_over(self) -> bool:
        """Everyone was called."""
        return self.settled >= self.calls

    @property
    def settled(self) -> int:
        """Calls that ended as they should."""
        return self.outcomes.get(BUSY, 0)

    @property
    def cpu_per_call(self) -> float:
        return self.meter.total / max(1, self.settled)

    @property
    def idle_per_call(self) -> float:
        """What the same processes would have used in that time without any call."""
        return self.idle_share * self.meter.seconds / max(1, self.settled)

    @property
    def made_again(self) -> int:
        """Attempts that ended otherwise, most of them unsent because their turn was missed."""
        return sum(self.outcomes.values()) - self.settled


async def busy_calls(*, quick: bool) -> Report:
    """The floor and ours in turns; medians."""
    calls, runs = (QUICK_CALLS, QUICK_RUNS) if quick else (CALLS, RUNS)
    ours, floors = [], []
    for _ in range(runs):
        floors.append(await _floor(calls))
        ours.append(await _ours(calls))
    return _report(calls, ours, floors)


async def _floor(calls: int) -> Floor:
    async with simulator(everyone=BUSY_AT_ONCE) as url:
        return await measure_floor(url, "busy", calls)


async def _ours(calls: int) -> BusyRun:
    async with open_stage(everyone=BUSY_AT_ONCE) as stage:
        trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
        campaign = await make_campaign(stage.ledger, trunk, "busy", numbers(calls))
        await tidy_up(stage.ledger.database_url)
        return await run_busy(stage, campaign, calls, await stage.start_workers(callers=1))


async def run_busy(stage: Stage, campaign: Campaign, calls: int, workers: Sequence[Worker]) -> BusyRun:
    """Call so many numbers of a draft campaign that are busy; with webhooks, until the last one is read."""
    idle, before = await idle_share(workers), await stage.page("requests")
    with metered(workers) as meter:
        await start(stage.ledger, campaign)
        outcomes = await wait_for(stage.ledger, BUSY, calls, seconds=LONGEST_SECONDS)
        if stage.webhooks:
            await stage.all_told()
    requests = {method: count - before.get(method, 0) for method, count in (await stage.page("requests")).items()}
    invites = len((await stage.carrier_record())["invites"])
    return BusyRun(calls=calls, meter=meter, idle_share=idle, outcomes=outcomes, invites=invites, requests=requests)


def _report(calls: int, ours: list[BusyRun], floors: list[Floor]) -> Report:
    report = Report(
        title=f"busy: {calls:,} calls, busy at once, median of {len(ours)}", columns=("CPU a call", "ours/floor")
    )
    floor_runs = [run.cpu_seconds / calls for run in floors]
    floor, mine = median(floor_runs), median(run.cpu_per_call for run in ours)

    def line(name: str, seconds: float) -> None:
        report.row(name, milliseconds(seconds), ratio(seconds, floor))

    line("bare floor", floor)
    line("feeder + rescuer + caller", mine)
    for name in ours[0].meter.cpu:
        line(f"  {name}", median(run.meter.cpu[name] / max(1, run.settled) for run in ours))
    line("  of this, used without calls too", median(run.idle_per_call for run in ours))
    _notes(report, ours, floors)
    report.notes.append(f"single runs: {singly([run.cpu_per_call for run in ours])}; floor {singly(floor_runs)}")
    report.bound(
        mine <= MOST_TIMES_THE_FLOOR * floor,
        f"at most {MOST_TIMES_THE_FLOOR:g} times the floor (the goal is {GOAL_TIMES_THE_FLOOR:g})",
    )
    return report


def _notes(report: Report, ours: list[BusyRun], floors: list[Floor]) -> None:
    pace = median(run.settled / run.meter.seconds for run in ours)
    floor_pace = median(run.calls / run.wall_seconds for run in floors)
    report.notes.append(f"calls a second: {pace:,.0f}; floor {floor_pace:,.0f}; {ratio(pace, floor_pace)}")
    report.notes.append(f"attempts made again: {', '.join(str(run.made_again) for run in ours)}")
    report.bound(all(run.is_over for run in ours), f"everyone is called within {LONGEST_SECONDS:.0f} s")
    report.bound(all(run.invites == run.calls for run in ours), "one INVITE for each contact")
    report.bound(all(run.answers == {BUSY_ANSWER: run.calls} for run in floors), "every call of the floor was busy")
