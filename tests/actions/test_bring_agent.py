"""How the dialer learns that the agent is in its room: LiveKit's webhook tells it, or a look into the room finds it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.desk import Desk
from dialer.actions.hear_news import NewsListener
from dialer.actions.place_call import place_call
from dialer.actions.sweep_rooms import attempt_of
from dialer.app import Dialer
from dialer.config import Settings, read_settings
from dialer.domain.webhook import Webhook
from dialer.ledger.events import NewEvent, keep_events
from dialer.telephony.line import AgentDispatch, Look
from tests.factories import make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import ScriptedLine

pytestmark = pytest.mark.ledger

AGENT = "caller-agent"


@pytest.fixture
def settings() -> Settings:
    """Every bound a twentieth as long: an agent has 0.5 s to come."""
    return read_settings({"DIALER_FENCE_SCALE": "0.05"})


class TellingLine(ScriptedLine):
    """A line whose agents do these things at once, and LiveKit tells of them; counts the looks."""

    def __init__(self, does: list[str], dialer: Dialer, *, is_seen: bool) -> None:
        super().__init__()
        self.does, self.agents, self.looks = does, {AGENT} if is_seen else set(), 0
        self.dialer = dialer

    async def make_room(self, room_name: str, *, empty_timeout: timedelta, agent: AgentDispatch | None = None) -> str:
        attempt_id = attempt_of(room_name, self.dialer.installation)
        assert attempt_id is not None
        for event in self.does:
            await tell(self.dialer, attempt_id, event)
        return await super().make_room(room_name, empty_timeout=empty_timeout, agent=agent)

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        self.looks += 1
        return await super().look(rooms)


async def tell(dialer: Dialer, attempt_id: UUID, event: str) -> None:
    """The webhook of the agent's coming or going, committed."""
    webhook = Webhook(
        event_id=f"EV_{dialer.new_id()}",
        event=event,
        room=dialer.room_name(attempt_id),
        created_at=await dialer.ledger.now(),
        kind="AGENT",
        identity="agent-AJ_1",
        reason=None,
        call_status=None,
        body={},
    )
    await keep_events(dialer.ledger, [NewEvent(webhook, attempt_id)])


@pytest.mark.parametrize(
    ("told", "is_seen", "dials", "looks"),
    [
        pytest.param(["participant_joined"], False, 1, 0, id="its coming is told: nobody looks"),
        pytest.param([], True, 1, 1, id="its webhook is lost: a look finds it"),
        pytest.param(["participant_joined", "participant_left"], False, 0, 1, id="it came and went: no agent"),
        pytest.param([], False, 0, 1, id="nothing is told and nobody is seen"),
    ],
)
async def test_who_is_told_of_the_agent_need_not_look(
    dialer: Dialer, told: list[str], is_seen: bool, dials: int, looks: int
) -> None:
    line = TellingLine(told, dialer, is_seen=is_seen)
    dialer = replace(dialer, line=line)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, agent_name=AGENT)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    news = NewsListener(dialer)  # not entered: it reads at the beginning of a wait and at its end
    news.webhooks_arrive = True

    await place_call(Desk(dialer, news=news), ticket)

    assert (len(line.dialed), line.looks) == (dials, looks)


async def test_a_hundred_agents_that_come_at_once_cost_no_call(dialer: Dialer) -> None:
    line = TellingLine(["participant_joined"], dialer, is_seen=False)
    dialer = replace(dialer, line=line)
    trunk = await make_trunk(dialer.ledger, calls_per_second=1000, max_concurrent_calls=200)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=100, agent_name=AGENT)
    await open_epoch(dialer)
    tickets = await make_tickets(dialer, campaign)
    news = NewsListener(dialer)
    news.webhooks_arrive = True
    desk = Desk(dialer, news=news)

    await asyncio.gather(*(place_call(desk, ticket) for ticket in tickets))

    assert len({request.number for request in line.dialed}) == 100
