"""Agents called into rooms: the same answers from the real server and from the simulator."""

import asyncio
from typing import Any

import pytest
from livekit.protocol.models import DisconnectReason, ParticipantInfo, TrackType

from tests.livekit import stage
from tests.livekit.place import GIVE_UP_SECONDS, POLL_SECONDS, Place, our_line
from tests.livekit.test_rooms import wanted, without_chance

pytestmark = pytest.mark.livekit

DISPATCH = {
    "id": "AD_...",
    "agent_name": "nobody-serves-this",
    "metadata": '{"name": "Ada"}',
    "state": {"jobs": [], "created_at": "<digits>", "deleted_at": "0"},
    "restart_policy": "JRP_ON_FAILURE",
    "deployment": "",
    "attributes": {},
}
JOB_FIELDS = {
    *("id", "dispatch_id", "type", "room", "namespace", "metadata", "agent_name", "state", "deployment", "attributes"),
    *("enable_recording", "enable_redaction"),
}
JOB_STATE_FIELDS = {
    *("status", "error", "started_at", "ended_at", "updated_at", "participant_identity", "worker_id", "agent_id"),
}
JOB = {"type": "JT_ROOM", "namespace": "", "metadata": '{"name": "Ada"}', "agent_name": ""}


async def test_an_agent_that_nobody_serves_is_dispatched_without_a_word_and_never_comes(
    place: Place, room: str
) -> None:
    await place.post("RoomService/CreateRoom", wanted(room))
    async with stage.agent(place) as somebody:
        await place.send_agent(somebody, room=f"{room}-later")
        await place.agent_in(f"{room}-later")
        status, answer = await place.post("AgentDispatchService/ListDispatch", {"room": room})
        inside = await place.participants(room)

    assert (status, without_chance(answer)) == (200, {"agent_dispatches": [DISPATCH | {"room": room}]})
    assert inside == []


async def test_our_line_counts_an_agent_from_when_it_can_hear_and_not_while_it_is_only_joined(
    place: Place, room: str
) -> None:
    seen: list[tuple[str, int]] = []
    async with our_line(place) as line, stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room)
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not seen or seen[-1][0] != "ACTIVE":
                before = await place.participants(room)
                counted = (await line.look({room: ""}))[room].agents
                after = await place.participants(room)
                if before and after and before[0].state == after[0].state:
                    seen.append((ParticipantInfo.State.Name(before[0].state), counted))

    assert set(seen) <= {("JOINED", 0), ("ACTIVE", 1)}
    assert ("ACTIVE", 1) in seen


async def test_an_agent_publishes_a_voice_and_is_no_participant_that_counts(place: Place, room: str) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room)
        published = await place.webhooks.wait("track_published", room=room)
        agent = await place.agent_in(room)
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not (listed := await listed_room(place, room))["num_publishers"]:
                await asyncio.sleep(POLL_SECONDS)

    assert [(track.sid, track.type, track.muted) for track in agent.tracks] == [
        (published.track.sid, TrackType.AUDIO, False)
    ]
    assert (published.participant.identity, agent.is_publisher) == (agent.identity, True)
    assert (listed["num_participants"], listed["num_publishers"]) == (0, 1)


async def test_the_job_of_an_agent_in_its_room_is_listed_as_running(place: Place, room: str) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room, metadata='{"name": "Ada"}')
        agent = await place.agent_in(room)
        jobs = await jobs_in(place, room)

    assert len(jobs) == 1
    assert (set(jobs[0]), set(jobs[0]["state"])) == (JOB_FIELDS, JOB_STATE_FIELDS)
    assert {key: jobs[0][key] for key in JOB} == JOB | {"agent_name": agent_name}
    assert jobs[0]["state"]["status"] == "JS_RUNNING"
    assert jobs[0]["state"]["error"] == ""
    assert jobs[0]["state"]["worker_id"].startswith("AW_")
    assert jobs[0]["room"]["name"] == room
    assert jobs[0]["state"]["participant_identity"] == agent.identity == f"agent-{jobs[0]['id']}"


async def test_an_agent_whose_dispatch_is_deleted_is_thrown_out(place: Place, room: str) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room)
        await place.agent_in(room)
        await jobs_in(place, room)
        dispatch = {"room": room, "dispatch_id": (await dispatched(place, room))["id"]}
        deleted = await place.post("AgentDispatchService/DeleteDispatch", dispatch)
        again = await place.post("AgentDispatchService/DeleteDispatch", dispatch)
        left = await place.webhooks.wait("participant_left", room=room, kind="AGENT")

    assert (deleted[0], deleted[1]["id"]) == (200, dispatch["dispatch_id"])
    assert again == (404, {"code": "not_found", "msg": "twirp error unknown: dispatch ID not found"})
    assert left.participant.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED


async def jobs_in(place: Place, room: str) -> Any:
    """The jobs of the room's agent, once there are any; the real server takes up to 5 s to list them."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not (jobs := (await dispatched(place, room))["state"]["jobs"]):
            await asyncio.sleep(POLL_SECONDS)
    return jobs


async def dispatched(place: Place, room: str) -> Any:
    """The one agent that is called into this room."""
    _, answer = await place.post("AgentDispatchService/ListDispatch", {"room": room})
    return answer["agent_dispatches"][0]


async def listed_room(place: Place, room: str) -> Any:
    """The room as ListRooms shows it; the real server counts anew every 5 s."""
    _, answer = await place.post("RoomService/ListRooms", {"names": [room]})
    return answer["rooms"][0]
