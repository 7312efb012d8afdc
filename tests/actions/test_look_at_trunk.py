"""What is said of trunks, out of the real ledger and the real Redis; and what a person does about it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from dialer.actions.desk import Desk
from dialer.actions.look_at_campaign import look_at_campaign
from dialer.actions.look_at_trunk import TrunkStanding, look_at_trunk, look_at_trunks
from dialer.actions.place_call import place_call
from dialer.actions.try_trunk import ask_for_probe, resume, what_is_shut
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState, hold
from dialer.domain.campaign import CampaignState
from dialer.domain.congestion import Cut
from dialer.domain.trunk import Trunk
from dialer.domain.trunk_holds import Hold, HoldReason
from dialer.domain.trunk_state import WELL
from dialer.errors import NotFound
from dialer.ledger.accounts import add_account
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.line_status import LineState, note_line_status
from dialer.ledger.trunk_holds import write_holds
from dialer.ledger.trunks import edit_trunk
from dialer.ledger.workers import sign_in
from dialer.limits.call_slots import CallSlots
from dialer.limits.health_news import CHANNEL
from dialer.limits.redis_session import RedisSession
from dialer.limits.sent_calls import SentCalls
from tests.factories import make_campaign, make_tickets, make_trunk, open_epoch

pytestmark = pytest.mark.ledger

SILENCE = timedelta(seconds=10)


@pytest.fixture(autouse=True)
async def everything_runs(dialer: Dialer) -> None:
    for kind in ("caller", "feeder", "rescuer"):
        await sign_in(dialer.ledger, worker_id=uuid4(), kind=kind, pid=1, host="here", version="1")
    await note_line_status(dialer.ledger, LineState.OK, detail="")


async def look(dialer: Dialer, name: str = "trunk") -> TrunkStanding:
    return await look_at_trunk(dialer.ledger, dialer.slots, name, silence=SILENCE)


async def held(dialer: Dialer, scope: Scope) -> None:
    breaker = hold(Breaker(), rule="sip_402", reason="no balance: top it up", now=await dialer.ledger.now())
    assert await write_health(dialer.ledger, scope, replace(WELL, breaker=breaker))


async def in_account(dialer: Dialer, trunk: Trunk) -> Scope:
    account = await add_account(dialer.ledger, "acme", calls_per_second=8.0, max_concurrent_calls=30)
    await edit_trunk(dialer.ledger, replace(trunk, account_id=account.id))
    return ("account", account.id)


async def test_a_trunk_that_is_not_there_is_named_with_those_that_are(dialer: Dialer) -> None:
    await make_trunk(dialer.ledger)
    with pytest.raises(NotFound) as error:
        await look(dialer, "other")
    assert error.value.hint == "trunks: trunk"


async def test_what_the_feeder_noted_is_the_answer(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await make_campaign(dialer.ledger, trunk)
    await write_holds(dialer.ledger, {trunk.id: Hold(HoldReason.HOURS, "the first at 09:00")})
    standing = await look(dialer)
    assert standing.answer.reason is HoldReason.HOURS
    assert standing.answer.what.endswith("(the first at 09:00)")
    assert standing.answer.since is not None
    assert standing.answer.todo == "`dialer campaign show campaign` says more"


async def test_a_trunk_that_the_feeder_has_not_looked_at_yet_is_judged_by_its_figures(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    assert (await look(dialer)).answer.what.endswith("no campaign that uses it is running")
    campaign = await make_campaign(dialer.ledger, trunk)
    await make_tickets(dialer, campaign)
    assert (await look(dialer)).answer.reason is None


async def test_queued_call_jobs_and_both_kinds_of_campaigns_are_told(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    running = await make_campaign(dialer.ledger, trunk, name="runs")
    await make_campaign(dialer.ledger, trunk, name="rests", state=CampaignState.DRAFT)
    await make_tickets(dialer, running)
    await dialer.ledger.changed("UPDATE call_jobs SET trunk_id = %(id)s WHERE state = 'queued'", {"id": trunk.id})
    standing = await look(dialer)
    assert standing.facts.queued == 3
    assert standing.facts.campaigns == ("runs",)
    assert standing.activity.campaigns == ("rests", "runs")


async def test_the_peak_second_is_of_all_callers(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    for _ in range(2):
        caller = SentCalls(dialer.redis, dialer.clock)
        for _ in range(3):
            caller.note(trunk.id, uuid4())
        await caller.flush()
    assert (await look(dialer)).peak_second == 6


async def test_a_learned_rate_is_what_it_could_do_now(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    cut = Cut(ceiling=7.1, rate=6.4, at=await dialer.ledger.now(), reason="503 Trunk CPS limit exceeded")
    assert await write_health(dialer.ledger, ("trunk", trunk.id), replace(WELL, rate_cut=cut))
    standing = await look(dialer)
    assert 6.4 <= standing.state.calls_per_second < 6.6


async def test_without_redis_the_answer_is_that_it_does_not_answer(dialer: Dialer) -> None:
    await make_trunk(dialer.ledger)
    away = CallSlots(RedisSession("redis://127.0.0.1:1/0", installation="test"))
    standing = await look_at_trunk(dialer.ledger, away, "trunk", silence=SILENCE)
    assert "Redis does not answer" in standing.answer.what
    assert (standing.peak_second, standing.facts.slots_taken) == (None, None)


async def test_trunks_come_by_name(dialer: Dialer) -> None:
    for name in ("b", "a", "c"):
        await make_trunk(dialer.ledger, name=name, livekit_trunk_id=f"ST_{name}")
    standings = await look_at_trunks(dialer.ledger, dialer.slots, silence=SILENCE)
    assert [standing.name for standing in standings] == ["a", "b", "c"]


async def test_a_held_trunk_says_what_to_do_and_so_does_its_campaign(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await make_campaign(dialer.ledger, trunk)
    await held(dialer, ("trunk", trunk.id))
    answer = (await look(dialer)).answer
    assert answer.reason is HoldReason.BREAKER
    assert "no balance: top it up" in answer.what
    assert "`dialer trunk resume trunk`" in answer.todo
    campaign = await look_at_campaign(dialer.ledger, dialer.slots, "campaign", silence=SILENCE)
    assert campaign.holding_back == answer.sentence


async def test_a_held_account_holds_its_trunks(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await held(dialer, await in_account(dialer, trunk))
    answer = (await look(dialer)).answer
    assert answer.reason is HoldReason.ACCOUNT_BREAKER
    assert answer.what.startswith("account acme is held")


async def test_a_probe_that_is_asked_for_is_due_at_once_and_told_to_callers(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await held(dialer, ("trunk", trunk.id))
    async with dialer.redis.client.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(dialer.redis.key(CHANNEL))
        await heard.get_message(timeout=1)
        [shut] = await what_is_shut(dialer.ledger, "trunk")
        asked = await ask_for_probe(dialer.ledger, dialer.redis, shut)
        assert await heard.get_message(timeout=5) is not None
    known = (await read_health(dialer.ledger))["trunk", trunk.id]
    assert known == asked
    assert known.breaker.state is BreakerState.HELD
    assert known.breaker.probe_at is not None
    assert (await look(dialer)).answer.todo == "the next person who is due tries it"


async def test_who_resumes_lets_calls_through_and_a_probe_under_way_decides_nothing_any_more(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    scope = await in_account(dialer, trunk)
    await held(dialer, scope)
    probing = (await read_health(dialer.ledger))[scope]
    half_open = replace(probing.breaker, state=BreakerState.HALF_OPEN)
    assert await write_health(dialer.ledger, scope, replace(probing, breaker=half_open, probe_release=uuid4()))
    [shut] = await what_is_shut(dialer.ledger, "trunk")
    await resume(dialer.ledger, dialer.redis, shut)
    known = (await read_health(dialer.ledger))[scope]
    assert (known.breaker.state, known.probe_release) == (BreakerState.CLOSED, None)
    assert await what_is_shut(dialer.ledger, "trunk") == []
    await resume(dialer.ledger, dialer.redis, shut)
    assert (await read_health(dialer.ledger))[scope] == known


async def test_a_trunk_and_its_account_may_both_be_shut(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    account = await in_account(dialer, trunk)
    await held(dialer, account)
    await held(dialer, ("trunk", trunk.id))
    assert [shut.whose for shut in await what_is_shut(dialer.ledger, "trunk")] == ["trunk trunk", "account acme"]


async def test_the_campaign_tells_of_all_its_trunks(dialer: Dialer) -> None:
    first = await make_trunk(dialer.ledger, name="first", livekit_trunk_id="ST_1", calls_per_second=5.0)
    second = await make_trunk(dialer.ledger, name="second", livekit_trunk_id="ST_2", calls_per_second=3.0)
    campaign = await make_campaign(dialer.ledger, first)
    await dialer.ledger.changed(
        """INSERT INTO campaign_trunks (campaign_id, trunk_id, place)
        VALUES (%(campaign)s, %(second)s, 1), (%(campaign)s, %(first)s, 0)""",
        {"campaign": campaign.id, "first": first.id, "second": second.id},
    )
    await held(dialer, ("trunk", first.id))
    standing = await look_at_campaign(dialer.ledger, dialer.slots, "campaign", silence=SILENCE)
    assert [trunk.name for trunk in standing.trunks] == ["first", "second"]
    assert standing.trunk is not None
    assert standing.trunk.name == "first"
    assert standing.holding_back.endswith("nothing goes out through trunk first: `dialer trunk show first` says why")
    await held(dialer, ("trunk", second.id))
    standing = await look_at_campaign(dialer.ledger, dialer.slots, "campaign", silence=SILENCE)
    assert standing.holding_back.startswith("none of its trunks lets calls through: trunk first is held")


async def test_a_call_that_the_gate_lets_go_is_in_the_peak_second_and_one_that_it_does_not_is_not(
    dialer: Dialer,
) -> None:
    await open_epoch(dialer)
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    desk = Desk(dialer)
    first, second = await make_tickets(dialer, campaign)
    await place_call(desk, first)
    desk.stopping = True
    await place_call(desk, second)
    await desk.sent_calls.flush()
    assert (await look(dialer)).peak_second == 1
