"""The rooms of the simulated LiveKit server and who is in them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from livekit.protocol import models
from livekit.protocol.models import DisconnectReason

from simulator.clock import Clock
from simulator.ids import new_id

DEFAULT_EMPTY_TIMEOUT_SECONDS: Final = 300
DEFAULT_DEPARTURE_TIMEOUT_SECONDS: Final = 20

#: called with the reason when somebody else takes the participant out of its room
Removed = Callable[[DisconnectReason], None]


@dataclass(kw_only=True, slots=True, eq=False)
class Participant:
    """Somebody in a room: here the SIP node's end of a call."""

    identity: str
    name: str
    metadata: str
    attributes: dict[str, str]
    removed: Removed
    kind: models.ParticipantInfo.Kind = models.ParticipantInfo.Kind.SIP
    sid: str = field(default_factory=lambda: new_id("PA"))
    joined_at: float = 0.0
    version: int = 2

    @property
    def keeps_room_open(self) -> bool:
        """Agents alone do not keep a room."""
        return self.kind != models.ParticipantInfo.Kind.AGENT

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

    def stop_closing(self) -> None:
        """Somebody is here: the room stays."""
        if self.closing is not None:
            self.closing.cancel()
            self.closing = None


class Rooms:
    """All rooms by name.  Every coming and going passes through here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._rooms: dict[str, Room] = {}

    def get(self, name: str) -> Room | None:
        """The room of this name, if there is one."""
        return self._rooms.get(name)

    def all(self) -> Iterable[Room]:
        """Every room, oldest first."""
        return self._rooms.values()

    def open(self, room: Room) -> Room:
        """Put a new room into the world.  It waits ``empty_timeout`` for its first participant."""
        self._rooms[room.name] = room
        self._close_later(room, room.empty_timeout_seconds)
        return room

    def open_for_dial(self, name: str) -> Room:
        """The room a call is dialed into; made when there is none."""
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = Room(name=name, created_at=self._clock.now())
        return room

    def join(self, room: Room, participant: Participant) -> None:
        """Let a participant in.  Whoever was there under the same identity is thrown out."""
        double = room.participants.get(participant.identity)
        if double is not None:
            self.remove(room, double, DisconnectReason.DUPLICATE_IDENTITY)
        participant.joined_at = self._clock.now()
        room.participants[participant.identity] = participant
        if participant.keeps_room_open:
            room.stop_closing()

    def remove(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """Throw a participant out; its call learns of it."""
        self.leave(room, participant, reason)
        participant.removed(reason)

    def leave(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """A participant goes.  ``reason`` is what a webhook would say."""
        if room.participants.get(participant.identity) is not participant:
            return
        del room.participants[participant.identity]
        is_kept = any(other.keeps_room_open for other in room.participants.values())
        if participant.keeps_room_open and not is_kept and self._rooms.get(room.name) is room:
            self._close_later(room, self._clock.shorten(room.departure_timeout_seconds))

    def delete(self, room: Room, reason: DisconnectReason) -> None:
        """Close a room now; everybody in it leaves with ``reason``."""
        del self._rooms[room.name]
        room.stop_closing()
        for participant in list(room.participants.values()):
            self.remove(room, participant, reason)

    def _close_later(self, room: Room, seconds: float) -> None:
        room.stop_closing()
        room.closing = self._loop.call_later(seconds, self.delete, room, DisconnectReason.ROOM_CLOSED)
