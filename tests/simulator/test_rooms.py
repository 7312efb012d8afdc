"""Rooms: how they come, whom they hold and when they close."""

import asyncio
from typing import Any

import pytest
from livekit import api
from livekit.protocol.room import CreateRoomRequest, ListRoomsRequest

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
