"""The example agent at a real LiveKit: it keeps the contract of docs/agents.md."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from livekit.protocol.models import DisconnectReason
from livekit.protocol.webhook import WebhookEvent

from dialer.domain.agent_report import parse_report
from tests.livekit.place import Place
from tests.livekit.processes import AGENT_NAME, IDENTITY, callee, example_agent

pytestmark = pytest.mark.livekit

CONTACT = {
    "name": "Ada",
    "city": "London",
    "dialer": {
        "attempt_id": "0197c0de-0000-7000-8000-000000000001",
        "campaign": "autumn",
        "number": "+442079460123",
        "attempt": 2,
    },
}
METADATA = json.dumps(CONTACT)


def report_in(webhook: WebhookEvent) -> dict[str, str]:
    """What the agent that this is about has reported."""
    attributes = webhook.participant.attributes
    return {key: value for key, value in attributes.items() if key.startswith("dialer.")}


async def test_the_agent_gets_the_contact_speaks_when_it_is_picked_up_reports_and_hangs_up(
    real_place: Place, room: str
) -> None:
    async with example_agent(real_place) as agent:
        await real_place.send_agent(AGENT_NAME, room=room, metadata=METADATA)
        in_the_room = await real_place.agent_in(room)
        await agent.says(lambda line: "called for attempt 2; told of: name, city" in line)
        async with callee(real_place, room, has_voice=True) as phone:
            await phone.reports("silence")
            phone.order("active")
            await phone.reports("sound")
            ended = await phone.reports("disconnected")
        await real_place.webhooks.wait("room_finished", room=room)
        left = await real_place.webhooks.wait("participant_left", room=room, kind="AGENT")

    assert in_the_room.identity.startswith("agent-AJ_")
    assert phone.events.index("silence") < phone.events.index("sound")
    assert ended["reason"] == "ROOM_DELETED"
    assert left.participant.disconnect_reason == DisconnectReason.ROOM_DELETED
    assert report_in(left) == {"dialer.amd": "human", "dialer.disposition": "spoke"}
    story = real_place.webhooks.story(room)
    assert story[:3] == ["room_started", "AGENT participant_joined", "SIP participant_joined"]
    # Of the two whom DeleteRoom throws out, now one is told first and now the other.
    assert set(story[3:5]) == {"AGENT participant_left", "SIP participant_left"}
    assert story[5:] == ["room_finished"]
    assert real_place.webhooks.refused == []


@pytest.mark.parametrize(
    ("key", "disposition", "is_never_again", "is_called_back"),
    [
        pytest.param("9", "opted out", True, False, id="9 is never again"),
        pytest.param("2", "call back", False, True, id="2 is tomorrow"),
    ],
)
async def test_a_key_on_the_phone_is_reported_so_that_the_dialer_understands_it(
    real_place: Place, room: str, key: str, disposition: str, is_never_again: bool, is_called_back: bool
) -> None:
    async with example_agent(real_place):
        await real_place.send_agent(AGENT_NAME, room=room, metadata=METADATA)
        await real_place.agent_in(room)
        async with callee(real_place, room, has_voice=False) as phone:
            phone.order("active")
            await phone.reports("sound")
            phone.order(f"key {key}")
            await phone.reports("disconnected")
        left = await real_place.webhooks.wait("participant_left", room=room, kind="AGENT")

    understood = parse_report(report_in(left), now=datetime.now(UTC))
    assert (understood.disposition, understood.do_not_call) == (disposition, is_never_again)
    assert (understood.callback_at is not None) == is_called_back
    assert understood.problems == ()


async def test_an_agent_whose_callee_never_picks_up_stays_silent_until_the_room_is_deleted(
    real_place: Place, room: str
) -> None:
    async with example_agent(real_place):
        await real_place.send_agent(AGENT_NAME, room=room, metadata=METADATA)
        await real_place.agent_in(room)
        async with callee(real_place, room, has_voice=True) as phone:
            await phone.reports("silence")
            phone.order("leave")
            await phone.reports("disconnected")
        await real_place.post("RoomService/DeleteRoom", {"room": room})
        left = await real_place.webhooks.wait("participant_left", room=room, kind="AGENT")

    assert "sound" not in phone.events
    assert report_in(left) == {}


async def test_a_room_without_our_agent_name_gets_no_agent(real_place: Place, room: str) -> None:
    async with example_agent(real_place) as agent:
        await real_place.send_agent("somebody-else", room=f"{room}-other", metadata=METADATA)
        await real_place.send_agent(AGENT_NAME, room=room, metadata=METADATA)
        await asyncio.gather(real_place.agent_in(room), agent.says(lambda line: "called for attempt" in line))

        assert await real_place.participants(f"{room}-other") == []


async def test_an_agent_that_is_killed_is_missed_after_a_connection_timeout_and_its_callee_is_still_there(
    real_place: Place, room: str
) -> None:
    async with example_agent(real_place) as agent:
        await real_place.send_agent(AGENT_NAME, room=room, metadata=METADATA)
        await real_place.agent_in(room)
        async with callee(real_place, room, has_voice=True) as phone:
            phone.order("active")
            await phone.reports("sound")
            agent.kill()
            left = await real_place.webhooks.wait("participant_left", room=room, kind="AGENT")
            alone = await real_place.participants(room)

    assert left.participant.disconnect_reason == DisconnectReason.CONNECTION_TIMEOUT
    assert report_in(left) == {}
    assert [participant.identity for participant in alone] == [IDENTITY]
