"""Who was alone in a room, and for how long: the witness of who forgets to delete rooms.  Real seconds.

An agent is alone when there is nobody to talk to: before the dial, and after it until the room is deleted.  A callee is
alone who has picked up in a room for which an agent was sent, and none is there (findings 16 and 17).
"""

import time

from simulator.agents import Agents
from simulator.rooms import Participant, Room, RoomWatcher


class Times:
    """For how long something was so, in each of many rooms."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._over: list[float] = []

    def note(self, room: Room, is_so: bool) -> None:
        """It is so in this room from now on, or no longer."""
        if is_so:
            self._since.setdefault(room.sid, time.monotonic())
        elif (since := self._since.pop(room.sid, None)) is not None:
            self._over.append(time.monotonic() - since)

    def now(self, more_than_seconds: float) -> int:
        """In how many rooms it has been so for longer than that."""
        return sum(time.monotonic() - since > more_than_seconds for since in self._since.values())

    def ever(self, more_than_seconds: float) -> int:
        """How often it was so for longer than that, the rooms where it still is included."""
        return self.now(more_than_seconds) + sum(seconds > more_than_seconds for seconds in self._over)


class LeftAlone(RoomWatcher):
    """Times the loneliness of agents and of callees."""

    def __init__(self, agents: Agents) -> None:
        self._sent = agents
        self.agents = Times()
        self.callees = Times()

    def participant_joined(self, room: Room, participant: Participant) -> None:
        """Somebody may not be alone any more."""
        self._look(room)

    def answered(self, room: Room, callee: Participant) -> None:
        """Somebody picked up, and may hear nothing."""
        self._look(room)

    def participant_left(self, room: Room, participant: Participant, _: object) -> None:
        """Somebody may be alone now."""
        self._look(room)

    def _look(self, room: Room) -> None:
        if not self._sent.were_sent_to(room):
            return
        inside = [participant for participant in room.participants.values() if participant.is_active]
        callees = [participant for participant in inside if participant.keeps_room_open]
        has_agents = len(callees) < len(inside)
        self.agents.note(room, has_agents and not callees)
        self.callees.note(room, not has_agents and any(callee.is_on_the_line for callee in callees))
