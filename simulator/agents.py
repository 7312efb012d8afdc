"""Voice agents: dispatched by name into a room, where they do what ``behaviours`` says of the name."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from livekit.protocol import models
from livekit.protocol.models import DisconnectReason

from simulator.behaviours import (
    ACTIVE_SECONDS,
    DISMISSED_SECONDS,
    JOB_SECONDS,
    MESSAGE_SECONDS,
    REPORT_SECONDS,
    Behaviour,
    behaviour_of,
)
from simulator.clock import Clock
from simulator.ids import new_id
from simulator.messages import room_message
from simulator.rooms import Participant, Room, Rooms, RoomWatcher
from simulator.says import HUMAN, Says, as_metadata


class Agent:
    """One agent at its job, from the dispatch to the end of the room."""

    def __init__(self, name: str, behaviour: Behaviour, *, room: Room, rooms: Rooms, clock: Clock) -> None:
        self.job_id = new_id("AJ")
        self.started_at = clock.now() + clock.shorten(JOB_SECONDS)
        self._behaviour = behaviour
        self._room = room
        self._rooms = rooms
        self._clock = clock
        self._timers: list[asyncio.TimerHandle] = []
        self._has_heard = False
        self.participant = Participant(
            identity=f"agent-{self.job_id}",
            name="",
            metadata="",
            attributes={"lk.agent.name": name},
            removed=lambda _: self.stop(),
            kind=models.ParticipantInfo.Kind.AGENT,
        )

    def start(self) -> None:
        """Set out for the room."""
        if self._behaviour.joins_after_seconds is not None:
            self._later(max(0.0, self._behaviour.joins_after_seconds - ACTIVE_SECONDS), self._enter)

    def stop(self) -> None:
        """Do nothing any more."""
        for timer in self._timers:
            timer.cancel()
        # What refers to itself in a circle would never be freed: the collector does not look at what is old.
        self._timers.clear()
        self.participant.removed = lambda _: None

    def leave(self) -> None:
        """Go, whoever is left behind."""
        self.stop()
        self._rooms.leave(self._room, self.participant, DisconnectReason.CLIENT_INITIATED)

    def dismiss(self) -> None:
        """Do nothing any more, and be thrown out a little later."""
        self.stop()
        thrown_out = partial(self._rooms.remove, self._room, self.participant, DisconnectReason.PARTICIPANT_REMOVED)
        self._later(DISMISSED_SECONDS, thrown_out)

    def hear(self, callee: Participant) -> None:
        """Somebody picked up.  An agent that is not in the room yet hears it when it comes."""
        if self._has_heard or not self.participant.is_active:
            return
        self._has_heard = True
        says = self._behaviour.says
        ends_after = self._behaviour.deletes_after_seconds
        if self._behaviour.listens:
            says = callee.says
            ends_after = None if says is None or says.amd == HUMAN else MESSAGE_SECONDS
        if says is not None:
            self._later(REPORT_SECONDS, lambda: self._report(says))
        if ends_after is not None:
            self._later(ends_after, self._delete_room)
        if self._behaviour.leaves_after_seconds is not None:
            self._later(self._behaviour.leaves_after_seconds, self.leave)

    def _enter(self) -> None:
        self._rooms.enter(self._room, self.participant)
        self._later(ACTIVE_SECONDS, self._begin)

    def _begin(self) -> None:
        self._rooms.activate(self._room, self.participant)
        for other in list(self._room.participants.values()):
            if other.is_on_the_line:
                self.hear(other)

    def _report(self, says: Says) -> None:
        report = says.report(datetime.now(UTC))
        if self._behaviour.says_in_metadata:
            self._room.metadata = as_metadata(report)
        else:
            self.participant.set_attributes(report)

    def _delete_room(self) -> None:
        self._rooms.delete(self._room, DisconnectReason.ROOM_DELETED)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(self._clock.shorten(seconds), act))


@dataclass(kw_only=True, slots=True)
class Dispatch:
    """One wish for an agent in a room; ``agent`` is None when nobody serves the name."""

    agent_name: str
    room: str
    metadata: str
    created_at: float
    agent: Agent | None
    described: models.Room  #: the room as it was then
    id: str = field(default_factory=lambda: new_id("AD"))


class Agents(RoomWatcher):
    """Every dispatch of every room that there is."""

    def __init__(self, *, rooms: Rooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock
        self.worker_id = new_id("AW")
        self._dispatches: dict[str, dict[str, Dispatch]] = {}

    def dispatch(self, room: Room, *, agent_name: str, metadata: str) -> Dispatch:
        """Send for an agent.  Nobody says so when none comes (``livekit.md`` 6)."""
        behaviour = behaviour_of(agent_name)
        agent = None
        if behaviour is not None:
            agent = Agent(agent_name, behaviour, room=room, rooms=self._rooms, clock=self._clock)
            agent.start()
        dispatch = Dispatch(
            agent_name=agent_name,
            room=room.name,
            metadata=metadata,
            created_at=self._clock.now(),
            agent=agent,
            described=room_message(room),
        )
        self._dispatches.setdefault(room.sid, {})[dispatch.id] = dispatch
        return dispatch

    def dispatched(self, room: Room) -> list[Dispatch]:
        """The room's dispatches, oldest first."""
        return list(self._dispatches.get(room.sid, {}).values())

    def were_sent_to(self, room: Room) -> bool:
        """Whether anybody wanted agents in this room."""
        return room.sid in self._dispatches

    def withdraw(self, room: Room, dispatch_id: str) -> Dispatch | None:
        """Undo a dispatch: its agent has to go.  None: there is no such dispatch."""
        dispatch = self._dispatches.get(room.sid, {}).pop(dispatch_id, None)
        if dispatch is not None and dispatch.agent is not None:
            dispatch.agent.dismiss()
        return dispatch

    def running(self, dispatch: Dispatch) -> Agent | None:
        """The agent whose job a worker has taken by now; it may not be in the room yet, and may never be."""
        agent = dispatch.agent
        return agent if agent is not None and agent.started_at <= self._clock.now() else None

    def answered(self, room: Room, callee: Participant) -> None:
        """The room's agents hear it."""
        for dispatch in self._dispatches.get(room.sid, {}).values():
            if dispatch.agent is not None:
                dispatch.agent.hear(callee)

    def room_finished(self, room: Room) -> None:
        """Whoever was still on the way gives up."""
        for dispatch in self._dispatches.pop(room.sid, {}).values():
            if dispatch.agent is not None:
                dispatch.agent.stop()
