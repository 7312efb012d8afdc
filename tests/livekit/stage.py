"""The same call at both LiveKits: an agent that reports and hangs up, and somebody who is called.

At the real server the example agent and a callee of livekit's client; at the simulator two of its own.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from livekit import api
from livekit.protocol.sip import CreateSIPParticipantRequest

from tests.livekit.place import Place
from tests.livekit.processes import AGENT_NAME, callee, example_agent

ANSWERS = "+12125550210"
BUSY = "+12125550486"


@asynccontextmanager
async def agent(place: Place) -> AsyncIterator[str]:
    """An agent that reports the disposition "spoke" of a human; the name it is called by."""
    if place.is_simulated:
        yield "sim-reports-spoke"
    else:
        async with example_agent(place):
            yield AGENT_NAME


async def call_somebody_who_answers(place: Place, room: str) -> None:
    """The phone rings, it is picked up, and the agent ends the call."""
    if place.is_simulated:
        await _dial(place, room, ANSWERS)
        await place.webhooks.wait("room_finished", room=room)
    else:
        async with callee(place, room, has_voice=True) as phone:
            phone.order("active")
            await phone.reports("disconnected")


async def call_somebody_who_does_not(place: Place, room: str) -> None:
    """The phone rings, and it is not picked up."""
    if place.is_simulated:
        with suppress(api.TwirpError):
            await _dial(place, room, BUSY)
    else:
        async with callee(place, room, has_voice=False) as phone:
            phone.order("leave")
            await phone.reports("disconnected")


async def report_in_metadata(place: Place, room: str, *, disposition: str) -> None:
    """Make a room, and report in its metadata as an agent does."""
    report = json.dumps({"dialer.disposition": disposition})
    await place.api.room.create_room(api.CreateRoomRequest(name=room))
    await place.api.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=room, metadata=report))


async def _dial(place: Place, room: str, number: str) -> None:
    request = CreateSIPParticipantRequest(
        sip_trunk_id="ST_simulated",
        sip_call_to=number,
        room_name=room,
        participant_identity="callee-1",
        wait_until_answered=True,
    )
    await place.api.sip.create_sip_participant(request)
