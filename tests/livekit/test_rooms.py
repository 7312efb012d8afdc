"""Rooms: the same answers from the real server and from the simulator."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.livekit.place import Place

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
NO_ROOM = (404, {"code": "not_found", "msg": "twirp error unknown: requested room does not exist"})
MOST_METADATA_BYTES = 512 * 1024
TOO_MUCH_METADATA = (
    400,
    {
        "code": "invalid_argument",
        "msg": "metadata size exceeds limits 524288",
        "meta": {"argument": "metadata size exceeds limits"},
    },
)


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

    assert await place.post("RoomService/DeleteRoom", {"room": room}) == (200, {})
    assert await place.post("RoomService/DeleteRoom", {"room": room}) == NO_ROOM
    assert await place.post("RoomService/ListRooms", {"names": [room]}) == (200, {"rooms": []})


async def test_a_room_that_does_not_exist_has_nobody_in_it(place: Place, room: str) -> None:
    not_there = (404, {"code": "not_found", "msg": "twirp error unknown: participant does not exist"})

    assert await place.post("RoomService/ListParticipants", {"room": room}) == (200, {"participants": []})
    assert await place.post("RoomService/RemoveParticipant", {"room": room, "identity": "x"}) == not_there


async def test_the_metadata_of_a_room_can_be_changed(place: Place, room: str) -> None:
    await place.post("RoomService/CreateRoom", wanted(room))
    changed = ROOM | {"name": room, "metadata": "after"}

    status, answer = await place.post("RoomService/UpdateRoomMetadata", {"room": room, "metadata": "after"})
    assert (status, without_chance(answer)) == (200, changed)
    status, answer = await place.post("RoomService/ListRooms", {"names": [room]})
    assert (status, without_chance(answer)) == (200, {"rooms": [changed]})
    assert await place.post("RoomService/UpdateRoomMetadata", {"room": f"{room}-other", "metadata": "x"}) == NO_ROOM


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        pytest.param("CreateRoom", lambda room, text: {"name": room, "metadata": text}, id="of a room"),
        pytest.param(
            "CreateRoom",
            lambda room, text: {"name": room, "agents": [{"agent_name": "nobody", "metadata": text}]},
            id="of an agent",
        ),
        pytest.param("UpdateRoomMetadata", lambda room, text: {"room": room, "metadata": text}, id="later"),
    ],
)
async def test_metadata_of_more_than_512_kib_is_refused(
    place: Place, room: str, method: str, request_of: Callable[[str, str], dict[str, Any]]
) -> None:
    if method == "UpdateRoomMetadata":
        await place.post("RoomService/CreateRoom", {"name": room})
    largest, too_large = "ü" * (MOST_METADATA_BYTES // 2), "ü" * (MOST_METADATA_BYTES // 2) + "x"

    assert await place.post(f"RoomService/{method}", request_of(room, too_large)) == TOO_MUCH_METADATA
    assert (await place.post(f"RoomService/{method}", request_of(room, largest)))[0] == 200


async def test_a_room_s_name_has_at_most_256_characters(place: Place, room: str) -> None:
    name = room.ljust(256, "x")
    refused = "twirp error unknown: room name length exceeds limits: max length 256"

    assert (await place.post("RoomService/CreateRoom", {"name": name}))[0] == 200
    assert await place.post("RoomService/CreateRoom", {"name": f"{name}x"}) == (
        400,
        {"code": "invalid_argument", "msg": refused},
    )
