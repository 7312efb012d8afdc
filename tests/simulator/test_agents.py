"""Agents in their rooms: when they come, what they report, and who is left behind."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from livekit import api
from livekit.protocol.agent_dispatch import CreateAgentDispatchRequest, RoomAgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
)

from simulator.consumers import draw_fate
from simulator.settings import Wishes
from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab, Sink, StartLab

pytestmark = pytest.mark.wire

ANSWERS_AT_ONCE = "+12125550200"
ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S = "+12125550205"
BUSY = "+12125550486"
SEED = 42


def number_of_somebody(amd: str) -> str:
    """A number where a person or a machine answers the first call."""
    for last in range(10_000):
        number = f"+1212777{last:04d}"
        fate = draw_fate(number, seed=SEED, attempt=1)
        if fate.says is not None and fate.says.amd == amd and (fate.talk_seconds or 0) > 7:
            return number
    raise AssertionError(f"no {amd} anywhere")


async def make_room(lab: Lab, *agents: str, **fields: Any) -> None:
    wanted = [RoomAgentDispatch(agent_name=name, metadata="{}") for name in agents]
    await lab.livekit.room.create_room(CreateRoomRequest(agents=wanted, **({"name": "room"} | fields)))


async def agents(lab: Lab) -> list[ParticipantInfo]:
    """The agents in the room."""
    return [one for one in await lab.participants() if one.kind == ParticipantInfo.Kind.AGENT]


async def comes(lab: Lab, state: ParticipantInfo.State = ParticipantInfo.State.ACTIVE) -> ParticipantInfo:
    """Wait for the agent."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while True:
            for inside in await agents(lab):
                if inside.state == state:
                    return inside
            await asyncio.sleep(POLL_SECONDS)


async def dialer_attributes(lab: Lab, sink: Sink, number: str, agent: str) -> dict[str, str]:
    """Call ``number`` with ``agent``, and what the agent reported in the end."""
    await make_room(lab, agent)
    await comes(lab)
    await lab.dial(number, ring=60)
    await sink.has(lambda sink: any(event.event == "room_finished" for event in sink.told()))
    [gone] = left(sink, "agent-")
    return {key: value for key, value in gone.participant.attributes.items() if key.startswith("dialer.")}


def left(sink: Sink, identity: str) -> list[Any]:
    """The farewells of whoever is called so."""
    gone = [event for event in sink.told() if event.event == "participant_left"]
    return [event for event in gone if event.participant.identity.startswith(identity)]


async def test_an_agent_is_a_participant_that_no_room_stays_open_for(lab: Lab) -> None:
    await make_room(lab, "sim-ready")
    agent = await comes(lab)
    assert agent.identity.startswith("agent-AJ_")
    assert dict(agent.attributes) == {"lk.agent.name": "sim-ready"}
    assert agent.permission.agent
    [dispatch] = await lab.livekit.agent_dispatch.list_dispatch("room")
    [job] = dispatch.state.jobs
    assert job.state.participant_identity == agent.identity == f"agent-{job.id}"


async def test_a_room_in_which_an_agent_waits_for_nobody_closes_after_the_empty_timeout(
    start_lab: StartLab, sink: Sink
) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    await make_room(lab, "sim-ready", empty_timeout=1)
    await sink.has(lambda sink: any(event.event == "room_finished" for event in sink.told()))
    [gone] = left(sink, "agent-")
    assert gone.participant.disconnect_reason == DisconnectReason.ROOM_CLOSED


async def test_making_a_room_again_sends_for_nobody(lab: Lab) -> None:
    await make_room(lab, "sim-ready")
    await make_room(lab, "sim-ready", "sim-crash")
    assert [one.agent_name for one in await lab.livekit.agent_dispatch.list_dispatch("room")] == ["sim-ready"]


async def test_an_agent_can_be_sent_for_later_and_sent_away(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    await lab.dial(ANSWERS_AT_ONCE)
    request = CreateAgentDispatchRequest(room="room", agent_name="sim-ready", metadata="m")
    dispatch = await lab.livekit.agent_dispatch.create_dispatch(request)
    await comes(lab)
    again = await lab.livekit.agent_dispatch.get_dispatch(dispatch.id, "room")
    assert again is not None
    assert (again.agent_name, again.metadata) == ("sim-ready", "m")
    await lab.livekit.agent_dispatch.delete_dispatch(dispatch.id, "room")
    await sink.has(lambda sink: bool(left(sink, "agent-")))
    [gone] = left(sink, "agent-")
    assert gone.participant.disconnect_reason == DisconnectReason.PARTICIPANT_REMOVED
    assert await agents(lab) == []
    with pytest.raises(api.TwirpError, match="dispatch ID not found"):
        await lab.livekit.agent_dispatch.delete_dispatch(dispatch.id, "room")


async def test_dispatches_of_a_room_that_is_not_there_cannot_be_asked_for(lab: Lab) -> None:
    with pytest.raises(api.TwirpError, match="no response from servers"):
        await lab.livekit.agent_dispatch.list_dispatch("room")


async def test_a_token_for_another_room_sends_for_nobody(lab: Lab) -> None:
    token = api.AccessToken("test-key", lab.secret).with_grants(api.VideoGrants(room_admin=True, room="another"))
    async with lab.session.post(
        f"{lab.url}/twirp/livekit.AgentDispatchService/CreateDispatch",
        json={"room": "room", "agent_name": "sim-ready"},
        headers={"Authorization": f"Bearer {token.to_jwt()}"},
    ) as answer:
        assert (answer.status, await answer.json()) == (
            401,
            {"code": "unauthenticated", "msg": "permissions denied"},
        )


async def test_an_agent_that_is_still_on_its_way_does_not_come_into_a_room_made_anew(lab: Lab) -> None:
    await make_room(lab, "sim-slow-2")
    await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    await make_room(lab, "sim-slow-4")
    agent = await comes(lab)
    assert agent.attributes["lk.agent.name"] == "sim-slow-4"


async def test_the_agent_reports_a_person_who_asks_never_to_be_called_again(start_lab: StartLab, sink: Sink) -> None:
    wishes = Wishes(callbacks=0, do_not_calls=1)
    lab = await start_lab(speed=200, seed=SEED, webhook_urls=(sink.url,), wishes=wishes)
    assert await dialer_attributes(lab, sink, number_of_somebody("human"), "sim-ready") == {
        "dialer.amd": "human",
        "dialer.disposition": "not_interested",
        "dialer.do_not_call": "true",
    }
    [callee] = left(sink, "callee")
    assert callee.participant.disconnect_reason == DisconnectReason.CLIENT_INITIATED


async def test_the_agent_reports_when_a_person_wants_to_be_called_back(start_lab: StartLab, sink: Sink) -> None:
    wishes = Wishes(callbacks=1, do_not_calls=0, callback_after_seconds=90)
    lab = await start_lab(speed=200, seed=SEED, webhook_urls=(sink.url,), wishes=wishes)
    before = datetime.now(UTC)
    report = await dialer_attributes(lab, sink, number_of_somebody("human"), "sim-slow-1")
    callback_at = datetime.fromisoformat(report["dialer.callback_at"])
    assert timedelta(seconds=89.9) < callback_at - before < timedelta(seconds=90 + GIVE_UP_SECONDS)


async def test_the_agent_leaves_a_message_on_a_machine_and_ends_the_call(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=200, seed=SEED, webhook_urls=(sink.url,))
    report = await dialer_attributes(lab, sink, number_of_somebody("machine-vm"), "sim-ready")
    assert report == {"dialer.amd": "machine-vm"}
    [callee] = left(sink, "callee")
    assert callee.participant.disconnect_reason == DisconnectReason.ROOM_DELETED
    assert callee.participant.attributes["sip.callStatus"] == "active"


@pytest.mark.parametrize(
    ("agent", "report"),
    [
        ("sim-ready", {"dialer.amd": "human"}),
        ("sim-reports-booked", {"dialer.amd": "human", "dialer.disposition": "booked"}),
        ("sim-dnc", {"dialer.do_not_call": "true"}),
        ("sim-machine", {"dialer.amd": "machine-vm"}),
        ("sim-leaves-2", {}),
    ],
)
async def test_what_an_agent_reports_of_a_scripted_callee(
    start_lab: StartLab, sink: Sink, agent: str, report: dict[str, str]
) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    assert await dialer_attributes(lab, sink, ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S, agent) == report


async def test_the_agent_s_report_is_among_the_participants_at_once(lab: Lab) -> None:
    await make_room(lab, "sim-ready")
    await comes(lab)
    await lab.dial(ANSWERS_AT_ONCE)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not (said := (await agents(lab))[0].attributes.get("dialer.amd")):
            await asyncio.sleep(POLL_SECONDS)
    assert said == "human"


async def test_the_simulator_tells_who_is_in_its_rooms_and_which_agents_are_alone(start_lab: StartLab) -> None:
    lab = await start_lab(speed=40)
    await make_room(lab, "sim-ready", departure_timeout=4, metadata="m0")
    await comes(lab)
    [room] = (await lab.page("rooms"))["rooms"]
    assert (room["name"], room["metadata"], [one["kind"] for one in room["participants"]]) == ("room", "m0", ["AGENT"])
    assert (await lab.page("rooms"))["agents_alone_now"] == 1
    assert (await lab.page("rooms?alone_seconds=60"))["agents_alone_ever"] == 0
    await lab.dial(ANSWERS_AT_ONCE)
    assert (await lab.page("rooms"))["agents_alone_now"] == 0
    await lab.remove_callee()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while (page := await lab.page("rooms"))["rooms"]:
            await asyncio.sleep(POLL_SECONDS)
    assert (page["agents_alone_now"], page["agents_alone_ever"]) == (0, 2)
    async with lab.session.get(f"{lab.url}/carrier/rooms?alone_seconds=soon") as answer:
        assert answer.status == 400


@pytest.mark.parametrize(("agent", "alone"), [("sim-leaves-1", 1), ("sim-crash", 1), ("sim-ready", 0)])
async def test_the_simulator_tells_which_callees_hear_nobody(start_lab: StartLab, agent: str, alone: int) -> None:
    lab = await start_lab(speed=40)
    await make_room(lab, agent)
    if agent != "sim-crash":
        await comes(lab)
    await lab.dial(ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S)
    await lab.reaches(None)
    page = await lab.page("rooms")
    assert (page["callees_alone_now"], page["callees_alone_ever"]) == (0, alone)


async def test_a_call_without_agents_is_no_lonely_call(lab: Lab) -> None:
    await lab.dial(ANSWERS_AT_ONCE)
    assert (await lab.page("rooms"))["callees_alone_ever"] == 0


async def test_a_busy_callee_leaves_the_agent_behind_until_the_room_closes(lab: Lab) -> None:
    await make_room(lab, "sim-ready", departure_timeout=400)
    await comes(lab)
    await lab.dial(BUSY)
    assert len(await agents(lab)) == 1
    await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    assert (await lab.page("rooms"))["rooms"] == []
