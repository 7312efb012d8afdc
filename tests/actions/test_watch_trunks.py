"""A carrier that swallows INVITEs: its trunk is found by looking at a few calls, and what it cost is given back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.actions.watch_trunks import LOOKED_AT, give_back_victims, watch_trunks
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState, probe_succeeded
from dialer.domain.line_result import LineResult
from dialer.domain.trunk import Trunk
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaigns import Campaign
from dialer.ledger.health import read_health
from dialer.telephony.line import DialRequest, Gate, Look
from tests.actions.pacing import (
    DOWN,
    RING_TIMEOUT,
    attempts,
    begun_before,
    health_of,
    jobs,
    learned,
    place_in_turn,
    queue,
    set_breaker,
)
from tests.factories import make_campaign, make_trunk, open_epoch
from tests.fakes import BUSY, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger

OPEN, CLOSED = BreakerState.OPEN, BreakerState.CLOSED
LONG_AGO, A_MOMENT_AGO = timedelta(seconds=10), timedelta(seconds=4)


class Silent(ScriptedLine):
    """Rings nobody and answers nothing until it is told to; the rooms are as the test says."""

    def __init__(self) -> None:
        super().__init__([RING_TIMEOUT])
        self.answer = asyncio.Event()
        self.looks = 0

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        await gate()
        self.dialed.append(request)
        self.rooms[request.room_name] = Look(present=True, status="dialing")
        await self.answer.wait()
        return self.results[0]

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        self.looks += len(rooms)
        return await super().look(rooms)


@pytest.fixture
def silent() -> Silent:
    return Silent()


@pytest.fixture
async def watched(dialer: Dialer, silent: Silent) -> Dialer:
    await open_epoch(dialer)
    return replace(dialer, line=silent)


async def make_calls(dialer: Dialer, numbers: int, **more: object) -> tuple[Trunk, Campaign, list[Ticket]]:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=numbers, **more)  # type: ignore[arg-type]
    return trunk, campaign, await queue(dialer, campaign, trunk)


@asynccontextmanager
async def dialing(dialer: Dialer, silent: Silent, tickets: list[Ticket], *, age: timedelta) -> AsyncIterator[Desk]:
    """Calls under way that were begun so long ago; at the end they are answered."""
    desk = Desk(dialer)
    calling = [asyncio.create_task(place_call(desk, ticket)) for ticket in tickets]
    async with asyncio.timeout(10):
        while len(silent.dialed) < len(tickets):
            await asyncio.sleep(0.01)
    await begun_before(dialer, tickets, age)
    try:
        yield desk
    finally:
        silent.answer.set()
        await asyncio.gather(*calling)
        await learned(desk)


def ring(dialer: Dialer, silent: Silent, tickets: list[Ticket]) -> None:
    for ticket in tickets:
        silent.rooms[dialer.room_name(ticket.attempt_id)] = Look(present=True, status="ringing")


async def test_a_trunk_that_is_silent_for_six_seconds_opens(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 5)
    async with dialing(watched, silent, tickets, age=LONG_AGO):
        await watch_trunks(watched)

        breaker = (await health_of(watched, trunk)).breaker
        assert (breaker.state, breaker.rule) == (OPEN, "no_ringing")


async def test_no_more_than_a_few_calls_are_looked_at_and_not_again_once_it_is_open(
    watched: Dialer, silent: Silent
) -> None:
    _, _, tickets = await make_calls(watched, 20)
    async with dialing(watched, silent, tickets, age=LONG_AGO):
        await watch_trunks(watched)
        await watch_trunks(watched)

        assert silent.looks == LOOKED_AT


@pytest.mark.parametrize(
    ("calls", "age", "ringing"),
    [
        pytest.param(4, LONG_AGO, [], id="four calls are too few"),
        pytest.param(8, A_MOMENT_AGO, [], id="they may still ring"),
        pytest.param(5, LONG_AGO, [4], id="the newest rings"),
        pytest.param(5, LONG_AGO, [0], id="the oldest rings"),
        pytest.param(8, LONG_AGO, [1, 3, 5, 7], id="every other rings"),
    ],
)
async def test_it_stays_closed_when(
    watched: Dialer, silent: Silent, calls: int, age: timedelta, ringing: list[int]
) -> None:
    trunk, _, tickets = await make_calls(watched, calls)
    async with dialing(watched, silent, tickets, age=age):
        ring(watched, silent, [tickets[place] for place in ringing])
        await watch_trunks(watched)

        assert (await health_of(watched, trunk)).breaker.state is CLOSED


@pytest.mark.parametrize("result", [BUSY, PICKED_UP, DOWN], ids=["busy", "picked up", "an error"])
async def test_a_trunk_from_which_anything_is_heard_is_not_looked_at(
    watched: Dialer, silent: Silent, result: LineResult
) -> None:
    trunk, _, tickets = await make_calls(watched, 6)
    async with dialing(watched, silent, tickets[:5], age=LONG_AGO):
        await place_in_turn(Desk(replace(watched, line=ScriptedLine([result]))), tickets[5:])
        await watch_trunks(watched)

        assert silent.looks == 0
        assert (await health_of(watched, trunk)).breaker.state is CLOSED


async def test_what_was_heard_before_the_oldest_of_them_says_nothing(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 6)
    await place_in_turn(Desk(replace(watched, line=ScriptedLine([BUSY]))), tickets[:1])
    await begun_before(watched, tickets[:1], timedelta(seconds=11))
    async with dialing(watched, silent, tickets[1:], age=LONG_AGO):
        await watch_trunks(watched)

        assert (await health_of(watched, trunk)).breaker.state is OPEN


async def test_calls_that_livekit_does_not_list_or_that_were_marked_say_nothing(
    watched: Dialer, silent: Silent
) -> None:
    trunk, _, tickets = await make_calls(watched, 6)
    async with dialing(watched, silent, tickets, age=LONG_AGO):
        del silent.rooms[watched.room_name(tickets[0].attempt_id)]
        await watched.ledger.changed(
            "UPDATE attempts SET mark = 'cancel' WHERE id = %(id)s", {"id": tickets[1].attempt_id}
        )
        await watch_trunks(watched)

        assert (await health_of(watched, trunk)).breaker.state is CLOSED


async def test_a_livekit_that_is_away_is_no_silent_trunk(watched: Dialer, silent: Silent) -> None:
    _, _, tickets = await make_calls(watched, 5)
    async with dialing(watched, silent, tickets, age=LONG_AGO):
        silent.away = True
        await watch_trunks(watched)

        assert await read_health(watched.ledger) == {}


async def test_one_silent_trunk_does_not_speak_for_another(watched: Dialer, silent: Silent) -> None:
    dead, _, tickets = await make_calls(watched, 5)
    well = await make_trunk(watched.ledger, name="well", livekit_trunk_id="ST_well")
    other = await make_campaign(
        watched.ledger, well, name="other", numbers=[f"+1415555{n:04}" for n in range(100, 105)]
    )
    others = await queue(watched, other, well)
    async with dialing(watched, silent, [*tickets, *others], age=LONG_AGO):
        ring(watched, silent, others)
        await watch_trunks(watched)

        assert (await health_of(watched, dead)).breaker.state is OPEN
        assert (await health_of(watched, well)).breaker.state is CLOSED


# -- giving back ------------------------------------------------------------------------------------------------------


async def test_who_was_let_ring_out_by_a_silent_trunk_gets_the_attempt_back(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 5, max_attempts=1)
    async with dialing(watched, silent, tickets, age=timedelta(seconds=32)):
        await watch_trunks(watched)
    before = await jobs(watched)

    await watch_trunks(watched)

    assert {(job["state"], job["finish_reason"]) for job in before} == {("finished", "exhausted")}
    assert {(job["state"], job["attempts_counted"]) for job in await jobs(watched)} == {("waiting", 0)}
    assert {row["given_back_for"] for row in await attempts(watched)} == {"no_ringing"}
    assert (await health_of(watched, trunk)).breaker.state is OPEN


async def test_also_when_the_trunk_has_come_back_meanwhile(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 5, max_attempts=1)
    async with dialing(watched, silent, tickets, age=timedelta(seconds=32)):
        await watch_trunks(watched)
        health = await health_of(watched, trunk)
        well = probe_succeeded(health.breaker, now=await watched.ledger.now())
        await set_breaker(watched, ("trunk", trunk.id), well)

    assert await give_back_victims(watched) == 5


async def test_a_phone_that_rang_out_before_the_trunk_fell_silent_rang(watched: Dialer, silent: Silent) -> None:
    """By an outage that shows as errors, too: whom it does not concern is not called again at once."""
    trunk, _, tickets = await make_calls(watched, 7)
    desk = Desk(replace(watched, line=ScriptedLine([RING_TIMEOUT, BUSY, DOWN])))
    await place_in_turn(desk, tickets[:2])
    await begun_before(watched, tickets[:1], timedelta(seconds=33))
    await begun_before(watched, tickets[1:2], timedelta(seconds=3))
    await place_in_turn(desk, tickets[2:])

    given = await give_back_victims(watched)

    assert (await health_of(watched, trunk)).breaker.state is OPEN
    assert given == 0
    [rang_out] = [row for row in await attempts(watched) if row["rule"] == "ring_timeout"]
    assert rang_out["counted"] is True


async def test_a_phone_that_is_known_to_have_rung_rang(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 5)
    silent.results = [replace(RING_TIMEOUT, rang=True)]
    async with dialing(watched, silent, tickets, age=timedelta(seconds=32)):
        await watch_trunks(watched)

    assert (await health_of(watched, trunk)).breaker.state is OPEN
    assert await give_back_victims(watched) == 0


async def test_an_outage_that_is_long_over_costs_nobody_anything_any_more(watched: Dialer, silent: Silent) -> None:
    trunk, _, tickets = await make_calls(watched, 1)
    await place_in_turn(Desk(replace(watched, line=ScriptedLine([RING_TIMEOUT]))), tickets)
    now = await watched.ledger.now()
    long_ago = now - timedelta(seconds=75)
    await begun_before(watched, tickets, timedelta(seconds=80))
    await set_breaker(watched, ("trunk", trunk.id), Breaker(opened_at=long_ago, closed_at=long_ago))

    assert await give_back_victims(watched) == 0
