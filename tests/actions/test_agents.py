"""Voice agents: in the room before a phone rings, gone when nobody is called, and what they report acts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialer.actions.call_terms import TermsBook
from dialer.actions.desk import Desk
from dialer.actions.follow_calls import follow_calls
from dialer.actions.place_call import place_call
from dialer.actions.read_news import read_news
from dialer.actions.sweep_rooms import attempt_of, sweep_rooms
from dialer.app import Dialer
from dialer.config import Settings, read_settings
from dialer.domain.agent_report import AMD, CALLBACK_AT, DO_NOT_CALL
from dialer.domain.campaign import CampaignState
from dialer.domain.webhook import Webhook
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaigns import Campaign, find_campaign
from dialer.ledger.events import NewEvent, keep_events
from dialer.ledger.health import read_health
from dialer.limits.buckets import of_trunk
from dialer.telephony.line import LineBusy, Look, OpenRoom
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import BUSY, LOST, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger

AGENT = "caller-agent"


@pytest.fixture
def settings() -> Settings:
    """Every bound a twentieth as long: an agent has 0.5 s to come."""
    return read_settings({"DIALER_FENCE_SCALE": "0.05"})


async def one_call(dialer: Dialer, *, numbers: int = 1) -> tuple[Campaign, list[Ticket]]:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=numbers, agent_name=AGENT)
    await open_epoch(dialer)
    return campaign, await make_tickets(dialer, campaign)


async def talking(dialer: Dialer, line: ScriptedLine) -> Ticket:
    """A call that was picked up, with its agent in the room."""
    line.results, line.agents = [PICKED_UP], {AGENT}
    _, [ticket] = await one_call(dialer)
    await place_call(Desk(dialer), ticket)
    return ticket


async def look(dialer: Dialer, line: ScriptedLine, ticket: Ticket, seen: Look | None) -> None:
    """One look that finds this in the room; None: no room."""
    room = dialer.room_name(ticket.attempt_id)
    if seen is None:
        line.rooms.pop(room, None)
    else:
        line.rooms[room] = seen
    await dialer.ledger.changed("UPDATE attempts SET looked_at = NULL")
    await follow_calls(dialer, TermsBook(dialer))


async def hang_up_with(dialer: Dialer, line: ScriptedLine, report: dict[str, str]) -> Ticket:
    """A call whose agent reported this, and which is over."""
    ticket = await talking(dialer, line)
    await over_with(dialer, line, ticket, report)
    return ticket


async def over_with(dialer: Dialer, line: ScriptedLine, ticket: Ticket, report: dict[str, str]) -> None:
    """The callee is gone, and its agent reported this before."""
    await look(dialer, line, ticket, Look(present=True, status="active", agents=1, report=report))
    await look(dialer, line, ticket, None)
    await dialer.ledger.changed("UPDATE attempts SET empty_since = empty_since - interval '10 s'")
    await look(dialer, line, ticket, None)
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["state"] == "ended"


async def call_job(dialer: Dialer, call_job_id: int) -> dict[str, object]:
    row = await dialer.ledger.row("SELECT * FROM call_jobs WHERE id = %(id)s", {"id": call_job_id})
    assert row is not None
    return row


async def test_the_room_is_made_with_the_agent_and_the_contacts_data_before_the_dial(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.agents = {AGENT}
    _, [ticket] = await one_call(dialer)
    await dialer.ledger.changed('UPDATE contacts SET data = \'{"name": "Ada"}\'')

    await place_call(Desk(dialer), ticket)

    [(room, dispatch)] = line.dispatched
    assert room == dialer.room_name(ticket.attempt_id) == line.dialed[0].room_name
    assert dispatch.agent_name == AGENT
    assert '"name":"Ada"' in dispatch.metadata
    assert f'"attempt_id":"{ticket.attempt_id}"' in dispatch.metadata
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["has_agent"] is True


async def test_after_a_call_that_failed_the_room_is_deleted(dialer: Dialer, line: ScriptedLine) -> None:
    line.results, line.agents = [BUSY], {AGENT}
    _, [ticket] = await one_call(dialer)

    await place_call(Desk(dialer), ticket)

    assert line.deleted == [dialer.room_name(ticket.attempt_id)]


@pytest.mark.parametrize("result", [PICKED_UP, LOST], ids=["answered", "in doubt"])
async def test_the_room_of_a_call_that_may_be_up_stays(dialer: Dialer, line: ScriptedLine, result: object) -> None:
    line.results, line.agents = [result], {AGENT}  # type: ignore[list-item]
    _, [ticket] = await one_call(dialer)

    await place_call(Desk(dialer), ticket)

    assert line.deleted == []


async def test_without_an_agent_nobody_is_called_and_no_attempt_is_used(dialer: Dialer, line: ScriptedLine) -> None:
    campaign, [ticket] = await one_call(dialer)

    await place_call(Desk(dialer), ticket)

    assert line.dialed == []
    assert line.deleted == [dialer.room_name(ticket.attempt_id)]
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)
    assert await dialer.slots.in_use(of_trunk(ticket.trunk_id)) == 0
    assert (await find_campaign(dialer.ledger, campaign.name)).state is CampaignState.RUNNING


async def test_a_campaign_whose_agents_never_come_is_held_and_says_why(dialer: Dialer, line: ScriptedLine) -> None:
    campaign, tickets = await one_call(dialer, numbers=3)
    desk = Desk(dialer)

    for ticket in tickets:
        await place_call(desk, ticket)

    held = await find_campaign(dialer.ledger, campaign.name)
    assert held.state is CampaignState.HELD
    assert AGENT in str(held.held_reason)
    assert line.dialed == []


async def test_an_agent_that_came_breaks_the_row_of_missed_ones(dialer: Dialer, line: ScriptedLine) -> None:
    campaign, tickets = await one_call(dialer, numbers=3)
    await place_call(Desk(dialer), tickets[0])
    await place_call(Desk(dialer), tickets[1])
    line.agents = {AGENT}

    await place_call(Desk(dialer), tickets[2])

    assert (await find_campaign(dialer.ledger, campaign.name)).agents_missed == 0


async def test_a_person_whose_agent_has_left_is_hung_up_on_after_a_while(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await talking(dialer, line)
    await look(dialer, line, ticket, Look(present=True, status="active", agents=1))
    await look(dialer, line, ticket, Look(present=True, status="active", agents=0))
    assert line.deleted == []
    await dialer.ledger.changed("UPDATE attempts SET alone_since = alone_since - interval '6 s'")

    await look(dialer, line, ticket, Look(present=True, status="active", agents=0))
    await look(dialer, line, ticket, Look(present=True, status="active", agents=0))

    assert line.deleted == [dialer.room_name(ticket.attempt_id)] * 2  # until it is known to have worked
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["mark"] == "agent_left"


async def test_a_person_who_was_put_through_is_not_alone(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await talking(dialer, line)
    await look(dialer, line, ticket, Look(present=True, status="active", agents=0, others=True))
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["alone_since"] is None


async def test_a_machine_climbs_the_voicemail_ladder(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await hang_up_with(dialer, line, {AMD: "machine-vm"})

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert (attempt["outcome"], attempt["rule"], attempt["counted"]) == ("answered", "machine_answered", True)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_who_wants_to_be_called_back_is_due_then_and_first_in_turn(dialer: Dialer, line: ScriptedLine) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)

    ticket = await hang_up_with(dialer, line, {CALLBACK_AT: at.isoformat()})

    job = await call_job(dialer, ticket.call_job_id)
    assert (job["state"], job["promised"]) == ("waiting", True)
    assert abs(job["due_at"] - at) < timedelta(seconds=2)  # type: ignore[operator]


async def test_an_agent_that_asks_for_a_call_back_in_every_call_comes_to_an_end(
    dialer: Dialer, line: ScriptedLine
) -> None:
    ticket = await talking(dialer, line)
    await dialer.ledger.changed(
        "INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, state, outcome, counted, sent, rule, "
        "ended_at, ringing_timeout_seconds, talk_limit_seconds) "
        "SELECT gen_random_uuid(), call_job_id, campaign_id, trunk_id, number, 'ended', 'answered', true, true, "
        "'gone', now(), 30, 60 FROM attempts, generate_series(1, 10)"
    )
    report = {CALLBACK_AT: (datetime.now(UTC) + timedelta(hours=1)).isoformat()}

    await over_with(dialer, line, ticket, report)

    assert await job_state(dialer.ledger, ticket.call_job_id) == ("finished", "reached")
    evidence = (await attempt_row(dialer.ledger, ticket.attempt_id))["evidence"]
    assert "'dialer.callback_at does not act: the person was called back 10 times'" in str(evidence)


async def test_a_time_that_is_none_does_not_act_and_is_kept(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await hang_up_with(dialer, line, {CALLBACK_AT: "tomorrow"})

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("finished", "reached")
    assert attempt["report"] == {CALLBACK_AT: "tomorrow"}
    assert "is not a time" in str(attempt["evidence"])


async def test_who_never_wants_to_be_called_again_is_suppressed_for_all_campaigns(
    dialer: Dialer, line: ScriptedLine
) -> None:
    ticket = await hang_up_with(dialer, line, {DO_NOT_CALL: "true"})

    kept = await dialer.ledger.row("SELECT pattern, campaign_id, source, attempt_id FROM suppressions")
    assert kept == {
        "pattern": NUMBERS[0],
        "campaign_id": None,
        "source": "agent",
        "attempt_id": ticket.attempt_id,
    }


async def test_a_room_that_a_killed_caller_left_behind_is_swept(dialer: Dialer, line: ScriptedLine) -> None:
    left, young = dialer.new_id(), dialer.new_id()
    now = datetime.now(UTC)
    foreign = "other-0190d0a0-0000-7000-8000-000000000000"
    line.listed = [
        OpenRoom(name=dialer.room_name(left), created_at=now - timedelta(minutes=2)),
        OpenRoom(name=dialer.room_name(young), created_at=now),
        OpenRoom(name=foreign, created_at=now - timedelta(hours=1)),
        OpenRoom(name=f"{dialer.installation}-sentinel", created_at=now - timedelta(hours=1)),
    ]
    line.rooms[dialer.room_name(left)] = Look(present=False, agents=1)

    assert await sweep_rooms(dialer) == 1
    assert line.deleted == [dialer.room_name(left)]


async def test_the_room_of_an_open_attempt_is_never_swept(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await talking(dialer, line)
    line.listed = [
        OpenRoom(name=dialer.room_name(ticket.attempt_id), created_at=datetime.now(UTC) - timedelta(hours=1))
    ]
    assert await sweep_rooms(dialer) == 0


def test_whose_room_it_is() -> None:
    attempt = UUID("0190d0a0-0000-7000-8000-000000000000")
    assert attempt_of(f"ours-{attempt}", "ours") == attempt
    assert attempt_of(f"theirs-{attempt}", "ours") is None
    assert attempt_of("ours-sentinel", "ours") is None


async def tell_of_agent(dialer: Dialer, attempt_id: UUID, report: dict[str, str]) -> None:
    """The webhook of an agent that leaves its room, committed."""
    webhook = Webhook(
        event_id=f"EV_{dialer.new_id()}",
        event="participant_left",
        room=dialer.room_name(attempt_id),
        created_at=await dialer.ledger.now(),
        kind="AGENT",
        identity="agent-AJ_1",
        reason="CLIENT_INITIATED",
        call_status=None,
        body={"participant": {"attributes": report}},
    )
    await keep_events(dialer.ledger, [NewEvent(webhook, attempt_id)])
    await read_news(dialer, TermsBook(dialer), [attempt_id])


async def test_who_is_heard_late_never_to_call_again_is_suppressed_all_the_same(
    dialer: Dialer, line: ScriptedLine
) -> None:
    ticket = await hang_up_with(dialer, line, {AMD: "human"})

    await tell_of_agent(dialer, ticket.attempt_id, {AMD: "human", DO_NOT_CALL: "true"})

    kept = await dialer.ledger.row("SELECT pattern, campaign_id, source FROM suppressions")
    assert kept == {"pattern": NUMBERS[0], "campaign_id": None, "source": "agent"}
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["report"] == {AMD: "human", DO_NOT_CALL: "true"}
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("finished", "reached")


async def test_news_that_an_agent_left_lets_the_person_be_looked_at_soon(dialer: Dialer, line: ScriptedLine) -> None:
    ticket = await talking(dialer, line)
    await look(dialer, line, ticket, Look(present=True, status="active", agents=1))

    await tell_of_agent(dialer, ticket.attempt_id, {})

    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["alone_since"] is not None


async def test_a_room_that_livekit_refuses_for_its_quota_slows_the_livekit_project(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.fault = LineBusy("LiveKit answers HTTP 429 resource_exhausted")
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, agent_name="agent")
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    known = await read_health(dialer.ledger)
    assert known[("livekit", 0)].rate_cut is not None
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)
    assert line.dialed == []
