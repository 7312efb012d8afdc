"""SIP nodes on their way into a room: between the dial and the INVITE (finding 21 of the recordings).

For ``join_delay`` LiveKit knows of no participant: a DeleteRoom finds no room, or deletes the one there was, and the
node makes the room anew and lets the phone ring.  For as long again a DeleteRoom kills the join, and no phone rings.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol.models import DisconnectReason

from simulator.rooms import Participant, Rooms


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Arrival:
    """One SIP node that is not in its room yet."""

    room: str
    participant: Participant
    enter: Callable[[], None]  #: it is in the room now
    killed: Callable[[], None]  #: it will not be


class Arrivals:
    """Everybody who is on the way, by room."""

    def __init__(self, rooms: Rooms, *, join_delay_seconds: float) -> None:
        self._rooms = rooms
        self._delay_seconds = join_delay_seconds
        self._loop = asyncio.get_running_loop()
        self._connecting: dict[str, dict[Arrival, float]] = {}

    def expect(self, arrival: Arrival) -> None:
        """Let it in when its time has come.  One timer, and none without a delay."""
        if self._delay_seconds == 0:
            arrival.enter()
            return
        self._connecting.setdefault(arrival.room, {})[arrival] = self._loop.time() + self._delay_seconds
        self._loop.call_later(2 * self._delay_seconds, self._let_in, arrival)

    def kill(self, room_name: str) -> None:
        """The room is about to be deleted: whoever is half in it does not get in.  The room is there then."""
        connecting = self._connecting.get(room_name, {})
        now = self._loop.time()
        for arrival in [arrival for arrival, connects_at in connecting.items() if connects_at <= now]:
            self._forget(arrival)
            room = self._rooms.open_for_dial(room_name)
            self._rooms.abort(room, arrival.participant, DisconnectReason.ROOM_DELETED)
            arrival.killed()

    def _let_in(self, arrival: Arrival) -> None:
        if arrival in self._connecting.get(arrival.room, {}):
            self._forget(arrival)
            arrival.enter()

    def _forget(self, arrival: Arrival) -> None:
        connecting = self._connecting[arrival.room]
        del connecting[arrival]
        if not connecting:
            del self._connecting[arrival.room]
