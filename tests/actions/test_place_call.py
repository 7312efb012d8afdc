"""One attempt, step by step, on the real ledger and the real Redis with a scripted line."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.actions.desk import Desk
from dialer.actions.place_call import Opened, look, pass_gate, place_call
from dialer.app import Dialer
from dialer.domain.campaign import CampaignState
from dialer.errors import StoreUnavailable
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.claims import Claim
from dialer.limits.buckets import of_trunk
from dialer.limits.call_rate import CallRate
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession
from dialer.telephony.line import DialRequest, Gate, GateShut
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import LOST, NOT_SENT, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger


async def test_a_busy_phone_ends_the_attempt_and_puts_its_call_job_back(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert (attempt["state"], attempt["outcome"], attempt["counted"], attempt["sip_code"]) == (
        "ended",
        "busy",
        True,
        486,
    )
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)
    assert await dialer.slots.in_use(of_trunk(ticket.trunk_id)) == 0
    assert [request.number for request in line.dialed] == [NUMBERS[0]]


async def test_the_room_carries_the_installation_and_the_attempt_and_the_token_ends_with_the_claim(
    dialer: Dialer, line: ScriptedLine
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    [request] = line.dialed
    claimed_at = (await attempt_row(dialer.ledger, ticket.attempt_id))["claimed_at"]
    assert request.room_name == f"{dialer.installation}-{ticket.attempt_id}"
    assert request.token_end == int(claimed_at.timestamp()) + 15  # type: ignore[attr-defined]


async def test_a_second_delivery_of_the_same_job_places_no_second_call(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    again = replace(ticket, attempt_id=dialer.new_id())

    desk = Desk(dialer)
    await place_call(desk, ticket)
    await place_call(desk, again)

    assert len(line.dialed) == 1
    assert await dialer.slots.in_use(of_trunk(ticket.trunk_id)) == 0


async def test_an_answered_call_stays_open_and_keeps_its_slot(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["state"] == "answered"
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("in_progress", None)
    assert await dialer.slots.leases(of_trunk(ticket.trunk_id)) == {ticket.attempt_id: True}


async def test_a_lost_answer_leaves_the_attempt_open_in_doubt_with_its_slot(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert attempt["state"] == "dialing"
    assert attempt["doubt_since"] is not None
    assert await dialer.slots.leases(of_trunk(ticket.trunk_id)) == {ticket.attempt_id: True}


async def test_what_was_never_sent_costs_no_attempt(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [NOT_SENT]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert (attempt["outcome"], attempt["counted"], attempt["sent"]) == ("system_error", False, False)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_no_call_is_placed_while_the_limits_have_no_epoch(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    assert line.dialed == []
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_no_call_is_placed_while_redis_is_away(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    nobody = RedisSession("redis://127.0.0.1:1/0", installation=dialer.installation)
    cut_off = replace(
        dialer, rate=CallRate(nobody, CallSlots(nobody), leases=dialer.leases, clock=dialer.clock), redis=nobody
    )

    with pytest.raises(StoreUnavailable):
        await place_call(Desk(cut_off), ticket)

    assert line.dialed == []


async def test_no_call_is_placed_when_redis_refuses_to_confirm(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    nobody = RedisSession("redis://127.0.0.1:1/0", installation=dialer.installation)
    slots = CallSlots(nobody)

    await place_call(Desk(replace(dialer, slots=slots)), ticket)

    assert line.dialed == []
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["rule"] == "slot_not_confirmed"


async def test_a_campaign_paused_after_the_release_is_not_dialed(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await move_campaign(dialer.ledger, campaign.id, before=[CampaignState.RUNNING], after=CampaignState.PAUSED)

    await place_call(Desk(dialer), ticket)

    assert line.dialed == []
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_a_number_that_is_open_in_another_campaign_is_not_dialed(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    one = await make_campaign(dialer.ledger, trunk, name="one", numbers=1)
    other = await make_campaign(dialer.ledger, trunk, name="other", numbers=1)
    await open_epoch(dialer)
    [first], [second] = await make_tickets(dialer, one), await make_tickets(dialer, other)

    desk = Desk(dialer)
    await place_call(desk, first)
    await place_call(desk, second)

    assert len(line.dialed) == 1
    assert await job_state(dialer.ledger, second.call_job_id) == ("waiting", None)
    assert await dialer.slots.leases(of_trunk(trunk.id)) == {first.attempt_id: True}


async def test_a_trunk_with_all_slots_taken_puts_the_call_job_back_without_an_attempt(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger, max_concurrent_calls=1)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    await open_epoch(dialer)
    first, second = await make_tickets(dialer, campaign)

    desk = Desk(dialer)
    await place_call(desk, first)
    await place_call(desk, second)

    assert len(line.dialed) == 1
    assert await job_state(dialer.ledger, second.call_job_id) == ("waiting", None)
    assert (
        await dialer.ledger.rows("SELECT id FROM attempts WHERE call_job_id = %(id)s", {"id": second.call_job_id}) == []
    )


async def test_a_lease_that_lapsed_before_it_was_confirmed_is_not_dialed_on(dialer: Dialer) -> None:
    class Forgetful(ScriptedLine):
        """Never reached: the lease is gone before."""

    line = Forgetful()
    dialer = replace(dialer, line=line)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    claim = desk.claim

    async def claim_and_forget(job: object) -> object:
        answer = await claim(job)  # type: ignore[arg-type]
        await dialer.slots.free([(of_trunk(ticket.trunk_id), ticket.attempt_id)])
        return answer

    desk.claim = claim_and_forget  # type: ignore[assignment, method-assign]
    await place_call(desk, ticket)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert line.dialed == []
    assert (attempt["outcome"], attempt["sent"], attempt["rule"]) == ("cancelled", False, "slot_not_confirmed")


async def test_the_gate_shuts_when_the_claim_has_grown_too_old(dialer: Dialer) -> None:
    class SlowToConnect(ScriptedLine):
        async def place(self, request: DialRequest, gate: Gate) -> object:  # type: ignore[override]
            await dialer.clock.sleep(0.2)
            return await super().place(request, gate)

    line = SlowToConnect()
    hurried = replace(dialer, line=line, fence=replace(dialer.fence, gate=dialer.fence.gate / 50))  # type: ignore[arg-type]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(hurried), ticket)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert line.dialed == []
    assert (attempt["outcome"], attempt["sent"]) == ("cancelled", False)
    assert attempt["rule"] in {"claim_too_old", "turn_missed"}
    assert await dialer.slots.in_use(of_trunk(ticket.trunk_id)) == 0


async def test_the_gate_shuts_on_an_old_claim_even_when_its_turn_is_due(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    job = await look(desk, ticket)
    assert job is not None
    claim = Claim(claimed_at=await dialer.ledger.now(), history=())
    now = dialer.clock.seconds()

    with pytest.raises(GateShut, match="claim_too_old"):
        await pass_gate(desk, Opened(job=job, claim=claim, begun=now - 5.1, moment=now + 0.02))
    await pass_gate(desk, Opened(job=job, claim=claim, begun=now, moment=dialer.clock.seconds() + 0.02))


async def test_the_gate_shuts_when_the_phone_could_ring_past_the_closing(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    job = await look(desk, ticket)
    assert job is not None
    claim = Claim(claimed_at=await dialer.ledger.now(), history=())
    closing = replace(job, open_until=claim.claimed_at + timedelta(seconds=0.05))
    now = dialer.clock.seconds()

    with pytest.raises(GateShut, match="hours_closed"):
        await pass_gate(desk, Opened(job=closing, claim=claim, begun=now, moment=now + 0.1))
    later = replace(job, open_until=claim.claimed_at + timedelta(seconds=60))
    await pass_gate(desk, Opened(job=later, claim=claim, begun=now, moment=dialer.clock.seconds() + 0.02))


async def test_a_number_suppressed_while_it_was_queued_is_finished_and_never_dialed(
    dialer: Dialer, line: ScriptedLine
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await dialer.ledger.changed(
        "INSERT INTO suppressions (pattern, source) VALUES (%(number)s, 'operator')", {"number": NUMBERS[0]}
    )

    await place_call(Desk(dialer), ticket)

    assert line.dialed == []
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("finished", "suppressed")


async def test_hours_that_closed_while_it_was_queued_give_the_call_job_back(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await dialer.ledger.changed("UPDATE call_jobs SET open_until = now()")

    await place_call(Desk(dialer), ticket)

    assert line.dialed == []
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_the_gate_shuts_when_the_campaign_was_paused_since_the_claim(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    job = await look(desk, ticket)
    assert job is not None
    claim = Claim(claimed_at=await dialer.ledger.now(), history=())
    await move_campaign(dialer.ledger, campaign.id, before=[CampaignState.RUNNING], after=CampaignState.PAUSED)
    now = dialer.clock.seconds()

    with pytest.raises(GateShut, match="campaign_not_running"):
        await pass_gate(desk, Opened(job=job, claim=claim, begun=now - 1.5, moment=now + 0.02))


async def test_a_turn_that_was_missed_is_replaced_by_a_new_one(dialer: Dialer) -> None:
    class SlowToConnect(ScriptedLine):
        async def place(self, request: DialRequest, gate: Gate) -> object:  # type: ignore[override]
            await dialer.clock.sleep(0.2)
            return await super().place(request, gate)

    line = SlowToConnect()
    dialer = replace(dialer, line=line)  # type: ignore[arg-type]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    assert len(line.dialed) == 1
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["outcome"] == "busy"


async def test_a_caller_that_stops_sends_nothing_any_more(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    desk.stopping = True

    await place_call(desk, ticket)

    assert line.dialed == []
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["rule"] == "caller_stopping"


async def test_the_last_counted_attempt_ends_the_call_job_as_exhausted(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, max_attempts=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    assert await job_state(dialer.ledger, ticket.call_job_id) == ("finished", "exhausted")
