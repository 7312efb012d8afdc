"""A simulator in this process, and LiveKit's own client to talk to it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from livekit import api
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import ListParticipantsRequest, RoomParticipantIdentity
from livekit.protocol.sip import CreateSIPParticipantRequest, SIPParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from simulator.server import listen
from simulator.settings import SimulatorSettings

API_KEY = "test-key"
API_SECRET = "a secret long enough for HS256, so that PyJWT is content"
GIVE_UP_SECONDS = 10.0
POLL_SECONDS = 0.002


class Lab:
    """One running simulator with a client."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.secret = API_SECRET
        self.session = session
        self.livekit = api.LiveKitAPI(url, API_KEY, API_SECRET, session=session, failover=False)

    async def dial(
        self, number: str, *, room: str = "room", ring: float = 30, **fields: Any
    ) -> SIPParticipantInfo | api.TwirpError:
        """Dial and wait for the answer; a failure is returned, not raised."""
        request = dial_request(number, room=room, ring=ring, **fields)
        try:
            return await self.livekit.sip.create_sip_participant(request)
        except api.TwirpError as failure:
            return failure

    async def participants(self, room: str = "room") -> list[ParticipantInfo]:
        """Who is in the room."""
        answer = await self.livekit.room.list_participants(ListParticipantsRequest(room=room))
        return list(answer.participants)

    async def status(self, room: str = "room") -> str | None:
        """The callee's ``sip.callStatus``; None: the callee is not there."""
        for participant in await self.participants(room):
            if participant.kind == ParticipantInfo.Kind.SIP:
                return participant.attributes["sip.callStatus"]
        return None

    async def reaches(self, status: str | None, room: str = "room") -> None:
        """Wait until the callee's status is this one; no webhook tells."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while await self.status(room) != status:
                await asyncio.sleep(POLL_SECONDS)

    async def remove_callee(self, room: str = "room") -> None:
        """RemoveParticipant."""
        await self.livekit.room.remove_participant(RoomParticipantIdentity(room=room, identity="callee"))

    async def record(self) -> dict[str, Any]:
        """What the carrier saw."""
        async with self.session.get(f"{self.url}/carrier/record") as answer:
            return dict(await answer.json())

    async def page(self, page: str) -> dict[str, Any]:
        """One of the simulator's own pages."""
        async with self.session.get(f"{self.url}/carrier/{page}") as answer:
            return dict(await answer.json())


class Sink:
    """Takes webhooks, verifies them with LiveKit's own receiver, and can be told to refuse some."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[WebhookEvent] = []
        self.bodies: list[str] = []
        self.statuses: list[int] = []  #: what the next requests are answered; then 200
        self.requests: Counter[str] = Counter()
        self._receiver = api.WebhookReceiver(api.TokenVerifier(API_KEY, API_SECRET))
        self._changed = asyncio.Condition()

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Handle one webhook."""
        body = await request.text()
        assert request.content_type == "application/webhook+json"
        event = self._receiver.receive(body, request.headers["Authorization"])
        self.requests[event.id] += 1
        status = self.statuses.pop(0) if self.statuses else 200
        async with self._changed:
            if status == 200:
                self.events.append(event)
                self.bodies.append(body)
            self._changed.notify_all()
        return web.Response(status=status)

    async def has(self, is_there: Callable[["Sink"], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(GIVE_UP_SECONDS), self._changed:
            await self._changed.wait_for(lambda: is_there(self))

    def told(self, room: str = "room") -> list[WebhookEvent]:
        """The events of a room, without those of its tracks."""
        return [one for one in self.events if one.room.name == room and not one.event.startswith("track_")]


def dial_request(number: str, *, room: str = "room", ring: float = 30, **fields: Any) -> CreateSIPParticipantRequest:
    """A dial as the dialer makes it; ``fields`` come on top."""
    defaults: dict[str, Any] = {
        "sip_trunk_id": "ST_simulated",
        "participant_identity": "callee",
        "wait_until_answered": True,
    }
    request = CreateSIPParticipantRequest(sip_call_to=number, room_name=room, **(defaults | fields))
    request.ringing_timeout.FromMilliseconds(int(ring * 1000))
    return request


StartLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
async def start_lab() -> AsyncIterator[StartLab]:
    """Starts simulators with the settings that are given; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Lab:
            listening = await listen(SimulatorSettings(api_key=API_KEY, api_secret=API_SECRET, **settings))
            stack.push_async_callback(listening.close)
            connector = aiohttp.TCPConnector(limit=0)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            return Lab(listening.url, session)

        yield start


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    """A simulator in which a second lasts 25 ms."""
    return await start_lab(speed=40)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A receiver of webhooks."""
    sink = Sink()
    http = web.Server(sink.take, access_log=None)
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/livekit"
    yield sink
    server.close()
    await http.shutdown(0.1)
