"""LiveKit's SIP service as our line.  One POST per dial; nothing here repeats one.

``failover=False``: livekit-api would otherwise post CreateSIPParticipant up to three times on LiveKit Cloud.
``limit=0``: aiohttp's default of 100 connections would make call 101 wait inside its own timeout.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.sip import SIPParticipantInfo

from dialer.clock import Clock
from dialer.domain.agent_report import reported
from dialer.domain.dial_options import dtmf_seconds
from dialer.domain.fence import Fence
from dialer.domain.line_result import LineResult, Reply
from dialer.errors import LineUnavailable
from dialer.telephony.dial_token import DialTokens
from dialer.telephony.dial_trace import DialTrace, GatedConnector, current_dial, dial_socket, dial_trace_config
from dialer.telephony.line import (
    AgentDispatch,
    DialRequest,
    Gate,
    GateShut,
    LineBusy,
    LineRefused,
    LiveKitTrunk,
    Look,
    OpenRoom,
    Pulse,
    Requests,
)
from dialer.telephony.participant import participant_of

_T = TypeVar("_T")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")

ROOMS_PER_LOOK = 200  #: names in one ListRooms
LOOKS_AT_ONCE = 20  #: ListParticipants under way
MOST_READS = 100  #: connections for everything but dials: looks, and rooms that are made and deleted
NO_AGENT = "dialer-nobody"  #: a name that no agent has
READ_SECONDS = 10.0  #: a read without an answer for this long counts as failed
KEEPALIVE_SECONDS = 10.0  #: a connection left idle longer may be dead on the other side, and a dial on it in doubt


class LiveKitLine:
    """The line behind ``LIVEKIT_URL``.  Make it inside a running event loop."""

    def __init__(self, url: str, api_key: str, api_secret: str, *, fence: Fence, clock: Clock) -> None:
        self.url, self._fence, self._clock = url, fence, clock
        self._tokens = DialTokens(api_key, api_secret)
        self._dialing = aiohttp.ClientSession(
            connector=GatedConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, socket_factory=dial_socket),
            trace_configs=[dial_trace_config()],
        )
        self._reading = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_READS),
            timeout=aiohttp.ClientTimeout(total=READ_SECONDS),
            raise_for_status=False,
            trace_configs=[self._date_trace()],
        )
        self._reader = api.LiveKitAPI(url, api_key, api_secret, session=self._reading, failover=False)
        self._dialer: tuple[str, api.LiveKitAPI] | None = None
        self._last_offset: timedelta | None = None
        self.requests = Requests()

    # -- dialing ----------------------------------------------------------------------------------------------

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        """POST CreateSIPParticipant once.  The gate is awaited when the connection stands and nothing is written."""
        answer_within = (
            request.ringing_timeout + self._fence.answer + dtmf_seconds(request.options.dtmf)
        ).total_seconds()
        started = self._clock.seconds()
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(self._fence.gate.total_seconds() + 1)

        def on_sent() -> None:
            nonlocal started
            self.requests.dials += 1
            started = self._clock.seconds()
            deadline.reschedule(loop.time() + answer_within)

        trace = DialTrace(gate, on_sent=on_sent)
        reset = current_dial.set(trace)
        try:
            async with deadline:
                info = await self._client(request).sip.create_sip_participant(
                    participant_of(request), timeout=answer_within + self._fence.gate.total_seconds() + 5
                )
        except GateShut:
            raise
        except api.ServerError as error:
            return self._refused(request, error, trace, self._clock.seconds() - started)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._failed(request, error, trace, self._clock.seconds() - started)
        finally:
            current_dial.reset(reset)
        return self._answered(request, info, self._clock.seconds() - started)

    def _client(self, request: DialRequest) -> api.LiveKitAPI:
        token = self._tokens.token(not_before=request.not_before, end=request.token_end)
        if self._dialer is None or self._dialer[0] != token:
            client = api.LiveKitAPI.with_token(token, self.url, session=self._dialing, failover=False)
            self._dialer = (token, client)
        return self._dialer[1]

    @staticmethod
    def _answered(request: DialRequest, info: SIPParticipantInfo, seconds: float) -> LineResult:
        return LineResult(
            reply=Reply.ANSWERED,
            http_status=200,
            seconds=seconds,
            ringing_timeout_seconds=request.ringing_timeout.total_seconds(),
            sip_call_id=info.sip_call_id,
        )

    @staticmethod
    def _refused(request: DialRequest, error: api.ServerError, trace: DialTrace, seconds: float) -> LineResult:
        raw_code = error.metadata.get("sip_status_code", "")
        return LineResult(
            reply=Reply.REFUSED,
            http_status=error.status,
            twirp_code=error.code,
            message=_without_token(error.message or trace.body.decode("utf-8", "replace"))[:500].strip(),
            sip_code=int(raw_code) if raw_code.isdigit() else None,
            sip_status=error.metadata.get("sip_status"),
            seconds=seconds,
            ringing_timeout_seconds=request.ringing_timeout.total_seconds(),
        )

    @staticmethod
    def _failed(request: DialRequest, error: Exception, trace: DialTrace, seconds: float) -> LineResult:
        return LineResult(
            reply=Reply.LOST if trace.sent else Reply.NOT_SENT,
            message=f"{type(error).__name__}: {error}"[:500],
            seconds=seconds,
            ringing_timeout_seconds=request.ringing_timeout.total_seconds(),
        )

    # -- asking -----------------------------------------------------------------------------------------------

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        """One ListRooms for many names, then ListParticipants for the rooms that exist."""
        found: dict[str, Look] = {name: Look(present=False) for name in rooms}
        names = list(rooms)
        at_once = asyncio.Semaphore(LOOKS_AT_ONCE)
        for start in range(0, len(names), ROOMS_PER_LOOK):
            batch = names[start : start + ROOMS_PER_LOOK]
            listed = await self._ask(self._reader.room.list_rooms(api.ListRoomsRequest(names=batch)))
            looks = [self._look_into(room, rooms[room.name], at_once) for room in listed.rooms if room.name in rooms]
            found.update(await asyncio.gather(*looks))
        return found

    async def _look_into(self, room: Room, identity: str, at_once: asyncio.Semaphore) -> tuple[str, Look]:
        async with at_once:
            answer = await self._ask(self._reader.room.list_participants(api.ListParticipantsRequest(room=room.name)))
        here = [person for person in answer.participants if person.state != ParticipantInfo.DISCONNECTED]
        callee = next((person for person in here if person.identity == identity), None)
        agents = [person for person in here if person.kind == ParticipantInfo.Kind.AGENT]
        ready = [agent for agent in agents if agent.state == ParticipantInfo.ACTIVE]
        return room.name, Look(
            present=callee is not None,
            status=callee.attributes.get("sip.callStatus") if callee else None,
            agents=len(ready),
            others=len(here) > len(agents) + (callee is not None),
            report=reported([agent.attributes for agent in agents], room.metadata),
        )

    async def delete_room(self, room_name: str) -> None:
        self.requests.others += 1
        try:
            await self._reader.room.delete_room(api.DeleteRoomRequest(room=room_name))
        except api.ServerError as error:
            if error.status != 404:
                raise LineUnavailable(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise LineUnavailable(str(error)) from error

    async def make_room(self, room_name: str, *, empty_timeout: timedelta, agent: AgentDispatch | None = None) -> str:
        # Without any name here LiveKit sends in every unnamed agent there is; nobody serves NO_AGENT.
        name, metadata = (agent.agent_name, agent.metadata) if agent else (NO_AGENT, "")
        request = api.CreateRoomRequest(
            name=room_name,
            empty_timeout=max(1, int(empty_timeout.total_seconds())),
            agents=[RoomAgentDispatch(agent_name=name, metadata=metadata)],
        )
        room = await self._ask(self._reader.room.create_room(request))
        return room.sid

    async def open_rooms(self) -> Sequence[OpenRoom]:
        answer = await self._ask(self._reader.room.list_rooms(api.ListRoomsRequest()))
        return [
            OpenRoom(name=room.name, created_at=datetime.fromtimestamp(room.creation_time, tz=UTC))
            for room in answer.rooms
        ]

    async def feel_pulse(self, room_name: str) -> Pulse:
        self._last_offset = None
        answer = await self._ask(self._reader.room.list_rooms(api.ListRoomsRequest(names=[room_name])))
        if self._last_offset is None:
            raise LineUnavailable(
                "LiveKit's answer has no Date header: is LIVEKIT_URL the address of a LiveKit server?"
            )
        found = [room.sid for room in answer.rooms if room.name == room_name]
        return Pulse(clock_offset=self._last_offset, room_sid=found[0] if found else None)

    async def outbound_trunks(self) -> Sequence[LiveKitTrunk]:
        answer = await self._ask(self._reader.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()))
        return [
            LiveKitTrunk(
                livekit_trunk_id=item.sip_trunk_id,
                name=item.name,
                address=item.address,
                numbers=tuple(item.numbers),
                has_login=bool(item.auth_username),
            )
            for item in answer.items
        ]

    async def close(self) -> None:
        await self._dialing.close()
        await self._reading.close()

    async def _ask(self, question: Awaitable[_T]) -> _T:
        self.requests.others += 1
        try:
            return await question
        except api.ServerError as error:
            if error.status == 401:
                raise LineRefused(f"LiveKit refuses our key: HTTP 401 {error.message}".rstrip()) from error
            kind = LineBusy if error.status == 429 else LineUnavailable
            raise kind(f"LiveKit answers HTTP {error.status} {error.code}: {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise LineUnavailable(f"LiveKit cannot be reached: {type(error).__name__} {error}".rstrip()) from error

    def _date_trace(self) -> aiohttp.TraceConfig:
        async def note(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
            if date := params.response.headers.get("Date"):
                self._last_offset = parsedate_to_datetime(date).astimezone(UTC) - self._clock.now().replace(
                    microsecond=0
                )

        config = aiohttp.TraceConfig()
        config.on_request_end.append(note)
        return config


def _without_token(text: str) -> str:
    """livekit-server 1.13.5 repeats the whole token when it refuses one; it must not get into ledger or logs."""
    return _TOKEN.sub("***", text)
