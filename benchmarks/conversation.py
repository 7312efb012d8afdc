"""The same busy calls with what a conversation needs: LiveKit's webhooks, and an agent in the room before the dial.

The floor does the same with nothing around it: the bare loop, which with agents makes and deletes each room, and a bare
receiver that verifies every webhook and forgets it.
"""

from collections import Counter
from dataclasses import dataclass
from statistics import median

from benchmarks.busy_calls import BUSY_ANSWER, CALLS_PER_SECOND, CHANNELS, MOST_TIMES_THE_FLOOR, BusyRun, run_busy
from benchmarks.campaigns import AGENT, make_campaign, make_trunk, numbers, tidy_up
from benchmarks.floor import Floor, measure_floor
from benchmarks.receiver import bare_receiver
from benchmarks.report import Report, milliseconds, ratio, singly
from benchmarks.stage import BUSY_AT_ONCE, all_sent, open_stage, simulator
from benchmarks.usage import metered

CALLS, QUICK_CALLS = 2_000, 500
RUNS, QUICK_RUNS = 3, 1
#: What makes calls, and what reads webhooks.
CALLING, READING = ("feeder", "rescuer", "caller"), ("clerk", "web")


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldFloor:
    """A bare loop beside a bare receiver.  ``receiver``: its CPU seconds."""

    loop: Floor
    receiver: float

    @property
    def per_call(self) -> float:
        return self.loop_per_call + self.receiver_per_call

    @property
    def loop_per_call(self) -> float:
        return self.loop.cpu_seconds / self.loop.calls

    @property
    def receiver_per_call(self) -> float:
        return self.receiver / self.loop.calls


async def calls_with_webhooks(*, quick: bool) -> Report:
    """Busy at once, and LiveKit tells everything."""
    return await _measure("webhooks: {calls:,} calls, busy at once, LiveKit sends webhooks", agent=None, quick=quick)


async def calls_with_agents(*, quick: bool) -> Report:
    """Busy at once, but an agent was in the room before."""
    return await _measure("agent: {calls:,} calls, busy at once, an agent first, webhooks", agent=AGENT, quick=quick)


async def _measure(title: str, *, agent: str | None, quick: bool) -> Report:
    calls, runs = (QUICK_CALLS, QUICK_RUNS) if quick else (CALLS, RUNS)
    ours, floors = [], []
    for _ in range(runs):
        floors.append(await _floor(calls, "agent" if agent else "busy"))
        ours.append(await _ours(calls, agent))
    report = _report(f"{title.format(calls=calls)}, median of {runs}", ours, floors)
    _bounds(report, ours, floors)
    return report


async def _floor(calls: int, kind: str) -> ToldFloor:
    async with bare_receiver() as receiver, simulator(everyone=BUSY_AT_ONCE, webhook_url=receiver.url) as url:
        with metered([receiver.worker]) as meter:
            loop = await measure_floor(url, kind, calls)
            await all_sent(url)
        return ToldFloor(loop=loop, receiver=meter.total)


async def _ours(calls: int, agent: str | None) -> BusyRun:
    async with open_stage(everyone=BUSY_AT_ONCE, webhooks=True) as stage:
        trunk = await make_trunk(stage.ledger, calls_per_second=CALLS_PER_SECOND, max_concurrent_calls=CHANNELS)
        campaign = await make_campaign(stage.ledger, trunk, "told", numbers(calls), agent=agent)
        await tidy_up(stage.ledger.database_url)
        return await run_busy(stage, campaign, calls, await stage.start_workers(callers=1))


def _report(title: str, ours: list[BusyRun], floors: list[ToldFloor]) -> Report:
    report = Report(title=title, columns=("CPU a call", "floor", "ours/floor"))
    loop = median(floor.loop_per_call for floor in floors)
    receiver = median(floor.receiver_per_call for floor in floors)
    both = median(floor.per_call for floor in floors)

    def line(name: str, floor: float, *processes: str) -> None:
        mine = median(sum(run.meter.cpu[process] for process in processes) / max(1, run.settled) for run in ours)
        report.row(name, milliseconds(mine), milliseconds(floor), ratio(mine, floor))

    for name, floor, processes in (("loop", loop, CALLING), ("receiver", receiver, READING)):
        line(f"{' + '.join(processes)}, beside the bare {name}", floor, *processes)
        for process in processes:
            line(f"  {process}", floor, process)
    line("all, beside the bare loop alone", loop, *CALLING, *READING)
    line("all, beside loop and receiver", both, *CALLING, *READING)
    idle = median(run.idle_per_call for run in ours)
    report.row("  of this, used without calls too", milliseconds(idle), milliseconds(both), ratio(idle, both))
    _notes(report, ours, floors)
    return report


def _notes(report: Report, ours: list[BusyRun], floors: list[ToldFloor]) -> None:
    settled = sum(run.settled for run in ours)
    asked = sum((Counter(run.requests) for run in ours), Counter())
    single = ", ".join(f"{path.rpartition('/')[2]} {count / settled:.2f}" for path, count in asked.most_common())
    report.notes.append(f"requests to LiveKit a call: {asked.total() / settled:.2f} ({single})")
    pace = median(run.settled / run.meter.seconds for run in ours)
    floor_pace = median(floor.loop.calls / floor.loop.wall_seconds for floor in floors)
    report.notes.append(f"calls a second: {pace:,.0f}; floor {floor_pace:,.0f}; {ratio(pace, floor_pace)}")
    report.notes.append(f"attempts made again: {', '.join(str(run.made_again) for run in ours)}")
    floor_runs = singly([floor.per_call for floor in floors])
    report.notes.append(f"single runs: {singly([run.cpu_per_call for run in ours])}; floor {floor_runs}")


def _bounds(report: Report, ours: list[BusyRun], floors: list[ToldFloor]) -> None:
    mine, floor = median(run.cpu_per_call for run in ours), median(floor.per_call for floor in floors)
    answers = [floor.loop.answers == {BUSY_ANSWER: floor.loop.calls} for floor in floors]
    report.bound(all(run.is_over for run in ours), "everyone is called")
    report.bound(all(run.invites == run.calls for run in ours), "one INVITE for each contact")
    report.bound(all(answers), "every call of the floor was busy")
    report.bound(mine <= MOST_TIMES_THE_FLOOR * floor, f"at most {MOST_TIMES_THE_FLOOR:g} times loop and receiver")
