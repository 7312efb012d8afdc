"""Fakes at the seams, for tests."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from dialer.clock import Clock
from dialer.domain.line_result import LineResult, Reply
from dialer.errors import LineUnavailable
from dialer.telephony.line import AgentDispatch, DialRequest, Gate, LiveKitTrunk, Look, OpenRoom, Pulse, Requests

BUSY = LineResult(
    reply=Reply.REFUSED,
    http_status=429,
    twirp_code="resource_exhausted",
    message="twirp error unknown: INVITE failed: sip status: 486: Busy Here",
    sip_code=486,
    sip_status="Busy Here",
    seconds=1.0,
)
PICKED_UP = LineResult(reply=Reply.ANSWERED, http_status=200, seconds=6.0, sip_call_id="SCL_1")
LOST = LineResult(reply=Reply.LOST, message="ServerDisconnectedError", seconds=4.0)
NOT_SENT = LineResult(reply=Reply.NOT_SENT, message="ClientConnectorError")
WRONG_PASSWORD = LineResult(
    reply=Reply.REFUSED,
    http_status=412,
    twirp_code="failed_precondition",
    message="twirp error unknown: max auth retry attempts reached for SIP invite",
    seconds=0.2,
)


class FakeClock(Clock):
    """Stands still until somebody sleeps, and then it is that much later at once."""

    def __init__(self) -> None:
        self.at = 1000.0

    def seconds(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += max(seconds, 0.0)
        await asyncio.sleep(0)


class ScriptedLine:
    """A line that answers what it was told to, in order; the last answer repeats.  Keeps what it was asked to dial."""

    def __init__(self, results: Sequence[LineResult] = (BUSY,)) -> None:
        self.results = list(results)
        self.dialed: list[DialRequest] = []
        self.rooms: dict[str, Look] = {}
        self.sentinel = "RM_1"
        self.away = False
        self.fault: LineUnavailable | None = None
        self.offset = timedelta(0)
        self.trunks: list[LiveKitTrunk] = []
        self.deleted: list[str] = []
        self.agents: set[str] = set()  # names that somebody serves
        self.dispatched: list[tuple[str, AgentDispatch]] = []
        self.listed: list[OpenRoom] = []
        self.requests = Requests()

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        await gate()
        self.dialed.append(request)
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        self._answer()
        return {name: self.rooms.get(name, Look(present=False)) for name in rooms}

    async def delete_room(self, room_name: str) -> None:
        self._answer()
        self.deleted.append(room_name)
        self.rooms.pop(room_name, None)

    async def make_room(self, room_name: str, *, empty_timeout: timedelta, agent: AgentDispatch | None = None) -> str:
        self._answer()
        if agent is None:
            return self.sentinel
        self.dispatched.append((room_name, agent))
        self.rooms[room_name] = Look(present=False, agents=int(agent.agent_name in self.agents))
        return f"RM_{room_name}"

    async def open_rooms(self) -> Sequence[OpenRoom]:
        self._answer()
        return self.listed

    async def feel_pulse(self, room_name: str) -> Pulse:
        self._answer()
        return Pulse(clock_offset=self.offset, room_sid=self.sentinel)

    async def outbound_trunks(self) -> Sequence[LiveKitTrunk]:
        self._answer()
        return self.trunks

    async def close(self) -> None:
        return None

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault
        if self.away:
            raise LineUnavailable("LiveKit cannot be reached: scripted")
