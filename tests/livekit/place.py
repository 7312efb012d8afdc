"""One LiveKit to talk to: the real server or the simulator."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.models import ParticipantInfo

from dialer.app import livekit_line
from dialer.clock import Clock
from dialer.config import read_settings
from dialer.telephony.livekit_line import LiveKitLine
from tests.livekit.servers import API_KEY, API_SECRET
from tests.livekit.webhooks import WebhookSink

GIVE_UP_SECONDS = 30.0
POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Place:
    """A running LiveKit, LiveKit's own client for it, and the webhooks that it sends."""

    name: str
    url: str
    api: api.LiveKitAPI
    session: aiohttp.ClientSession
    webhooks: WebhookSink

    @property
    def is_simulated(self) -> bool:
        """Whether this is the simulator."""
        return self.name == "simulator"

    async def post(self, method: str, request: dict[str, Any], *, token: str | None = None) -> tuple[int, Any]:
        """One request in JSON as it goes over the wire: the HTTP status, and the answer, parsed if it is JSON."""
        headers = {"Authorization": f"Bearer {token or signed_token(room=request.get('room', ''))}"}
        async with self.session.post(f"{self.url}/twirp/livekit.{method}", json=request, headers=headers) as answer:
            text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text.strip()

    async def send_agent(self, agent_name: str, *, room: str, metadata: str = "") -> None:
        """Make a room that this agent is called into, as the dialer does."""
        agent = RoomAgentDispatch(agent_name=agent_name, metadata=metadata)
        await self.api.room.create_room(api.CreateRoomRequest(name=room, departure_timeout=2, agents=[agent]))

    async def participants(self, room: str) -> list[ParticipantInfo]:
        """Who is in the room."""
        answer = await self.api.room.list_participants(api.ListParticipantsRequest(room=room))
        return list(answer.participants)

    async def agent_in(self, room: str) -> ParticipantInfo:
        """The agent, once it can hear and speak; LiveKit lists it a little earlier, as JOINED."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while True:
                for participant in await self.participants(room):
                    if _is_active_agent(participant):
                        return participant
                await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def our_line(place: Place) -> AsyncIterator[LiveKitLine]:
    """The dialer's own line to this LiveKit."""
    variables = {"LIVEKIT_URL": place.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    line = livekit_line(read_settings(variables), clock=Clock())
    try:
        yield line
    finally:
        await line.close()


def _is_active_agent(participant: ParticipantInfo) -> bool:
    return participant.kind == ParticipantInfo.Kind.AGENT and participant.state == ParticipantInfo.State.ACTIVE


def signed_token(
    *, key: str = API_KEY, secret: str = API_SECRET, starts_in: int = 0, ends_in: int = 60, room: str = ""
) -> str:
    """A token that may do everything; times in whole seconds from now."""
    now = int(time.time())
    grants = {"roomCreate": True, "roomList": True, "roomAdmin": True, "room": room}
    claims = {"iss": key, "sub": "", "nbf": now + starts_in, "exp": now + ends_in, "video": grants}
    return jwt.encode(claims | {"sip": {"call": True, "admin": True}}, secret, algorithm="HS256")
