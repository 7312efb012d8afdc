"""What a trunk has answered, judged by whoever was first and known to all: breakers that open or are held."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.actions import trunk_health
from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.congestion import Cut
from dialer.domain.line_result import LineResult
from dialer.ledger.health import read_health, write_health
from dialer.ledger.session import Ledger
from dialer.ledger.standing import Sending, sending_of_trunk
from dialer.limits.buckets import of_trunk
from dialer.telephony.line import DialRequest, Gate
from tests.actions.pacing import (
    BROKE,
    DOWN,
    NO_SIP_NODE,
    RING_TIMEOUT,
    health_of,
    jobs,
    make_account,
    make_trunks,
    place_at_once,
    place_in_turn,
    queue,
    set_breaker,
    sip,
    state_of,
)
from tests.factories import attempt_row, job_state, make_campaign, make_trunk, open_epoch
from tests.fakes import BUSY, WRONG_PASSWORD, ScriptedLine

pytestmark = pytest.mark.ledger

CLOSED, OPEN, HELD = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HELD


async def test_five_failures_over_several_numbers_open_it_and_the_sixth_is_not_dialed(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [DOWN]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=6)
    await open_epoch(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))

    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.breaker.rule) == (OPEN, "sip_503")
    assert len(line.dialed) == 5
    assert {(job["state"], job["attempts_counted"]) for job in await jobs(dialer)} == {("waiting", 0)}


async def test_a_call_that_has_its_turn_already_is_stopped_at_the_gate(dialer: Dialer) -> None:
    line = AtTheGate([BUSY])
    dialer = replace(dialer, line=line)
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    desk, [ticket] = Desk(dialer), await queue(dialer, campaign, trunk)
    calling = asyncio.create_task(place_call(desk, ticket))
    await line.is_at_the_gate.wait()

    await set_breaker(dialer, ("trunk", trunk.id), Breaker(state=OPEN, openings=1))
    await desk.terms.read_again()
    line.go.set()
    await calling

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert line.dialed == []
    assert (attempt["rule"], attempt["sent"], attempt["counted"]) == ("trunk_not_well", False, False)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)
    assert await dialer.slots.in_use(of_trunk(trunk.id)) == 0


class AtTheGate(ScriptedLine):
    """Stops every call right before the gate, until it may go on."""

    def __init__(self, results: list[LineResult]) -> None:
        super().__init__(results)
        self.is_at_the_gate, self.go = asyncio.Event(), asyncio.Event()

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        self.is_at_the_gate.set()
        await self.go.wait()
        return await super().place(request, gate)


@pytest.mark.parametrize("result", [BUSY, sip(480, seconds=20), RING_TIMEOUT], ids=["busy", "switched off", "rang out"])
async def test_people_never_open_it_however_many(dialer: Dialer, line: ScriptedLine, result: LineResult) -> None:
    line.results = [result]
    trunk = await make_trunk(dialer.ledger, max_concurrent_calls=60)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=50)
    await open_epoch(dialer)

    await place_at_once(Desk(dialer), await queue(dialer, campaign, trunk))

    assert len(line.dialed) == 50
    assert await read_health(dialer.ledger) == {}


async def test_a_livekit_without_a_sip_node_opens_it(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NO_SIP_NODE]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=5)
    await open_epoch(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))

    assert (await health_of(dialer, trunk)).breaker.state is OPEN


async def test_a_wrong_password_on_two_numbers_holds_the_trunk_and_says_what_to_do(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [WRONG_PASSWORD]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=4)
    await open_epoch(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))

    breaker = (await health_of(dialer, trunk)).breaker
    assert breaker.state is HELD
    assert "password" in breaker.reason
    assert "dialer trunk probe" in breaker.reason
    assert len(line.dialed) == 2


async def test_a_wrong_password_met_by_many_calls_at_once_leaves_the_campaign_running(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [WRONG_PASSWORD]
    trunk = await make_trunk(dialer.ledger, calls_per_second=1000)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=10)
    await open_epoch(dialer)

    await place_at_once(Desk(dialer), await queue(dialer, campaign, trunk))

    assert (await health_of(dialer, trunk)).breaker.state is HELD
    assert len(line.dialed) > 3
    assert await dialer.ledger.rows("SELECT state FROM campaigns") == [{"state": "running"}]


@pytest.mark.parametrize("has_account", [True, False], ids=["its account", "a trunk without an account"])
async def test_an_account_without_funds_is_held(dialer: Dialer, line: ScriptedLine, has_account: bool) -> None:
    line.results = [BROKE]
    account = await make_account(dialer) if has_account else None
    one, other = await make_trunks(dialer, "one", "other", account=account)
    campaign = await make_campaign(dialer.ledger, one, numbers=3)
    await open_epoch(dialer)
    desk = Desk(dialer)

    tickets = await queue(dialer, campaign, one, most=2)
    await place_in_turn(desk, tickets)
    await place_in_turn(desk, await queue(dialer, campaign, other, most=3))

    scope = ("account", account.id) if account else ("trunk", one.id)
    assert await state_of(dialer, scope) is HELD
    assert set(await read_health(dialer.ledger)) == {scope} if has_account else len(line.dialed) > 2
    if has_account:
        assert len(line.dialed) == 2, "no trunk of the account dials any more"


async def test_two_callers_who_judge_the_same_calls_at_once_open_it_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [DOWN]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=20)
    await open_epoch(dialer)
    tickets = await queue(dialer, campaign, trunk)

    await asyncio.gather(*(place_at_once(Desk(dialer), tickets[start::4]) for start in range(4)))

    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.breaker.openings, health.version) == (OPEN, 1, 1)


async def test_who_judged_by_what_was_changed_meanwhile_judges_again(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [DOWN]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=5)
    await open_epoch(dialer)
    desk, tickets = Desk(dialer), await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:4])
    meanwhile = Cut(ceiling=50.0, rate=45.0, at=await dialer.ledger.now(), reason="somebody else was faster")

    async def slowly(ledger: Ledger, trunk_id: int, *, over: timedelta) -> Sending:
        found = await sending_of_trunk(ledger, trunk_id, over=over)
        known = await health_of(dialer, trunk)
        if known.rate_cut is None:
            await write_health(dialer.ledger, ("trunk", trunk.id), replace(known, rate_cut=meanwhile))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trunk_health, "sending_of_trunk", slowly)
        await place_in_turn(desk, tickets[4:])

    health = await health_of(dialer, trunk)
    assert (health.breaker.state, health.rate_cut) == (OPEN, meanwhile)
