"""Rooms and agents called into them: the same answers from the real server and from the simulator."""

import asyncio
import re
from typing import Any

import pytest

from tests.livekit import stage
from tests.livekit.place import GIVE_UP_SECONDS, POLL_SECONDS, Place

pytestmark = pytest.mark.livekit

ROOM = {
    "sid": "RM_...",
    "empty_timeout": 60,
    "departure_timeout": 5,
    "max_participants": 0,
    "creation_time": "<digits>",
    "creation_time_ms": "<digits>",
    "turn_password": "<secret>",
    "enabled_codecs": "<list>",
    "metadata": '{"a": "b"}',
    "num_participants": 0,
    "num_publishers": 0,
    "active_recording": False,
    "version": None,
}
DISPATCH = {
    "id": "AD_...",
    "agent_name": "nobody-serves-this",
    "metadata": '{"name": "Ada"}',
    "state": {"jobs": [], "created_at": "<digits>", "deleted_at": "0"},
    "restart_policy": "JRP_ON_FAILURE",
    "deployment": "",
    "attributes": {},
}
JOB = {"type": "JT_ROOM", "namespace": "", "metadata": '{"name": "Ada"}', "agent_name": ""}


def wanted(room: str) -> dict[str, Any]:
    """A CreateRoom as the dialer sends it, for an agent that nobody serves."""
    agents = [{"agent_name": "nobody-serves-this", "metadata": '{"name": "Ada"}'}]
    return {
        "name": room,
        "empty_timeout": 60,
        "departure_timeout": 5,
        "metadata": '{"a": "b"}',
        "agents": agents,
    }


def without_chance(answer: Any) -> Any:
    """The answer with ids, times and secrets made the same for every run."""
    if isinstance(answer, list):
        return [without_chance(item) for item in answer]
    if isinstance(answer, dict):
        return {key: _without_chance(key, value) for key, value in answer.items()}
    return answer


def _without_chance(key: str, value: Any) -> Any:
    if key == "turn_password" and value:
        return "<secret>"
    if key == "enabled_codecs":
        return "<list>"
    if key in ("creation_time", "creation_time_ms", "created_at") and re.fullmatch(r"[1-9]\d{9,}", str(value)):
        return "<digits>"
    if key in ("sid", "id") and re.fullmatch(r"[A-Z]{2}_\w{12}", str(value)):
        return value[:3] + "..."
    return without_chance(value)


async def test_a_room_that_is_made_is_described_in_full(place: Place, room: str) -> None:
    status, answer = await place.post("RoomService/CreateRoom", wanted(room))

    assert (status, without_chance(answer)) == (200, ROOM | {"name": room})


async def test_a_room_that_is_made_again_is_the_same_room_with_the_same_agent(place: Place, room: str) -> None:
    _, first = await place.post("RoomService/CreateRoom", wanted(room))
    _, second = await place.post("RoomService/CreateRoom", wanted(room))
    _, dispatches = await place.post("AgentDispatchService/ListDispatch", {"room": room})

    assert second["sid"] == first["sid"]
    assert len(dispatches["agent_dispatches"]) == 1


async def test_rooms_are_listed_by_name_and_only_those_that_exist(place: Place, room: str) -> None:
    await place.post("RoomService/CreateRoom", wanted(room))
    status, answer = await place.post("RoomService/ListRooms", {"names": [room, "nowhere"]})

    assert (status, without_chance(answer)) == (200, {"rooms": [ROOM | {"name": room}]})


async def test_a_room_is_deleted_once(place: Place, room: str) -> None:
    await place.post("RoomService/CreateRoom", wanted(room))
    not_there = (404, {"code": "not_found", "msg": "twirp error unknown: requested room does not exist"})

    assert await place.post("RoomService/DeleteRoom", {"room": room}) == (200, {})
    assert await place.post("RoomService/DeleteRoom", {"room": room}) == not_there
    assert await place.post("RoomService/ListRooms", {"names": [room]}) == (200, {"rooms": []})


async def test_a_room_that_does_not_exist_has_nobody_in_it(place: Place, room: str) -> None:
    not_there = (404, {"code": "not_found", "msg": "twirp error unknown: participant does not exist"})

    assert await place.post("RoomService/ListParticipants", {"room": room}) == (200, {"participants": []})
    assert await place.post("RoomService/RemoveParticipant", {"room": room, "identity": "x"}) == not_there


async def test_an_agent_that_nobody_serves_is_dispatched_without_a_word_and_never_comes(
    place: Place, room: str
) -> None:
    await place.post("RoomService/CreateRoom", wanted(room))
    status, answer = await place.post("AgentDispatchService/ListDispatch", {"room": room})

    assert (status, without_chance(answer)) == (200, {"agent_dispatches": [DISPATCH | {"room": room}]})
    assert await place.participants(room) == []


async def test_the_job_of_an_agent_in_its_room_is_listed_as_running(place: Place, room: str) -> None:
    async with stage.agent(place) as agent_name:
        await place.send_agent(agent_name, room=room, metadata='{"name": "Ada"}')
        agent = await place.agent_in(room)
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not (jobs := (await dispatched(place, room))["state"]["jobs"]):
                await asyncio.sleep(POLL_SECONDS)

    assert len(jobs) == 1
    assert {key: jobs[0][key] for key in JOB} == JOB | {"agent_name": agent_name}
    assert jobs[0]["state"]["status"] == "JS_RUNNING"
    assert jobs[0]["state"]["error"] == ""
    assert jobs[0]["state"]["participant_identity"] == agent.identity == f"agent-{jobs[0]['id']}"


async def dispatched(place: Place, room: str) -> Any:
    """The one agent that is called into this room."""
    _, answer = await place.post("AgentDispatchService/ListDispatch", {"room": room})
    return answer["agent_dispatches"][0]
