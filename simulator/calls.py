"""One outbound call under way: it goes through its planned steps, whoever waits for it or not."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from livekit.protocol.models import DisconnectReason

from simulator import sip_errors
from simulator.clock import Clock
from simulator.ids import new_id
from simulator.rooms import Participant, Room, Rooms
from simulator.timeline import Step
from simulator.twirp import Failure

JOIN_KILLED_SECONDS: Final = 5.0  #: until the SIP node gives up on a room that was deleted under it (finding 21)


class Call:
    """A call from its dial to its end.  One timer at a time, no task: thousands may ring at once."""

    def __init__(self, *, rooms: Rooms, clock: Clock, ended: Callable[["Call"], None]) -> None:
        self.id = new_id("SCL")
        self._rooms = rooms
        self._clock = clock
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._steps: deque[Step] = deque()
        self._started_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._room: Room | None = None
        self._participant: Participant | None = None
        self._reply: asyncio.Future[Failure | None] = self._loop.create_future()

    def start(self, room: Room, participant: Participant, steps: list[Step]) -> None:
        """The participant is in the room: let the call take its course."""
        self._room, self._participant = room, participant
        self._steps.extend(steps)
        self._started_at = self._loop.time()
        self._run()

    async def reply(self) -> Failure | None:
        """Wait for what the request is answered: a failure, or None when the callee answered."""
        return await self._reply

    def never_joined(self) -> None:
        """The room was deleted while the SIP node joined it: there is no INVITE, and the answer takes its time."""
        seconds = self._clock.shorten(JOIN_KILLED_SECONDS)
        self._timer = self._loop.call_later(seconds, self.answer, sip_errors.JOIN_KILLED)

    def removed(self, _: DisconnectReason) -> None:
        """Somebody threw the participant out: CANCEL or BYE."""
        self.answer(sip_errors.RING_TIMEOUT)
        self._end()

    def _run(self) -> None:
        self._timer = None
        while self._steps:
            due_at = self._started_at + self._clock.shorten(self._steps[0].at_seconds)
            if self._steps[0].at_seconds > 0 and due_at > self._loop.time():
                self._timer = self._loop.call_at(due_at, self._run)
                return
            self._take(self._steps.popleft())

    def _take(self, step: Step) -> None:
        room, participant = self._room, self._participant
        if room is None or participant is None:
            return
        if step.is_connected:
            participant.set_attributes({"sip.callIDFull": f"{self.id[4:]}@simulator", "sip.callTag": self.id[-6:]})
        if step.status:
            participant.set_attributes({"sip.callStatus": step.status})
        if step.is_connected or step.failure is not None:
            self.answer(step.failure)
        if participant.is_on_the_line:
            self._rooms.answered(room, participant)
        if step.leaves is not None:
            self._rooms.leave(room, participant, step.leaves)
            self._end()

    def answer(self, failure: Failure | None) -> None:
        """What the request is answered, unless it has been already."""
        if not self._reply.done():
            self._reply.set_result(failure)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._steps.clear()
        if self._participant is not None:
            self._room = self._participant = None
            self._ended(self)
