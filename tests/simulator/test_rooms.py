"""Rooms: how they come, whom they hold and when they close."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import CreateRoomRequest, ListRoomsRequest, UpdateRoomMetadataRequest

from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab

pytestmark = pytest.mark.wire

RINGS_FOREVER = "+12125550000"
ANSWERS_AT_ONCE = "+12125550200"
BUSY = "+12125550486"


async def rooms(lab: Lab) -> list[str]:
    """The names of all rooms."""
    answer = await lab.livekit.room.list_rooms(ListRoomsRequest())
    return [room.name for room in answer.rooms]


async def closes(lab: Lab) -> None:
    """Wait until there is no room any more."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while await rooms(lab):
            await asyncio.sleep(POLL_SECONDS)


async def make_room(lab: Lab, **fields: Any) -> None:
    await lab.livekit.room.create_room(CreateRoomRequest(name="room", **fields))


async def test_a_dial_makes_its_room_with_the_usual_timeouts(lab: Lab) -> None:
    await lab.dial(ANSWERS_AT_ONCE)
    [room] = (await lab.livekit.room.list_rooms(ListRoomsRequest(names=["room", "other"]))).rooms
    assert (room.name, room.empty_timeout, room.departure_timeout, room.num_participants) == (
        "room",
        300,
        20,
        1,
    )


async def test_a_room_closes_some_time_after_the_last_one_left(lab: Lab) -> None:
    await make_room(lab, departure_timeout=20)
    await lab.dial(BUSY)
    assert await rooms(lab) == ["room"]
    await closes(lab)


async def test_a_new_call_keeps_the_room_open(lab: Lab) -> None:
    await make_room(lab, departure_timeout=4)
    await lab.dial(BUSY)
    await lab.dial(ANSWERS_AT_ONCE)
    await lab.dial(RINGS_FOREVER, ring=8, participant_identity="other")
    assert await rooms(lab) == ["room"]


async def test_a_room_that_nobody_enters_closes_after_the_empty_timeout_at_any_speed(lab: Lab) -> None:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        await make_room(lab, empty_timeout=1)
        await closes(lab)
        assert loop.time() - started_at >= 1


async def test_making_a_room_again_changes_nothing(lab: Lab) -> None:
    first = await lab.livekit.room.create_room(CreateRoomRequest(name="room", metadata="first"))
    again = await lab.livekit.room.create_room(CreateRoomRequest(name="room", metadata="again"))
    assert (again.sid, again.metadata) == (first.sid, "first")


async def test_the_metadata_of_a_room_can_be_changed(lab: Lab) -> None:
    await make_room(lab, metadata="before")
    request = UpdateRoomMetadataRequest(room="room", metadata="after")
    changed = await lab.livekit.room.update_room_metadata(request)
    [listed] = (await lab.livekit.room.list_rooms(ListRoomsRequest())).rooms
    assert (changed.metadata, listed.metadata) == ("after", "after")
    with pytest.raises(api.TwirpError, match="requested room does not exist"):
        await lab.livekit.room.update_room_metadata(UpdateRoomMetadataRequest(room="nowhere"))


async def refusal(asked: Awaitable[object]) -> tuple[int, str, str]:
    """The status, the code and the text of a request that is refused."""
    with pytest.raises(api.TwirpError) as refused:
        await asked
    return refused.value.status, refused.value.code, refused.value.message


async def test_metadata_is_counted_in_bytes_and_refused_over_512_kib(lab: Lab) -> None:
    largest, too_large = "ü" * (256 * 1024), "ü" * (256 * 1024) + "x"
    too_much = (400, "invalid_argument", "metadata size exceeds limits 524288")
    rooms = lab.livekit.room

    def with_agent(metadata: str) -> CreateRoomRequest:
        return CreateRoomRequest(name="room", agents=[RoomAgentDispatch(agent_name="a", metadata=metadata)])

    assert await refusal(rooms.create_room(CreateRoomRequest(name="room", metadata=too_large))) == too_much
    assert await refusal(rooms.create_room(with_agent(too_large))) == too_much
    await make_room(lab, metadata=largest)
    update = UpdateRoomMetadataRequest(room="room", metadata=too_large)
    assert await refusal(rooms.update_room_metadata(update)) == too_much
    assert (await rooms.create_room(with_agent(largest))).metadata == largest


async def test_a_request_of_more_than_a_mebibyte_is_read(lab: Lab) -> None:
    grants = api.VideoGrants(room_create=True)
    token = api.AccessToken("test-key", lab.secret).with_grants(grants).to_jwt()
    async with lab.session.post(
        f"{lab.url}/twirp/livekit.RoomService/CreateRoom",
        json={"name": "room", "metadata": "ü" * (256 * 1024)},  # six bytes each in JSON
        headers={"Authorization": f"Bearer {token}"},
    ) as answer:
        assert answer.status == 200


async def test_a_room_s_name_has_at_most_256_characters(lab: Lab) -> None:
    await lab.livekit.room.create_room(CreateRoomRequest(name="x" * 256))
    assert await refusal(lab.livekit.room.create_room(CreateRoomRequest(name="x" * 257))) == (
        400,
        "invalid_argument",
        "twirp error unknown: room name length exceeds limits: max length 256",
    )


async def test_a_token_for_one_room_opens_no_other(lab: Lab) -> None:
    grants = api.VideoGrants(room_admin=True, room="another")
    token = api.AccessToken("test-key", lab.secret).with_grants(grants).to_jwt()
    async with lab.session.post(
        f"{lab.url}/twirp/livekit.RoomService/ListParticipants",
        json={"room": "room"},
        headers={"Authorization": f"Bearer {token}"},
    ) as answer:
        assert answer.status == 401
        assert await answer.json() == {"code": "unauthenticated", "msg": "permissions denied"}
