"""The rooms of the simulated LiveKit server and who is in them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from livekit.protocol import models
from livekit.protocol.models import DisconnectReason

from simulator.clock import Clock
from simulator.ids import new_id
from simulator.says import Says

DEFAULT_EMPTY_TIMEOUT_SECONDS: Final = 300
DEFAULT_DEPARTURE_TIMEOUT_SECONDS: Final = 20
AGENT_TRACK: Final = "roomio_audio"
PLACES: Final = 8  #: in the smallest map of Go's; see ``leaving_order``

#: called with the reason when somebody else takes the participant out of its room
Removed = Callable[[DisconnectReason], None]


@dataclass(kw_only=True, slots=True, eq=False)
class Participant:
    """Somebody in a room: the SIP node's end of a call, or an agent."""

    identity: str
    name: str
    metadata: str
    attributes: dict[str, str]
    removed: Removed
    kind: models.ParticipantInfo.Kind = models.ParticipantInfo.Kind.SIP
    sid: str = field(default_factory=lambda: new_id("PA"))
    joined_at: float = 0.0
    is_active: bool = False  #: it can hear and be heard; until then LiveKit lists it as JOINED
    version: int = 2
    says: Says | None = None  #: what an agent will hear from whoever picks up

    @property
    def keeps_room_open(self) -> bool:
        """Agents alone do not keep a room."""
        return self.kind != models.ParticipantInfo.Kind.AGENT

    @property
    def is_on_the_line(self) -> bool:
        """A callee who has picked up."""
        return self.attributes.get("sip.callStatus") == "active"

    @property
    def track_sid(self) -> str:
        """The id of the voice that whoever is active publishes."""
        return f"TR_{self.sid[3:]}"

    @property
    def track_name(self) -> str:
        """What a SIP node calls its voice, and what livekit-agents does."""
        return AGENT_TRACK if self.kind == models.ParticipantInfo.Kind.AGENT else self.identity

    def set_attributes(self, attributes: dict[str, str]) -> None:
        """Change some attributes, or add some."""
        self.attributes.update(attributes)
        self.version += 1


@dataclass(kw_only=True, slots=True, eq=False)
class Room:
    """One room.  It closes by itself when nobody came, or some time after the last one left."""

    name: str
    created_at: float
    metadata: str = ""
    empty_timeout_seconds: int = DEFAULT_EMPTY_TIMEOUT_SECONDS
    departure_timeout_seconds: int = DEFAULT_DEPARTURE_TIMEOUT_SECONDS
    max_participants: int = 0
    sid: str = field(default_factory=lambda: new_id("RM"))
    participants: dict[str, Participant] = field(default_factory=dict)
    closing: asyncio.TimerHandle | None = None

    @property
    def turn_password(self) -> str:
        """What LiveKit gives along and nobody here uses."""
        return self.sid[3:]

    def stop_closing(self) -> None:
        """Somebody is here: the room stays."""
        if self.closing is not None:
            self.closing.cancel()
            self.closing = None


class RoomWatcher:
    """Is told what happens in the rooms, right after it happened.  By itself it does nothing about it."""

    def room_started(self, room: Room) -> None:
        """There is a new room."""

    def participant_joined(self, room: Room, participant: Participant) -> None:
        """A participant is in the room and active."""

    def answered(self, room: Room, callee: Participant) -> None:
        """The callee picked up; ``sip.callStatus`` is ``active``."""

    def participant_left(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """A participant has gone."""

    def participant_aborted(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """A participant was kept from joining."""

    def room_finished(self, room: Room) -> None:
        """The room is no more, and everybody has left it."""


class Rooms:
    """All rooms by name.  Every coming and going passes through here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._rooms: dict[str, Room] = {}
        self._watchers: list[RoomWatcher] = []

    def watch(self, watcher: RoomWatcher) -> None:
        """Tell ``watcher`` of everything from now on."""
        self._watchers.append(watcher)

    def get(self, name: str) -> Room | None:
        """The room of this name, if there is one."""
        return self._rooms.get(name)

    def all(self) -> Iterable[Room]:
        """Every room, oldest first."""
        return self._rooms.values()

    def open(self, room: Room) -> Room:
        """Put a new room into the world.  It waits ``empty_timeout`` for its first participant."""
        self._put(room)
        self._close_later(room, room.empty_timeout_seconds)
        return room

    def open_named(self, name: str) -> Room:
        """A new room of which nothing is known but its name."""
        return self.open(Room(name=name, created_at=self._clock.now()))

    def open_for_dial(self, name: str) -> Room:
        """The room a call is dialed into; made when there is none."""
        return self._rooms.get(name) or self._put(Room(name=name, created_at=self._clock.now()))

    def join(self, room: Room, participant: Participant) -> None:
        """Let a participant in, ready to hear and to be heard."""
        self.enter(room, participant)
        self.activate(room, participant)

    def enter(self, room: Room, participant: Participant) -> None:
        """Let a participant in that cannot hear yet.  Whoever was there under the same identity is thrown out."""
        double = room.participants.get(participant.identity)
        if double is not None:
            self.remove(room, double, DisconnectReason.DUPLICATE_IDENTITY)
        participant.joined_at = self._clock.now()
        room.participants[participant.identity] = participant
        if participant.keeps_room_open:
            room.stop_closing()

    def activate(self, room: Room, participant: Participant) -> None:
        """A participant that is in can hear and be heard from now on."""
        participant.is_active = True
        for watcher in self._watchers:
            watcher.participant_joined(room, participant)

    def answered(self, room: Room, callee: Participant) -> None:
        """Whoever listens in the room learns that the callee picked up."""
        for watcher in self._watchers:
            watcher.answered(room, callee)

    def abort(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """A participant on its way does not get in."""
        for watcher in self._watchers:
            watcher.participant_aborted(room, participant, reason)

    def remove(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """Throw a participant out; its call learns of it."""
        self.leave(room, participant, reason)
        participant.removed(reason)

    def leave(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """A participant goes.  ``reason`` is what the webhook says."""
        if room.participants.get(participant.identity) is not participant:
            return
        del room.participants[participant.identity]
        was_active, participant.is_active = participant.is_active, False
        is_kept = any(other.keeps_room_open for other in room.participants.values())
        if participant.keeps_room_open and not is_kept and self._rooms.get(room.name) is room:
            self._close_later(room, self._clock.shorten(room.departure_timeout_seconds))
        if not was_active:
            self.abort(room, participant, reason)
            return
        for watcher in self._watchers:
            watcher.participant_left(room, participant, reason)

    def delete(self, room: Room, reason: DisconnectReason) -> None:
        """Close a room now; everybody in it leaves with ``reason``."""
        del self._rooms[room.name]
        room.stop_closing()
        for participant in leaving_order(room):
            self.remove(room, participant, reason)
        for watcher in self._watchers:
            watcher.room_finished(room)

    def _put(self, room: Room) -> Room:
        self._rooms[room.name] = room
        for watcher in self._watchers:
            watcher.room_started(room)
        return room

    def _close_later(self, room: Room, seconds: float) -> None:
        room.stop_closing()
        room.closing = self._loop.call_later(seconds, self.delete, room, DisconnectReason.ROOM_CLOSED)


def leaving_order(room: Room) -> list[Participant]:
    """As they came, but in one of eight rooms the second leaves first, in another the third, and so on round.

    livekit-server asks a map of Go's, which begins anywhere in its eight places; here the room's name is the die.
    """
    inside = list(room.participants.values())
    first = crc32(room.name.encode()) % PLACES
    return inside[first:] + inside[:first]
