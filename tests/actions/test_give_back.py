"""Storms: the same fast refusal over many numbers is about us, and nobody loses an attempt to it."""

import asyncio
from datetime import timedelta

import pytest

from dialer.actions import trunk_health
from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.actions.watch_trunks import give_back_victims
from dialer.app import Dialer
from dialer.domain.breaker import BreakerState
from dialer.domain.line_result import LineResult
from dialer.domain.retry_policy import RetryPolicy
from dialer.domain.trunk import Trunk
from dialer.ledger.campaign_moves import finish_campaigns
from dialer.ledger.campaigns import Campaign
from dialer.ledger.claims import Claim
from tests.actions.pacing import (
    DECLINED,
    attempts,
    begun_before,
    health_of,
    jobs,
    learned,
    place_at_once,
    place_in_turn,
    queue,
    sip,
)
from tests.console.running import until
from tests.factories import make_campaign, make_trunk, open_epoch
from tests.fakes import BUSY, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger

HELD, CLOSED = BreakerState.HELD, BreakerState.CLOSED
FAST_BUSY = sip(486, "Busy Here", seconds=0.2)


async def given(dialer: Dialer) -> list[bool]:
    """Of each attempt, in order, whether it was given back."""
    return [row["given_back_at"] is not None for row in await attempts(dialer)]


async def make_calls(dialer: Dialer, numbers: int, **more: object) -> tuple[Trunk, Campaign, Desk]:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=numbers, **more)  # type: ignore[arg-type]
    await open_epoch(dialer)
    return trunk, campaign, Desk(dialer)


HOLDS = [
    pytest.param(sip(603, "Decline"), 5, "storm_603", id="603"),
    pytest.param(sip(403, "Forbidden"), 5, "storm_403", id="403"),
    pytest.param(sip(404, "Not Found"), 10, "storm_404", id="404"),
]


@pytest.mark.parametrize(("answer", "calls", "rule"), HOLDS)
async def test_a_storm_holds_the_trunk_and_gives_every_attempt_back(
    dialer: Dialer, line: ScriptedLine, answer: LineResult, calls: int, rule: str
) -> None:
    line.results = [answer]
    trunk, campaign, desk = await make_calls(dialer, calls + 1)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))
    await give_back_victims(dialer)

    breaker = (await health_of(dialer, trunk)).breaker
    assert (breaker.state, breaker.rule) == (HELD, rule)
    assert "dialer trunk probe" in breaker.reason
    assert len(line.dialed) == calls, "one more is not dialed"
    dialed = [row for row in await attempts(dialer) if row["sent"]]
    assert {(row["given_back_for"], row["counted"]) for row in dialed} == {(rule, False)}
    left = await jobs(dialer)
    assert {(job["state"], job["attempts_counted"]) for job in left} == {("waiting", 0)}
    assert all(float(str(job["due_in"])) <= 0 for job in left[:calls])


async def test_who_was_finished_by_a_storm_waits_again_and_the_finished_campaign_goes_on(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [DECLINED]
    trunk, campaign, desk = await make_calls(dialer, 5, max_attempts=1)
    tickets = await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:4])
    before = await jobs(dialer)

    await place_in_turn(desk, tickets[4:])
    await finish_campaigns(dialer.ledger)
    finished = await dialer.ledger.row("SELECT state FROM campaigns")
    await give_back_victims(dialer)

    assert [(job["state"], job["finish_reason"]) for job in before[:4]] == [("finished", "exhausted")] * 4
    assert finished == {"state": "running"}, "four of five wait already"
    assert [(job["state"], job["finish_reason"], job["attempts_counted"]) for job in await jobs(dialer)] == [
        ("waiting", None, 0)
    ] * 5


async def test_the_newest_attempt_is_settled_after_the_storm_was_recognised_and_given_back_all_the_same(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [DECLINED]
    trunk, campaign, desk = await make_calls(dialer, 5, max_attempts=1)
    tickets = await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:4])
    news = LateNews()
    desk.news = news  # type: ignore[assignment]
    newest = asyncio.create_task(place_call(desk, tickets[4]))

    async def is_held() -> bool:
        return (await health_of(dialer, trunk)).breaker.state is HELD

    await until(is_held)
    await learned(desk)
    at_first = await given(dialer)
    news.comes.set()
    await newest
    await finish_campaigns(dialer.ledger)

    assert at_first == [True] * 4 + [False]
    assert await give_back_victims(dialer) == 1
    assert await give_back_victims(dialer) == 0
    assert await given(dialer) == [True] * 5
    assert {job["state"] for job in await jobs(dialer)} == {"waiting"}
    assert await dialer.ledger.rows("SELECT state FROM campaigns") == [{"state": "running"}]


class LateNews:
    """Tells whether it rang when it is told to."""

    webhooks_arrive = True

    def __init__(self) -> None:
        self.comes = asyncio.Event()

    async def rang(self, attempt_id: object, *, within: timedelta) -> bool | None:
        await self.comes.wait()
        return False


async def test_channels_that_are_full_though_the_carrier_says_busy_are_recognised_and_cut(
    dialer: Dialer, line: ScriptedLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_health, "SETTLED_BY", timedelta(seconds=0.5))
    line.results = [*[PICKED_UP] * 5, FAST_BUSY]
    trunk, campaign, desk = await make_calls(dialer, 10, max_attempts=1)
    tickets = await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:5])
    await begun_before(dialer, tickets[:5], timedelta(seconds=3))

    await place_in_turn(desk, tickets[5:])

    health = await health_of(dialer, trunk)
    assert health.breaker.state is CLOSED
    assert health.channels_cut is not None
    assert health.channels_cut.channels <= 5
    assert await given(dialer) == [False] * 5 + [True] * 5
    left = (await jobs(dialer))[5:]
    assert [(job["state"], job["attempts_counted"]) for job in left] == [("waiting", 0)] * 5
    assert all(2 < float(str(job["due_in"])) <= 5 for job in left)


async def test_the_newest_of_full_channels_is_settled_last_and_given_back_all_the_same(
    dialer: Dialer, line: ScriptedLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_health, "SETTLED_BY", timedelta(seconds=1))
    line.results = [PICKED_UP, sip(480, "Temporarily Unavailable")]
    trunk, campaign, desk = await make_calls(dialer, 6, max_attempts=1)
    tickets = await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:1])
    await begun_before(dialer, tickets[:1], timedelta(seconds=3))
    await place_in_turn(desk, tickets[1:5])
    news = LateNews()
    desk.news = news  # type: ignore[assignment]
    newest = asyncio.create_task(place_call(desk, tickets[5]))

    async def is_cut() -> bool:
        return (await given(dialer))[1:5] == [True] * 4

    await until(is_cut)
    news.comes.set()
    await newest
    at_first = await given(dialer)
    await learned(desk)

    assert at_first == [False, *[True] * 4, False]
    assert await given(dialer) == [False, *[True] * 5]


async def test_a_list_of_busy_people_is_no_storm_where_no_call_is_up(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [FAST_BUSY]
    trunk, campaign, desk = await make_calls(dialer, 12)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))

    assert (await health_of(dialer, trunk)).version == 0
    assert await given(dialer) == [False] * 12


async def test_an_attempt_that_was_given_back_is_no_part_of_a_contacts_history(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [DECLINED]
    trunk, campaign, desk = await make_calls(dialer, 5, max_attempts=3, policy=RetryPolicy(max_per_24h=1))
    await place_in_turn(desk, await queue(dialer, campaign, trunk))
    await give_back_victims(dialer)
    await dialer.ledger.changed("DELETE FROM health")
    await dialer.ledger.changed("UPDATE call_jobs SET open_until = NULL")  # the feeder finds the window anew
    await desk.terms.read_again()
    line.results = [BUSY]
    claims: list[Claim] = []
    claim = desk.claim

    async def kept(job: object) -> object:
        answer = await claim(job)  # type: ignore[arg-type]
        claims.append(answer)  # type: ignore[arg-type]
        return answer

    desk.claim = kept  # type: ignore[assignment, method-assign]
    await place_in_turn(desk, await queue(dialer, campaign, trunk, most=1))

    assert [one.history for one in claims] == [()]
    [job] = [job for job in await jobs(dialer) if job["attempts_counted"]]
    assert job["attempts_counted"] == 1


async def test_a_storm_met_by_four_callers_at_once_is_given_back_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [DECLINED]
    trunk, campaign, _ = await make_calls(dialer, 20)
    tickets = await queue(dialer, campaign, trunk)

    await asyncio.gather(*(place_at_once(Desk(dialer), tickets[start::4]) for start in range(4)))
    await give_back_victims(dialer)

    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.version) == (HELD, 1)
    assert {(job["state"], job["attempts_counted"]) for job in await jobs(dialer)} == {("waiting", 0)}
    assert all(row["given_back_at"] for row in await attempts(dialer) if row["sent"])
