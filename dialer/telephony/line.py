"""The line as the rest of the dialer sees it.  ``LiveKitLine`` is the real one, ``ScriptedLine`` the tests'."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from dialer.domain.dial_options import DEFAULT_OPTIONS, DialOptions
from dialer.domain.line_result import LineResult
from dialer.domain.trunk import InlineTrunk
from dialer.errors import LineUnavailable


class GateShut(Exception):
    """The gate refused a dial right before the socket write.  Not a byte went out."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class LineRefused(LineUnavailable):
    """LiveKit answered and will not serve us: wrong key, wrong secret, missing permission."""

    code = "line_refused"


class LineBusy(LineUnavailable):
    """LiveKit's own quota of requests is used up: ask again later, and conclude nothing."""

    code = "line_busy"


#: Awaited when the connection is there and nothing is written yet; returns to let the dial go, raises ``GateShut``.
Gate = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DialRequest:
    """One INVITE to be made.  ``token_end`` is the fence: LiveKit refuses the POST some time after it.

    The trunk is one that LiveKit knows by id, or ``inline``.
    """

    attempt_id: UUID
    room_name: str
    livekit_trunk_id: str | None
    number: str
    caller_id: str | None
    ringing_timeout: timedelta
    talk_limit: timedelta
    not_before: datetime
    token_end: int
    options: DialOptions = DEFAULT_OPTIONS
    inline: InlineTrunk | None = None

    @property
    def identity(self) -> str:
        """The callee's identity in its room; never used twice."""
        return str(self.attempt_id)


@dataclass(frozen=True, slots=True)
class Look:
    """What was in a room.

    Attributes:
        present: the callee is there, with ``status`` as its ``sip.callStatus``.
        agents: how many agents are there.
        others: somebody is there who is neither the callee nor an agent.
        report: what an agent has reported, as it came; see ``domain.agent_report``.
    """

    present: bool
    status: str | None = None
    agents: int = 0
    others: bool = False
    report: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentDispatch:
    """An agent that LiveKit is to send into a new room, and what its job is told (at most 512 KiB)."""

    agent_name: str
    metadata: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRoom:
    """A room that LiveKit lists; ``created_at`` by LiveKit's clock, to the second."""

    name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """A sign of life of LiveKit: its clock minus ours, to the second, and the sid of the room that was asked for."""

    clock_offset: timedelta
    room_sid: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveKitTrunk:
    """An outbound trunk stored in LiveKit."""

    livekit_trunk_id: str
    name: str
    address: str
    numbers: tuple[str, ...]
    has_login: bool = False  #: LiveKit has a user and password for it

    @property
    def needs_caller_id(self) -> bool:
        """Without a caller ID, LiveKit would send ``From: *`` for a trunk of any number."""
        return "*" in self.numbers or not self.numbers


@dataclass(slots=True)
class Requests:
    """How many requests were made to LiveKit and not yet taken into account."""

    dials: int = 0
    others: int = 0

    def take(self) -> tuple[int, int]:
        """Both numbers, which begin at 0 again."""
        taken = self.dials, self.others
        self.dials = self.others = 0
        return taken


class Line(Protocol):
    """Every call except ``place`` is safe to repeat and raises ``LineUnavailable`` when LiveKit does not serve it."""

    requests: Requests

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        """POST CreateSIPParticipant once and wait for its answer.  Expected failures are values in the result."""

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        """Look for the callee (value: identity) in each room (key: name).  A room that is not there is empty."""

    async def delete_room(self, room_name: str) -> None:
        """Hang up everybody in the room; one that is not there is no error and proves nothing."""

    async def make_room(self, room_name: str, *, empty_timeout: timedelta, agent: AgentDispatch | None = None) -> str:
        """Make a room, with this agent or without one, or find it, and return its sid.

        A room that was there already gets no further agent.
        """

    async def open_rooms(self) -> Sequence[OpenRoom]:
        """Every room that LiveKit lists."""

    async def feel_pulse(self, room_name: str) -> Pulse:
        """One cheap request: is LiveKit there, what is its time, and does it know this room?"""

    async def outbound_trunks(self) -> Sequence[LiveKitTrunk]:
        """Every outbound trunk stored in LiveKit."""

    async def close(self) -> None: ...
