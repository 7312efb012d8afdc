"""How agents come and go: listed as JOINED, then heard, told of by webhook, their jobs listed, and who leaves first."""

import asyncio
from collections import Counter

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo, TrackType
from livekit.protocol.room import (
    DeleteRoomRequest,
    ListRoomsRequest,
    RoomParticipantIdentity,
    UpdateRoomMetadataRequest,
)

from simulator.agents import Agents
from simulator.clock import Clock
from simulator.left_alone import LeftAlone
from simulator.rooms import Participant, Room, Rooms, leaving_order
from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab, Sink, StartLab
from tests.simulator.test_agents import ANSWERS_AT_ONCE, ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S, comes, make_room

pytestmark = pytest.mark.wire

SLOW = 0.2  #: a busy machine misses neither the 40 ms in which an agent cannot hear nor the 0.2 s without a job


def participant(identity: str, kind: ParticipantInfo.Kind = ParticipantInfo.Kind.SIP) -> Participant:
    return Participant(identity=identity, name="", metadata="", attributes={}, removed=lambda _: None, kind=kind)


async def test_an_agent_is_listed_as_joined_before_it_can_hear_and_then_has_a_voice(start_lab: StartLab) -> None:
    lab = await start_lab(speed=SLOW)
    await make_room(lab, "sim-ready")
    joined = await comes(lab, ParticipantInfo.State.JOINED)
    active = await comes(lab)
    assert (len(joined.tracks), joined.is_publisher) == (0, False)
    assert [(track.name, track.type) for track in active.tracks] == [("roomio_audio", TrackType.AUDIO)]
    assert active.is_publisher


async def test_an_agent_is_not_announced_before_it_can_hear(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=SLOW, webhook_urls=(sink.url,))
    await make_room(lab, "sim-ready")
    await comes(lab, ParticipantInfo.State.JOINED)
    await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    await sink.has(lambda sink: any(event.event == "room_finished" for event in sink.told()))
    assert [event.event for event in sink.events] == ["room_started", "participant_connection_aborted", "room_finished"]


async def test_the_voice_of_an_agent_is_told_of_by_webhook(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    await make_room(lab, "sim-ready", empty_timeout=1)
    await sink.has(lambda sink: any(event.event == "room_finished" for event in sink.told()))
    joined, published, unpublished, gone = sink.events[1:-1]
    assert [joined.event, published.event] == ["participant_joined", "track_published"]
    assert [unpublished.event, gone.event] == ["track_unpublished", "participant_left"]
    assert published.track.sid == unpublished.track.sid
    assert (published.track.name, published.participant.identity) == ("roomio_audio", joined.participant.identity)
    assert (joined.participant.is_publisher, gone.participant.is_publisher) == (False, True)


async def test_agents_are_not_counted_among_the_participants_of_a_room_but_heard(lab: Lab) -> None:
    await make_room(lab, "sim-ready")
    await comes(lab)
    [alone] = (await lab.livekit.room.list_rooms(ListRoomsRequest())).rooms
    await lab.dial(ANSWERS_AT_ONCE)
    [talking] = (await lab.livekit.room.list_rooms(ListRoomsRequest())).rooms
    assert (alone.num_participants, alone.num_publishers) == (0, 1)
    assert (talking.num_participants, talking.num_publishers) == (1, 2)


async def test_no_job_is_listed_until_a_worker_has_taken_it(start_lab: StartLab) -> None:
    lab = await start_lab(speed=SLOW)
    await make_room(lab, "sim-slow-8", metadata="m0")
    [early] = await lab.livekit.agent_dispatch.list_dispatch("room")
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not (later := (await lab.livekit.agent_dispatch.list_dispatch("room"))[0]).state.jobs:
            await asyncio.sleep(POLL_SECONDS)
    [job] = later.state.jobs
    assert list(early.state.jobs) == []
    assert (job.room.name, job.room.metadata, job.dispatch_id) == ("room", "m0", later.id)
    assert job.state.worker_id.startswith("AW_")
    assert job.state.started_at > later.state.created_at


async def test_a_job_has_no_field_in_json_that_the_recorded_server_does_not_know(lab: Lab) -> None:
    await make_room(lab, "sim-ready")
    await comes(lab)
    token = api.AccessToken("test-key", lab.secret).with_grants(api.VideoGrants(room_admin=True, room="room"))
    async with lab.session.post(
        f"{lab.url}/twirp/livekit.AgentDispatchService/ListDispatch",
        json={"room": "room"},
        headers={"Authorization": f"Bearer {token.to_jwt()}"},
    ) as answer:
        [dispatch] = (await answer.json())["agent_dispatches"]
    [job] = dispatch["state"]["jobs"]
    assert job["state"]["worker_id"].startswith("AW_")
    assert "reason" not in job["state"]


async def test_a_job_keeps_the_room_as_it_was_when_the_agent_was_sent_for(lab: Lab) -> None:
    await make_room(lab, "sim-ready", metadata="m0")
    await comes(lab)
    await lab.livekit.room.update_room_metadata(UpdateRoomMetadataRequest(room="room", metadata="m1"))
    [dispatch] = await lab.livekit.agent_dispatch.list_dispatch("room")
    assert [job.room.metadata for job in dispatch.state.jobs] == ["m0"]


async def test_an_agent_that_was_thrown_out_hears_nobody_and_ends_no_call(lab: Lab) -> None:
    await make_room(lab, "sim-reports-booked")
    agent = await comes(lab)
    await lab.livekit.room.remove_participant(RoomParticipantIdentity(room="room", identity=agent.identity))
    await lab.dial(ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S)
    await lab.reaches(None)  # the room is there still: the callee has hung up, nobody has deleted it
    assert [room["name"] for room in (await lab.page("rooms"))["rooms"]] == ["room"]


async def test_an_agent_that_is_sent_away_while_it_waits_does_nothing_any_more(lab: Lab) -> None:
    await make_room(lab, "sim-reports-booked")
    await comes(lab)
    [dispatch] = await lab.livekit.agent_dispatch.list_dispatch("room")
    await lab.livekit.agent_dispatch.delete_dispatch(dispatch.id, "room")
    await lab.dial(ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S)
    await lab.reaches(None)
    assert [room["name"] for room in (await lab.page("rooms"))["rooms"]] == ["room"]


async def test_a_callee_hears_nobody_while_the_agent_is_only_joined() -> None:
    clock = Clock(offset_seconds=0, speed=1)
    rooms = Rooms(clock)
    agents = Agents(rooms=rooms, clock=clock)
    left_alone = LeftAlone(agents)
    rooms.watch(left_alone)
    room = rooms.open_named("room")
    agents.dispatch(room, agent_name="nobody-serves-this", metadata="")
    callee, agent = participant("callee"), participant("agent", kind=ParticipantInfo.Kind.AGENT)
    rooms.join(room, callee)
    rooms.enter(room, agent)
    callee.set_attributes({"sip.callStatus": "active"})
    rooms.answered(room, callee)
    assert left_alone.callees.now(0) == 1
    rooms.activate(room, agent)
    assert left_alone.callees.now(0) == 0


@pytest.mark.parametrize(
    ("room", "order"),
    [
        pytest.param("room", ["agent", "callee"], id="in most rooms as they came"),
        pytest.param("room 2", ["callee", "agent"], id="in one of eight the other way round"),
    ],
)
async def test_in_which_order_a_room_that_is_deleted_is_left_is_chance_of_its_name(
    start_lab: StartLab, sink: Sink, room: str, order: list[str]
) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    await make_room(lab, "sim-ready", name=room)
    await sink.has(lambda sink: any(event.event == "participant_joined" for event in sink.told(room)))
    await lab.dial(ANSWERS_AT_ONCE, room=room)
    await lab.livekit.room.delete_room(DeleteRoomRequest(room=room))
    await sink.has(lambda sink: any(event.event == "room_finished" for event in sink.told(room)))
    gone = [event.participant.identity for event in sink.told(room) if event.event == "participant_left"]
    assert [identity.partition("-")[0] for identity in gone] == order


def test_of_many_rooms_an_eighth_is_left_the_other_way_round() -> None:
    def leaves_first(name: str) -> str:
        room = Room(name=name, created_at=0)
        for identity in ("agent", "callee"):
            room.participants[identity] = participant(identity)
        return leaving_order(room)[0].identity

    first = Counter(leaves_first(f"dialer-{number}") for number in range(4_000))
    assert first["callee"] == pytest.approx(500, abs=100)
