"""What LiveKit tells by webhook: the same story, signed the same way, by the real server and by the simulator."""

import json

import pytest
from livekit import api
from livekit.protocol.models import DisconnectReason
from livekit.protocol.webhook import WebhookEvent

from tests.livekit import stage
from tests.livekit.place import Place

pytestmark = pytest.mark.livekit


def reason_of(webhook: WebhookEvent) -> str:
    """Why the participant that this is about has left."""
    return DisconnectReason.Name(webhook.participant.disconnect_reason)


async def test_a_call_that_the_agent_ends_brings_its_report_with_the_agent_and_the_room_last(
    place: Place, room: str
) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room)
        await place.agent_in(room)
        await stage.call_somebody_who_answers(place, room)
        await place.webhooks.wait("room_finished", room=room)

    told = place.webhooks
    story = told.story(room)
    assert story[:3] == ["room_started", "AGENT participant_joined", "SIP participant_joined"]
    # Of the two whom DeleteRoom throws out, now one is told of first and now the other.
    assert set(story[3:5]) == {"AGENT participant_left", "SIP participant_left"}
    assert story[5:] == ["room_finished"]

    agent = await told.wait("participant_left", room=room, kind="AGENT")
    callee = await told.wait("participant_left", room=room, kind="SIP")
    assert agent.participant.identity.startswith("agent-AJ_")
    assert agent.participant.attributes["lk.agent.name"] == agent_name
    assert agent.participant.attributes["dialer.disposition"] == "spoke"
    assert agent.participant.attributes["dialer.amd"] == "human"
    assert callee.participant.attributes["sip.callStatus"] == "active"
    assert (reason_of(agent), reason_of(callee)) == ("ROOM_DELETED", "ROOM_DELETED")


async def test_after_a_call_that_nobody_takes_the_agent_stays_until_the_room_closes_by_itself(
    place: Place, room: str
) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room)
        await place.agent_in(room)
        await stage.call_somebody_who_does_not(place, room)
        await place.webhooks.wait("room_finished", room=room)

    agent = await place.webhooks.wait("participant_left", room=room, kind="AGENT")
    assert reason_of(agent) == "ROOM_CLOSED"
    assert not [key for key in agent.participant.attributes if key.startswith("dialer.")]
    assert place.webhooks.story(room) == [
        "room_started",
        "AGENT participant_joined",
        "SIP participant_joined",
        "SIP participant_left",
        "AGENT participant_left",
        "room_finished",
    ]


async def test_every_webhook_is_signed_numbered_and_dated(place: Place, room: str) -> None:
    made = await place.api.room.create_room(api.CreateRoomRequest(name=room))
    await place.api.room.delete_room(api.DeleteRoomRequest(room=room))
    finished = await place.webhooks.wait("room_finished", room=room)

    assert place.webhooks.refused == []
    assert place.webhooks.content_types == {"application/webhook+json"}
    assert [event.room.sid for event in place.webhooks.of(room)] == [made.sid, made.sid]
    assert len({event.id for event in place.webhooks.of(room)}) == 2
    assert finished.id.startswith("EV_")
    assert abs(finished.created_at - made.creation_time) < 30


async def test_a_room_that_nobody_enters_closes_by_itself(place: Place, room: str) -> None:
    await place.api.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=1))
    await place.webhooks.wait("room_finished", room=room)

    assert place.webhooks.story(room) == ["room_started", "room_finished"]


async def test_what_is_written_into_the_metadata_of_a_room_is_told_at_its_end(place: Place, room: str) -> None:
    await stage.report_in_metadata(place, room, disposition="booked")
    await place.api.room.delete_room(api.DeleteRoomRequest(room=room))
    finished = await place.webhooks.wait("room_finished", room=room)

    assert json.loads(finished.room.metadata) == {"dialer.disposition": "booked"}
