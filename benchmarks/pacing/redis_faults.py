"""What happens to Redis in mid-run: no limit is ever passed, and the calls go on by themselves."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.campaigns import make_campaign, numbers, start, tidy_up
from benchmarks.pacing.judges import Seen, count_in, most_at_once, regained_after, windows_above
from benchmarks.pacing.own_valkey import OwnValkey
from benchmarks.pacing.play import MANY_CHANNELS, let_run, livekit_id, make_trunks, moments_of, read_seen
from benchmarks.report import Report
from benchmarks.stage import Stage, open_stage
from dialer.domain.fence import Fence, scaled

#: One trunk of which the rate decides, one of which the channels do.
CALLS_PER_SECOND, CHANNELS = 20.0, 15
CALLERS = 2
#: By the last digit: the first trunk's people are busy at once, the second one's answer and talk for 3 to 8 s.
PEOPLE = "600,600,600,600,600,203,204,205,216,217"
BEFORE_SECONDS = 15.0
#: A queued call job whose message is lost comes again when its lease of 60 s is over; so long it may take.
RETURN_SECONDS, QUICK_RETURN_SECONDS = 90.0, 75.0
PAUSE_SECONDS, QUICK_PAUSE_SECONDS = 60.0, 8.0
STEP_SECONDS = 600
LEAST_AGAIN = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that happened, in Unix seconds.

    Attributes:
        over_at: Redis was itself again.
        until: the next fault, or the end.
    """

    name: str
    begun_at: float
    over_at: float
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the carrier saw, and what had happened."""

    faults: list[Fault]
    seen: list[Seen]


Harm = Callable[[OwnValkey], Awaitable[None]]


async def flushall(valkey: OwnValkey) -> None:
    """FLUSHALL."""
    await valkey.flush()


async def restart_empty(valkey: OwnValkey) -> None:
    """Killed and started again without its data."""
    await valkey.kill()
    valkey.forget()
    await valkey.start()


async def restart_with_data(valkey: OwnValkey) -> None:
    """Killed and started again with its append-only file."""
    await valkey.kill()
    await valkey.start()


def pause(seconds: float) -> Harm:
    """It stands still for so long."""

    async def stand_still(valkey: OwnValkey) -> None:
        valkey.hold()
        await asyncio.sleep(seconds)
        valkey.let_go()

    return stand_still


def clock_step(ahead_seconds: int) -> Harm:
    """Its clock is set."""

    async def step(valkey: OwnValkey) -> None:
        valkey.set_clock(ahead_seconds)

    return step


async def redis_faults(*, quick: bool) -> Report:
    """Everything that can happen to Redis, one after the other in one run."""
    paused = QUICK_PAUSE_SECONDS if quick else PAUSE_SECONDS
    harms: dict[str, Harm] = {
        "FLUSHALL": flushall,
        "kill -9, empty": restart_empty,
        "kill -9, with its file": restart_with_data,
        f"stands still for {paused:.0f} s": pause(paused),
        "clock 10 min ahead": clock_step(STEP_SECONDS),
        "clock 10 min back": clock_step(0),
    }
    told = await play(harms, rest_seconds=QUICK_RETURN_SECONDS if quick else RETURN_SECONDS)
    return judged(told, skipped=len(harms) - len(told.faults))


async def play(
    harms: dict[str, Harm], *, rest_seconds: float, before_seconds: float = BEFORE_SECONDS, fence_scale: float = 1.0
) -> Told:
    """Dial on two trunks, harm Redis again and again, and let it rest for so long after each time.

    Where the clock cannot be set, its steps are left out.

    Args:
        fence_scale: of fence and leases; 1 is life.
    """
    leeway = scaled(Fence(), fence_scale).leeway.total_seconds()
    async with AsyncExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="dialer-valkey-"))
        valkey = OwnValkey(Path(folder))
        exits.push_async_callback(valkey.end)
        await valkey.start()
        stage = await exits.enter_async_context(
            open_stage(
                everyone=PEOPLE,
                webhooks=True,
                redis_url=valkey.url,
                flags=["--trunks", "2", "--token-leeway", str(leeway)],
                more={"fence_scale": fence_scale},
            )
        )
        await _begin(stage, (rest_seconds + PAUSE_SECONDS) * (len(harms) + 1))
        await let_run(stage, before_seconds, "redis, before")
        faults = []
        for name, harm in harms.items():
            if name.startswith("clock") and not valkey.has_clock:
                continue
            begun_at = time.time()
            await harm(valkey)
            over_at = time.time()
            await let_run(stage, rest_seconds, f"redis, after {name}")
            faults.append(Fault(name=name, begun_at=begun_at, over_at=over_at, until=time.time()))
        return Told(faults=faults, seen=await read_seen(stage))


async def _begin(stage: Stage, seconds: float) -> None:
    paced, full = await make_trunks(stage.ledger, [(CALLS_PER_SECOND, MANY_CHANNELS), (CALLS_PER_SECOND, CHANNELS)])
    everybody = numbers(round(2 * CALLS_PER_SECOND * seconds))
    campaigns = [
        await make_campaign(stage.ledger, paced, "paced", [number for number in everybody if number[-1] < "5"]),
        await make_campaign(stage.ledger, full, "full", [number for number in everybody if number[-1] >= "5"]),
    ]
    await tidy_up(stage.ledger.database_url)
    await stage.start_workers(callers=CALLERS)
    for campaign in campaigns:
        await start(stage.ledger, campaign)


def judged(told: Told, *, skipped: int) -> Report:
    """The table and its bounds."""
    report = Report(
        title=f"redis: {len(told.faults)} faults in mid-run, {CALLS_PER_SECOND:g}/s and {CHANNELS} channels",
        columns=("no call for", "rate again after", "above", "most calls"),
    )
    for fault in told.faults:
        _judge_fault(report, told.seen, fault)
    if skipped:
        report.notes.append(f"{skipped} steps of the clock were left out: faketime is not installed")
    paced, full = (_of(told.seen, number) for number in (1, 2))
    above = windows_above(moments_of(paced), CALLS_PER_SECOND) + windows_above(moments_of(full), CALLS_PER_SECOND)
    report.bound(above == 0, f"no sliding second above {CALLS_PER_SECOND:g} ({above})")
    report.bound(most_at_once(full) <= CHANNELS, f"never call {CHANNELS + 1} at the carrier ({most_at_once(full)})")
    return report


def _judge_fault(report: Report, seen: Sequence[Seen], fault: Fault) -> None:
    paced, full = (_of(seen, number) for number in (1, 2))
    moments = moments_of(paced)
    again = regained_after(moments, fault.over_at, per_second=LEAST_AGAIN * CALLS_PER_SECOND, until=fault.until)
    # What was sent before Redis was harmed is in flight; the pause begins with the first gap after it.
    still = max((gap for gap in _gaps_from(moments, fault.begun_at, fault.until)), default=0.0)
    inside = [moment for moment in moments if fault.begun_at - 1 <= moment < fault.until]
    report.row(
        fault.name,
        f"{still:.1f} s",
        f"{again:.1f} s" if again is not None else "never",
        str(windows_above(inside, CALLS_PER_SECOND)),
        str(most_at_once([call for call in full if call.at < fault.until])),
    )
    dialed = count_in(moments, (fault.over_at, fault.until))
    report.bound(again is not None and dialed > 0, f"{fault.name}: it goes on by itself")


def _gaps_from(moments: Sequence[float], begin: float, end: float) -> list[float]:
    inside = [moment for moment in moments if begin <= moment < end]
    return [later - earlier for earlier, later in zip([begin, *inside], [*inside, end], strict=True)]


def _of(seen: Sequence[Seen], number: int) -> list[Seen]:
    return [each for each in seen if each.trunk == livekit_id(number)]
