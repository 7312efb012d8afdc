"""A room deleted right after the dial: the phone may ring all the same (finding 21 of the recordings)."""

import asyncio
import time

import pytest
from livekit import api
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import CreateRoomRequest, DeleteRoomRequest
from livekit.protocol.sip import SIPParticipantInfo

from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab, Sink, StartLab

pytestmark = pytest.mark.wire

RINGS_FOREVER = "+12125550000"
ANSWERS_AT_ONCE = "+12125550200"
JOIN_DELAY_SECONDS = 0.3
SPEED = 40

NO_ROOM = (404, "twirp error unknown: requested room does not exist")
RING_TIMEOUT = (408, "twirp error unknown: sip request timed out")
JOIN_KILLED = (500, "twirp error unknown: update room failed: could not connect after timeout")


@pytest.fixture
async def lab(start_lab: StartLab, sink: Sink) -> Lab:
    """A simulator whose SIP node takes its time."""
    return await start_lab(speed=SPEED, join_delay_seconds=JOIN_DELAY_SECONDS, webhook_urls=(sink.url,))


async def delete(lab: Lab) -> tuple[int, str]:
    """DeleteRoom, and what it is answered."""
    try:
        await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    except api.TwirpError as failure:
        return failure.status, failure.message
    return 200, ""


async def told(dial: "asyncio.Task[SIPParticipantInfo | api.TwirpError]") -> tuple[int, str]:
    answer = await dial
    assert isinstance(answer, api.TwirpError)
    return answer.status, answer.message


async def dial_is_under_way(lab: Lab, *, ring: float = 30) -> "asyncio.Task[SIPParticipantInfo | api.TwirpError]":
    """Dial; the request has reached the simulator, which answers one after the other."""
    dial = asyncio.create_task(lab.dial(RINGS_FOREVER, ring=ring))
    await asyncio.sleep(0)
    await lab.page("record")
    return dial


async def test_a_room_deleted_before_the_node_is_in_it_is_not_there_and_the_phone_rings_on(lab: Lab) -> None:
    dial = await dial_is_under_way(lab, ring=8)
    assert await delete(lab) == NO_ROOM
    await lab.reaches("ringing")
    assert await told(dial) == RING_TIMEOUT
    assert len((await lab.record())["invites"]) == 1


async def test_a_room_of_ours_deleted_before_the_node_is_in_it_comes_up_again(lab: Lab, sink: Sink) -> None:
    await lab.livekit.room.create_room(CreateRoomRequest(name="room", metadata="ours"))
    dial = await dial_is_under_way(lab, ring=8)
    assert await delete(lab) == (200, "")
    await lab.reaches("ringing")
    assert await told(dial) == RING_TIMEOUT
    await sink.has(lambda sink: len(sink.told()) >= 5)
    assert [(event.event, event.room.metadata) for event in sink.told()][:5] == [
        ("room_started", "ours"),
        ("room_finished", "ours"),
        ("room_started", ""),
        ("participant_joined", ""),
        ("participant_left", ""),
    ]


async def test_a_little_later_it_kills_the_join_and_no_phone_rings(lab: Lab, sink: Sink) -> None:
    dial = await dial_is_under_way(lab)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while await delete(lab) == NO_ROOM:
            await asyncio.sleep(POLL_SECONDS)
    killed_at = time.monotonic()
    assert await told(dial) == JOIN_KILLED
    assert time.monotonic() - killed_at >= 4.9 / SPEED
    assert (await lab.record())["invites"] == []
    await sink.has(lambda sink: len(sink.told()) >= 3)
    started, aborted, finished = sink.told()
    assert (started.event, finished.event) == ("room_started", "room_finished")
    assert aborted.event == "participant_connection_aborted"
    assert aborted.participant.disconnect_reason == DisconnectReason.ROOM_DELETED
    assert (await lab.page("rooms"))["rooms"] == []


async def test_a_dial_that_does_not_wait_for_the_answer_waits_for_the_join(lab: Lab) -> None:
    started_at = time.monotonic()
    answer = await lab.dial(ANSWERS_AT_ONCE, wait_until_answered=False)
    assert isinstance(answer, SIPParticipantInfo)
    assert time.monotonic() - started_at >= 2 * JOIN_DELAY_SECONDS - 0.01
    assert await lab.status() == "active"


async def test_without_a_delay_a_delete_always_finds_the_call(start_lab: StartLab) -> None:
    lab = await start_lab(speed=SPEED, join_delay_seconds=0)
    dial = await dial_is_under_way(lab)
    assert await delete(lab) == (200, "")
    assert await told(dial) == RING_TIMEOUT
