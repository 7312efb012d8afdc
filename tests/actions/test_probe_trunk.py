"""The one call that tries whether a trunk is well again: only it goes through, and what it finds moves the breaker."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions import probe_trunk
from dialer.actions.desk import JUST_NOW, Desk
from dialer.actions.place_call import place_call
from dialer.actions.probe_trunk import judge_probe_of, sample_of, seen
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState, hold, probe_begun
from dialer.domain.line_result import LineResult
from dialer.domain.trunk import Trunk
from dialer.errors import LineUnavailable
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.health import Scope, read_health
from dialer.telephony.line import DialRequest, Gate, Look
from tests.actions.pacing import (
    DOWN,
    LIVEKIT_QUOTA,
    health_of,
    make_account,
    make_trunks,
    place_in_turn,
    queue,
    set_breaker,
    sip,
    state_of,
)
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_trunk, open_epoch
from tests.fakes import BUSY, LOST, NOT_SENT, PICKED_UP, WRONG_PASSWORD, ScriptedLine

pytestmark = pytest.mark.ledger

CLOSED, OPEN, HALF_OPEN, HELD = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.HELD


async def half_open(dialer: Dialer, scope: Scope, *, release: UUID, was_held: bool = False) -> Breaker:
    """A breaker whose probe is under way."""
    now = await dialer.ledger.now()
    opened = Breaker(state=OPEN, rule="sip_503", reason="down", since=now, openings=1, opened_at=now)
    if was_held:
        opened = hold(Breaker(), rule="carrier_login", reason="wrong password", now=now)
    breaker = probe_begun(opened, now=now)
    await set_breaker(dialer, scope, breaker, probe=release)
    return breaker


async def probing(dialer: Dialer, *, was_held: bool = False) -> tuple[Trunk, Ticket]:
    """A trunk whose probe was released, and the call job it is."""
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    release = dialer.new_id()
    await half_open(dialer, ("trunk", trunk.id), release=release, was_held=was_held)
    [ticket] = await queue(dialer, campaign, trunk, release_id=release)
    return trunk, ticket


async def test_only_the_probe_goes_through(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=3)
    await open_epoch(dialer)
    release = dialer.new_id()
    await half_open(dialer, ("trunk", trunk.id), release=release)
    others = await queue(dialer, campaign, trunk, most=2)
    [probe] = await queue(dialer, campaign, trunk, release_id=release)
    desk = Desk(dialer)

    await place_in_turn(desk, [*others, probe])

    assert [request.attempt_id for request in line.dialed] == [probe.attempt_id]
    assert (await attempt_row(dialer.ledger, probe.attempt_id))["is_probe"] is True
    assert [await job_state(dialer.ledger, ticket.call_job_id) for ticket in others] == [("waiting", None)] * 2


async def test_a_caller_that_knows_of_no_probe_yet_asks_before_it_refuses_one(
    dialer: Dialer, line: ScriptedLine
) -> None:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    await set_breaker(dialer, ("trunk", trunk.id), Breaker(state=OPEN, openings=1))
    desk, release = Desk(dialer), dialer.new_id()
    await desk.terms.trunk(trunk.id)
    await half_open(dialer, ("trunk", trunk.id), release=release)
    await dialer.clock.sleep(JUST_NOW.total_seconds())

    await place_in_turn(desk, await queue(dialer, campaign, trunk, release_id=release))

    assert len(line.dialed) == 1


FOUND = [
    pytest.param(PICKED_UP, CLOSED, id="somebody picks up"),
    pytest.param(BUSY, CLOSED, id="the phone is busy"),
    pytest.param(sip(503, "Trunk CPS limit exceeded"), CLOSED, id="it is too fast: the carrier is there"),
    pytest.param(DOWN, OPEN, id="still down"),
    pytest.param(WRONG_PASSWORD, OPEN, id="another fault"),
    pytest.param(LOST, OPEN, id="in doubt"),
    pytest.param(NOT_SENT, OPEN, id="LiveKit is away"),
    pytest.param(LIVEKIT_QUOTA, OPEN, id="LiveKit's quota says nothing about the trunk"),
]


@pytest.mark.parametrize(("result", "state"), FOUND)
async def test_what_a_probe_finds(dialer: Dialer, line: ScriptedLine, result: LineResult, state: BreakerState) -> None:
    line.results = [result]
    trunk, ticket = await probing(dialer)

    await place_in_turn(Desk(dialer), [ticket])

    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.probe_release) == (state, None)


async def test_after_it_has_succeeded_calls_go_out_slowly_at_first(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk, ticket = await probing(dialer)
    desk = Desk(dialer)

    await place_in_turn(desk, [ticket])
    await desk.terms.read_again()

    state = await desk.terms.trunk(trunk.id)
    assert state is not None
    assert 20 <= state.calls_per_second < 25, "a fifth of 100"


async def test_after_it_has_failed_the_trunk_rests(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [DOWN]
    trunk, ticket = await probing(dialer)

    await place_in_turn(Desk(dialer), [ticket])

    breaker = (await health_of(dialer, trunk)).breaker
    assert breaker.probe_at is not None
    assert timedelta(seconds=7) < breaker.probe_at - await dialer.ledger.now() < timedelta(seconds=9)
    assert "the last probe failed" in breaker.reason


async def test_the_probe_of_a_held_trunk_that_fails_waits_for_a_person_again(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [WRONG_PASSWORD]
    trunk, ticket = await probing(dialer, was_held=True)

    await place_in_turn(Desk(dialer), [ticket])

    breaker = (await health_of(dialer, trunk)).breaker
    assert (breaker.state, breaker.probe_at, breaker.rule) == (HELD, None, "carrier_login")


async def test_a_probe_of_an_account_goes_through_whichever_of_its_trunks_it_takes(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    account = await make_account(dialer)
    one, other = await make_trunks(dialer, "one", "other", account=account)
    campaign = await make_campaign(dialer.ledger, one, numbers=2)
    await open_epoch(dialer)
    release = dialer.new_id()
    await half_open(dialer, ("account", account.id), release=release)
    [probe] = await queue(dialer, campaign, other, most=1, release_id=release)
    [ordinary] = await queue(dialer, campaign, one)

    await place_in_turn(Desk(dialer), [ordinary, probe])

    assert [request.attempt_id for request in line.dialed] == [probe.attempt_id]
    assert await state_of(dialer, ("account", account.id)) is CLOSED


# -- it comes to nothing: the breaker must not wait for it ------------------------------------------------------------


async def test_a_probe_whose_number_was_suppressed_meanwhile_is_not_waited_for(
    dialer: Dialer, line: ScriptedLine
) -> None:
    trunk, ticket = await probing(dialer)
    await dialer.ledger.changed(
        "INSERT INTO suppressions (pattern, source) VALUES (%(number)s, 'operator')", {"number": NUMBERS[0]}
    )

    await place_in_turn(Desk(dialer), [ticket])

    assert line.dialed == []
    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.probe_release) == (OPEN, None)


async def test_a_probe_of_a_caller_that_stops_is_not_waited_for(dialer: Dialer, line: ScriptedLine) -> None:
    trunk, ticket = await probing(dialer)
    desk = Desk(dialer)
    desk.stopping = True

    await place_in_turn(desk, [ticket])

    assert line.dialed == []
    assert (await health_of(dialer, trunk)).breaker.state is OPEN


async def test_a_second_delivery_of_the_probe_leaves_the_first_one_to_be_judged(dialer: Dialer) -> None:
    line = Slow([PICKED_UP])
    dialer = replace(dialer, line=line)
    trunk, ticket = await probing(dialer)
    desk = Desk(dialer)
    first = asyncio.create_task(place_call(desk, ticket))
    await line.dialing.wait()

    await place_call(desk, replace(ticket, attempt_id=dialer.new_id()))
    line.answer.set()
    await first

    assert (await health_of(dialer, trunk)).breaker.state is CLOSED


class Slow(ScriptedLine):
    """Dials, and answers when it is told to."""

    def __init__(self, results: list[LineResult]) -> None:
        super().__init__(results)
        self.dialing, self.answer = asyncio.Event(), asyncio.Event()
        self.watched: list[str] = []
        self.unavailable = 0

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        result = await super().place(request, gate)
        self.dialing.set()
        await self.answer.wait()
        return result

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        self.watched += rooms
        if self.unavailable:
            self.unavailable -= 1
            raise LineUnavailable("scripted")
        return await super().look(rooms)


# -- it is watched while it dials -------------------------------------------------------------------------------------


async def test_ringing_is_enough_while_the_probe_is_not_answered_yet(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_trunk, "LOOK_EVERY", 0.01)
    line = Slow([BUSY])
    line.unavailable = 1
    dialer = replace(dialer, line=line)
    trunk, ticket = await probing(dialer)
    line.rooms[dialer.room_name(ticket.attempt_id)] = Look(present=True, status="ringing")
    calling = asyncio.create_task(place_call(Desk(dialer), ticket))

    await _until_judged(dialer, trunk)

    assert (await health_of(dialer, trunk)).breaker.state is CLOSED
    assert not calling.done()
    line.answer.set()
    await calling
    assert (await health_of(dialer, trunk)).breaker.state is CLOSED, "the busy phone changes nothing any more"


async def test_silence_is_not_waited_out(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_trunk, "LOOK_EVERY", 0.01)
    line = Slow([BUSY])
    dialer = replace(dialer, line=line, time_scale=20.0)
    trunk, ticket = await probing(dialer)
    line.rooms[dialer.room_name(ticket.attempt_id)] = Look(present=True, status="dialing")
    calling = asyncio.create_task(place_call(Desk(dialer), ticket))

    await _until_judged(dialer, trunk)

    breaker = (await health_of(dialer, trunk)).breaker
    assert (breaker.state, breaker.rule) == (OPEN, "no_ringing")
    line.answer.set()
    await calling


async def _until_judged(dialer: Dialer, trunk: Trunk) -> None:
    async with asyncio.timeout(5):
        while (await health_of(dialer, trunk)).breaker.state is HALF_OPEN:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("status", "age", "kind"),
    [
        pytest.param("dialing", 5.9, None, id="it may still ring"),
        pytest.param("dialing", 6.0, "failure", id="it should have rung"),
        pytest.param(None, 6.0, "failure", id="nothing is known of it"),
        pytest.param("ringing", 0.1, "ok", id="it rings"),
        pytest.param("active", 60.0, "ok", id="somebody talks"),
    ],
)
async def test_what_a_look_says_about_a_trunk(dialer: Dialer, status: str | None, age: float, kind: str | None) -> None:
    sample = sample_of(dialer.new_id(), NUMBERS[0], await dialer.ledger.now())
    found = seen(sample, Look(present=True, status=status), age=timedelta(seconds=age))
    assert (found and found.kind.value) == kind


async def test_what_is_found_after_the_probe_was_given_up_moves_nothing(dialer: Dialer) -> None:
    ticket = (await probing(dialer))[1]
    await judge_probe_of(dialer, ticket.release_id, None)
    before = await read_health(dialer.ledger)

    await judge_probe_of(dialer, ticket.release_id, None)

    assert await read_health(dialer.ledger) == before
