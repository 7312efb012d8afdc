"""The same contact at once through the next trunk: only where the phone certainly did not ring, and only once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from dialer.actions.desk import Desk
from dialer.actions.hear_news import NewsListener
from dialer.actions.place_call import place_call
from dialer.actions.take_webhooks import WebhookIntake
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.campaign import CampaignState
from dialer.domain.line_result import LineResult
from dialer.domain.trunk import Trunk
from dialer.domain.webhook import Webhook
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign
from dialer.ledger.trunks import edit_trunk
from dialer.telephony.line import DialRequest, Gate
from tests.actions.pacing import (
    DECLINED,
    DOWN,
    LIVEKIT_QUOTA,
    NO_SIP_NODE,
    RING_TIMEOUT,
    TOO_FAST,
    TrunkLine,
    add_ways,
    attempts,
    jobs,
    make_account,
    make_trunks,
    place_in_turn,
    queue,
    set_breaker,
    sip,
)
from tests.console.running import until
from tests.factories import make_campaign, open_epoch
from tests.fakes import BUSY, LOST, PICKED_UP, WRONG_PASSWORD, ScriptedLine

pytestmark = pytest.mark.ledger

NEVER_RANG = sip(503, "Service Unavailable", rang=False)
RANG = sip(503, "Service Unavailable", rang=True)


async def two_ways(dialer: Dialer) -> tuple[Campaign, Trunk, Trunk]:
    """A campaign of one contact that may go through either of two trunks, in this order."""
    one, other = await make_trunks(dialer, "one", "other")
    campaign = await make_campaign(dialer.ledger, one, numbers=1)
    await add_ways(dialer, campaign, one, other)
    await open_epoch(dialer)
    return campaign, one, other


async def test_a_call_that_never_rang_goes_to_the_next_trunk_at_once_as_part_of_the_same_try(dialer: Dialer) -> None:
    dialer = replace(dialer, line=TrunkLine({"ST_one": [NEVER_RANG], "ST_other": [PICKED_UP]}))
    campaign, one, other = await two_ways(dialer)
    desk, [first] = Desk(dialer), await queue(dialer, campaign, one)

    await place_in_turn(desk, [first])
    [between] = await jobs(dialer)
    [second] = await queue(dialer, campaign, other)
    await place_in_turn(desk, [second])

    assert (between["state"], between["not_trunks"], between["try_id"]) == ("waiting", [one.id], first.attempt_id)
    assert float(str(between["due_in"])) <= 0
    assert between["attempts_counted"] == 0
    tried = [(row["id"], row["trunk_id"], row["try_id"], row["state"]) for row in await attempts(dialer)]
    assert tried == [
        (first.attempt_id, one.id, None, "ended"),
        (second.attempt_id, other.id, first.attempt_id, "answered"),
    ]


async def test_when_the_second_trunk_fails_too_there_is_no_third(dialer: Dialer) -> None:
    dialer = replace(dialer, line=TrunkLine({f"ST_{name}": [NEVER_RANG] for name in ("one", "other", "third")}))
    campaign, one, other = await two_ways(dialer)
    [third] = await make_trunks(dialer, "third")
    await dialer.ledger.changed(
        "INSERT INTO campaign_trunks (campaign_id, trunk_id, place) VALUES (%(c)s, %(t)s, 2)",
        {"c": campaign.id, "t": third.id},
    )
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, campaign, one))
    await place_in_turn(desk, await queue(dialer, campaign, other))

    [job] = await jobs(dialer)
    assert (job["state"], job["not_trunks"], job["try_id"]) == ("waiting", [], None)
    assert float(str(job["due_in"])) > 5, "the next try comes by its ladder"
    assert job["attempts_counted"] == 0


async def test_the_next_try_may_begin_with_any_trunk_and_fail_over_again(dialer: Dialer) -> None:
    dialer = replace(dialer, line=TrunkLine({"ST_one": [NEVER_RANG], "ST_other": [NEVER_RANG]}))
    campaign, one, other = await two_ways(dialer)
    desk = Desk(dialer)
    for trunk in (one, other):
        await place_in_turn(desk, await queue(dialer, campaign, trunk))

    [third] = await queue(dialer, campaign, one)
    await place_in_turn(desk, [third])

    [job] = await jobs(dialer)
    assert (job["not_trunks"], job["try_id"]) == ([one.id], third.attempt_id)


STAYS = [
    pytest.param(RANG, id="it rang"),
    pytest.param(DOWN, id="503, and nobody knows whether it rang"),
    pytest.param(replace(DECLINED, rang=False), id="603 is the person's"),
    pytest.param(sip(606, rang=False), id="606, too"),
    pytest.param(BUSY, id="busy"),
    pytest.param(RING_TIMEOUT, id="nobody answered"),
    pytest.param(replace(RING_TIMEOUT, rang=False), id="a ring timeout that did not ring"),
    pytest.param(sip(404, rang=False), id="no such number"),
    pytest.param(LOST, id="in doubt"),
    pytest.param(NO_SIP_NODE, id="LiveKit has no SIP node"),
    pytest.param(LIVEKIT_QUOTA, id="LiveKit takes no more requests"),
    pytest.param(replace(NEVER_RANG, marked=True), id="we hung up"),
    pytest.param(PICKED_UP, id="somebody picked up"),
]


@pytest.mark.parametrize("result", STAYS)
async def test_no_other_trunk_is_asked_when(dialer: Dialer, line: ScriptedLine, result: LineResult) -> None:
    line.results = [result]
    campaign, one, _ = await two_ways(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, one))

    [job] = await jobs(dialer)
    assert (job["not_trunks"], job["try_id"]) == ([], None)
    assert job["state"] == "in_progress" or float(str(job["due_in"])) > 1


@pytest.mark.parametrize("result", [WRONG_PASSWORD, TOO_FAST], ids=["a wrong password", "too many calls per second"])
async def test_an_answer_after_which_nothing_can_have_rung_needs_no_webhook(
    dialer: Dialer, line: ScriptedLine, result: LineResult
) -> None:
    line.results = [result]
    campaign, one, _ = await two_ways(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, one))

    assert [job["not_trunks"] for job in await jobs(dialer)] == [[one.id]]


async def stays(dialer: Dialer, campaign: Campaign, one: Trunk) -> bool:
    """Whether a call that never rang is not taken to another trunk."""
    await place_in_turn(Desk(dialer), await queue(dialer, campaign, one))
    [job] = await jobs(dialer)
    return job["not_trunks"] == [] and float(str(job["due_in"])) > 1


async def test_without_another_trunk_it_waits_by_its_ladder(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NEVER_RANG]
    [one] = await make_trunks(dialer, "one")
    campaign = await make_campaign(dialer.ledger, one, numbers=1)
    await open_epoch(dialer)

    assert await stays(dialer, campaign, one)


@pytest.mark.parametrize("scope", ["trunk", "account"])
async def test_a_trunk_that_is_not_well_itself_is_not_asked(dialer: Dialer, line: ScriptedLine, scope: str) -> None:
    line.results = [NEVER_RANG]
    campaign, one, other = await two_ways(dialer)
    account = await make_account(dialer)
    await edit_trunk(dialer.ledger, replace(other, account_id=account.id))
    scope_id = other.id if scope == "trunk" else account.id
    await set_breaker(dialer, (scope, scope_id), Breaker(state=BreakerState.OPEN, openings=1))

    assert await stays(dialer, campaign, one)


async def test_a_trunk_that_does_not_serve_the_number_is_not_asked(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NEVER_RANG]
    campaign, one, other = await two_ways(dialer)
    await dialer.ledger.changed("UPDATE trunks SET serves = '{+44}' WHERE id = %(id)s", {"id": other.id})

    assert await stays(dialer, campaign, one)


async def test_a_trunk_that_was_removed_or_is_of_another_route_is_not_asked(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NEVER_RANG]
    one, removed, british = await make_trunks(dialer, "one", "removed", "british")
    campaign = await make_campaign(dialer.ledger, one, numbers=1)
    await add_ways(dialer, campaign, one, removed)
    await add_ways(dialer, campaign, british, prefix="+44")
    await dialer.ledger.changed("UPDATE trunks SET removed_at = now() WHERE id = %(id)s", {"id": removed.id})
    await open_epoch(dialer)

    assert await stays(dialer, campaign, one)


class Cancelling(ScriptedLine):
    """Answers when the campaign was cancelled."""

    dialer: Dialer

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        result = await super().place(request, gate)
        await self.dialer.ledger.changed("UPDATE campaigns SET state = 'cancelled'")
        return result


async def test_a_campaign_cancelled_meanwhile_goes_nowhere(dialer: Dialer) -> None:
    line = Cancelling([NEVER_RANG])
    dialer = line.dialer = replace(dialer, line=line)
    campaign, one, _ = await two_ways(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, one))

    [job] = await jobs(dialer)
    assert (job["state"], job["finish_reason"], job["not_trunks"]) == ("finished", "cancelled", [])


async def test_a_campaign_paused_meanwhile_keeps_the_try_for_later(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NEVER_RANG]
    campaign, one, _ = await two_ways(dialer)
    tickets = await queue(dialer, campaign, one)
    await place_in_turn(Desk(dialer), tickets)
    await move_campaign(dialer.ledger, campaign.id, before=[CampaignState.RUNNING], after=CampaignState.PAUSED)

    [job] = await jobs(dialer)
    assert (job["state"], job["not_trunks"]) == ("waiting", [one.id])


async def test_a_second_trunk_that_was_never_dialed_does_not_end_the_try(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NEVER_RANG]
    campaign, one, other = await two_ways(dialer)
    desk, [first] = Desk(dialer), await queue(dialer, campaign, one)
    await place_in_turn(desk, [first])
    desk.stopping = True

    await place_in_turn(desk, await queue(dialer, campaign, other))

    [job] = await jobs(dialer)
    assert (job["state"], job["not_trunks"], job["try_id"]) == ("waiting", [one.id], first.attempt_id)


class Herald(ScriptedLine):
    """Whose answer comes a moment before LiveKit tells that the callee has left."""

    dialer: Dialer
    status: str
    told: asyncio.Task[object]

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        result = await super().place(request, gate)
        self.told = asyncio.create_task(self._tell(request.attempt_id))
        return result

    async def _tell(self, attempt_id: UUID) -> None:
        webhook = Webhook(
            event_id=f"EV_{attempt_id}",
            event="participant_left",
            room=self.dialer.room_name(attempt_id),
            created_at=await self.dialer.ledger.now(),
            kind="SIP",
            identity=str(attempt_id),
            reason=None,
            call_status=self.status,
            body={},
        )
        await WebhookIntake(self.dialer, to_nobody).take(webhook)


async def to_nobody(attempt_ids: Sequence[UUID]) -> None:
    """The clerk's queue."""


@pytest.mark.parametrize(
    ("status", "goes_on"),
    [pytest.param("dialing", True, id="it never rang"), pytest.param("ringing", False, id="it rang")],
)
async def test_where_webhooks_arrive_they_tell_whether_it_rang(dialer: Dialer, status: str, goes_on: bool) -> None:
    line = Herald([DOWN])
    dialer = line.dialer = replace(dialer, line=line)
    line.status = status
    campaign, one, _ = await two_ways(dialer)
    [ticket] = await queue(dialer, campaign, one)
    await line._tell(dialer.new_id())  # of another call: webhooks arrive

    async with NewsListener(dialer) as news:
        await until(lambda: news.webhooks_arrive)
        await place_call(Desk(dialer, news=news), ticket)

    [job], [attempt] = await jobs(dialer), await attempts(dialer)
    assert job["not_trunks"] == ([one.id] if goes_on else [])
    assert (attempt["rang"], attempt["counted"]) == (not goes_on, not goes_on)
    await line.told
