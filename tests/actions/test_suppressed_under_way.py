"""A number is suppressed while its claim is under way: that one call may go within the gate's 5 s, and never later."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.domain.line_result import LineResult
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaigns import Campaign
from dialer.ledger.suppressions import put_suppressions
from dialer.limits import redis_clock
from dialer.limits.call_rate import CallRate
from dialer.telephony.line import DialRequest, Gate
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import FakeClock, ScriptedLine

pytestmark = pytest.mark.ledger

PROMISED_SECONDS = 5.0


class HeldUpLine(ScriptedLine):
    """A line that is held up before it asks the gate, and notes when it dialed."""

    def __init__(self, hold_up: Callable[[], Awaitable[None]], seconds: Callable[[], float]) -> None:
        super().__init__()
        self._hold_up = hold_up
        self._seconds = seconds
        self.dialed_at: dict[str, float] = {}

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        await self._hold_up()

        async def noted() -> None:
            await gate()
            self.dialed_at[request.number] = self._seconds()

        return await super().place(request, noted)


@dataclass
class Scene:
    """One claimed call whose number is suppressed right after the claim's commit."""

    dialer: Dialer
    line: HeldUpLine
    campaign: Campaign
    ticket: Ticket
    desk: Desk
    suppressed_at: float = 0.0

    async def play(self) -> None:
        claim = self.desk.claim

        async def claimed_and_suppressed(job: Any) -> Any:
            answer = await claim(job)
            await put_suppressions(self.dialer.ledger, [NewSuppression(pattern=NUMBERS[0])])
            self.suppressed_at = self.dialer.clock.seconds()
            return answer

        self.desk.claim = claimed_and_suppressed  # type: ignore[method-assign]
        await place_call(self.desk, self.ticket)


async def make_scene(dialer: Dialer, monkeypatch: pytest.MonkeyPatch, *, connecting: float, confirming: float) -> Scene:
    """The caller's own steps on a clock that only these two move on: seconds between the claim and the gate.

    Redis's clock stands still meanwhile, which is not to be taken for a step of it.
    """
    monkeypatch.setattr(redis_clock, "STEP_SECONDS", 60.0)
    clock = FakeClock()
    line = HeldUpLine(lambda: clock.sleep(connecting), clock.seconds)
    rate = CallRate(dialer.redis, dialer.slots, leases=dialer.leases, clock=clock)
    dialer = replace(dialer, clock=clock, line=line, rate=rate)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    confirm = desk.confirm

    async def slowly(job: Any, claim: Any) -> bool:
        await clock.sleep(confirming)
        return await confirm(job, claim)

    desk.confirm = slowly  # type: ignore[method-assign]
    return Scene(dialer, line, campaign, ticket, desk)


@pytest.mark.parametrize(
    ("connecting", "confirming"),
    [
        pytest.param(0.0, 0.0, id="at once"),
        pytest.param(4.5, 0.0, id="the line is 4.5 s late"),
        pytest.param(0.0, 4.5, id="redis is 4.5 s late"),
    ],
)
async def test_the_call_that_was_under_way_may_go_within_five_seconds(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch, connecting: float, confirming: float
) -> None:
    scene = await make_scene(dialer, monkeypatch, connecting=connecting, confirming=confirming)

    await scene.play()

    assert scene.line.dialed_at[NUMBERS[0]] - scene.suppressed_at <= PROMISED_SECONDS


@pytest.mark.parametrize(
    ("connecting", "confirming"),
    [
        pytest.param(5.1, 0.0, id="the line is 5.1 s late"),
        pytest.param(0.0, 5.1, id="redis is 5.1 s late"),
        pytest.param(2.6, 2.6, id="both"),
        pytest.param(3600.0, 0.0, id="the machine slept"),
    ],
)
async def test_nothing_is_dialed_later_and_the_call_job_ends_as_suppressed(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch, connecting: float, confirming: float
) -> None:
    scene = await make_scene(dialer, monkeypatch, connecting=connecting, confirming=confirming)

    await scene.play()

    assert scene.line.dialed == []
    attempt = await attempt_row(dialer.ledger, scene.ticket.attempt_id)
    assert (attempt["outcome"], attempt["sent"], attempt["counted"]) == ("cancelled", False, False)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now()")
    assert await make_tickets(dialer, scene.campaign) == []
    assert await job_state(dialer.ledger, scene.ticket.call_job_id) == ("finished", "suppressed")


async def test_who_is_queued_again_after_it_is_finished_by_the_claim(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suppression comes after the release, so only look and claim can see it."""
    scene = await make_scene(dialer, monkeypatch, connecting=0.0, confirming=0.0)
    look = scene.desk.look

    async def looked_and_suppressed(ticket: Ticket) -> Any:
        found = await look(ticket)
        await put_suppressions(scene.dialer.ledger, [NewSuppression(pattern=NUMBERS[0])])
        return found

    scene.desk.look = looked_and_suppressed  # type: ignore[method-assign]
    await place_call(scene.desk, scene.ticket)

    assert scene.line.dialed == []
    assert await job_state(dialer.ledger, scene.ticket.call_job_id) == ("finished", "suppressed")
    assert await dialer.ledger.rows("SELECT id FROM attempts") == []


CALLS = 300
AT_ONCE = 20
GATE = timedelta(seconds=0.25)  #: a twentieth of the protocol's


async def test_in_a_race_nothing_is_dialed_later_than_the_gate_after_the_commit(dialer: Dialer) -> None:
    line = HeldUpLine(lambda: asyncio.sleep(random.random() * 3 * GATE.total_seconds()), dialer.clock.seconds)
    dialer = replace(dialer, line=line, fence=replace(dialer.fence, gate=GATE))
    numbers = [f"+1212{count:07d}" for count in range(CALLS)]
    trunk = await make_trunk(dialer.ledger, calls_per_second=2000, max_concurrent_calls=CALLS)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=numbers)
    await open_epoch(dialer)
    desk = Desk(dialer)
    suppressed_at: dict[str, float] = {}  # known to be committed
    races = iter(zip(numbers, await make_tickets(dialer, campaign, most=CALLS), strict=True))

    async def suppress(number: str) -> None:
        await asyncio.sleep(random.random() * 0.1)
        await put_suppressions(dialer.ledger, [NewSuppression(pattern=number, source=SuppressionSource.AGENT)])
        suppressed_at[number] = dialer.clock.seconds()

    async def lane() -> None:
        for number, ticket in races:
            await asyncio.gather(suppress(number), place_call(desk, ticket))

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))

    lateness = {number: at - suppressed_at[number] for number, at in line.dialed_at.items()}
    assert {number: late for number, late in lateness.items() if late > GATE.total_seconds()} == {}
    assert any(late > 0 for late in lateness.values()), "they did not race"
    assert len(lateness) < CALLS
