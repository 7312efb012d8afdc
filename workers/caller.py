"""The caller: takes releases from the queue and makes their calls, thousands at a time on one event loop.

A message is acknowledged as soon as its call jobs are on the loop: until the claim the ledger's lease owns them, from
then on the ledger owns the attempt, and a second delivery finds nothing to claim.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

# Read by Dramatiq at its import: messages a process fetches ahead.  Few, so that another caller can have them.
os.environ.setdefault("dramatiq_queue_prefetch", "4")

import structlog
from dramatiq import Worker

from dialer.actions.count_requests import EVERY_SECONDS, count_requests
from dialer.actions.desk import Desk
from dialer.actions.hear_health import hear_health
from dialer.actions.hear_news import NewsListener
from dialer.actions.place_call import place_call
from dialer.actions.release_jobs import Release
from dialer.actions.watch_line import DATE_STEP, clock_sentence, line_clock_offset
from dialer.app import Dialer
from dialer.config import Settings
from dialer.errors import LineUnavailable, StoreUnavailable
from dialer.ledger.call_jobs import Ticket, renew_leases, report_fault
from dialer.limits.sent_calls import FLUSH_EVERY_SECONDS
from jobs.place_calls import declare_place_calls
from jobs.queues import Queue
from workers.process import Stop, open_broker, repeat, run_worker

log = structlog.get_logger()

FAULTS_THAT_FAIL = 3  #: faults of ours reported for one call job that finish it as failed
FAULT_DELAY = timedelta(seconds=30)
#: Calls between their taking and their POST.  A process makes some 1,500 a second: this many are claimed well within
#: the longest lead, so a trunk faster than the process makes calls late, never in vain.
MOST_ON_THEIR_WAY = 400
POLL_MS = 100  #: how long a message may lie on the queue before an idle caller sees it
WAIT_FOR_ROOM_SECONDS = 1.0  #: an actor waits this long for room before it gives its release back
CLOCK_EVERY_SECONDS = 60.0


class Caller:
    """The calls of this process, and who may still join them."""

    def __init__(self, dialer: Dialer, stop: Stop, *, most: int, news: NewsListener) -> None:
        self.dialer = dialer
        self.desk = Desk(dialer, news=news)
        self.stop = stop
        self.most = most
        self.clocks_agree = False
        self._loop = asyncio.get_running_loop()
        self._calls: dict[asyncio.Task[None], Ticket] = {}

    @property
    def calls(self) -> int:
        return len(self._calls)

    def take(self, release: Release) -> None:
        """Called by Dramatiq's threads: hand a release to the event loop and return."""
        asyncio.run_coroutine_threadsafe(self._admit(release), self._loop).result()

    async def _admit(self, release: Release) -> None:
        """Start the release's calls, or give it back when there is no room or no more calls are to begin."""
        tickets = [
            Ticket(
                attempt_id=self.dialer.new_id(),
                call_job_id=call_job_id,
                release_id=release.release_id,
                trunk_id=release.trunk_id,
            )
            for call_job_id in release.call_job_ids
        ]
        if self.stop.asked.is_set() or not self.clocks_agree or not await self._has_room(len(tickets)):
            await asyncio.gather(*(self.desk.give_back(ticket, timedelta(seconds=1)) for ticket in tickets))
            return
        for ticket in tickets:
            task = self._loop.create_task(self._call(ticket))
            self._calls[task] = ticket
            task.add_done_callback(self._calls.pop)

    async def _has_room(self, wanted: int) -> bool:
        end = self._loop.time() + WAIT_FOR_ROOM_SECONDS
        while not self._fits(wanted) and (left := end - self._loop.time()) > 0:
            self.desk.moved.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.desk.moved.wait(), left)
        return self._fits(wanted)

    def _fits(self, wanted: int) -> bool:
        return self.calls + wanted <= self.most and self.desk.waiting + wanted <= MOST_ON_THEIR_WAY

    async def _call(self, ticket: Ticket) -> None:
        try:
            await place_call(self.desk, ticket)
        except StoreUnavailable as error:
            log.warning("call_given_up", attempt_id=str(ticket.attempt_id), error=str(error))
        except Exception:
            log.exception("call_broke", attempt_id=str(ticket.attempt_id), call_job_id=ticket.call_job_id)
            await self._report_fault(ticket)

    async def _report_fault(self, ticket: Ticket) -> None:
        """Only what was not claimed moves; an attempt that is open is asked about by the rescuer."""
        try:
            await report_fault(self.dialer.ledger, ticket, most=FAULTS_THAT_FAIL, delay=FAULT_DELAY)
        except StoreUnavailable as error:
            log.warning("fault_not_reported", attempt_id=str(ticket.attempt_id), error=str(error))

    async def renew(self) -> None:
        """Keep the leases of call jobs that are held and not claimed yet."""
        tickets: Iterable[Ticket] = list(self._calls.values())
        if tickets:
            await renew_leases(self.dialer.ledger, list(tickets), lease=self.dialer.leases.call_job)

    async def compare_clocks(self) -> None:
        """Nothing is dialed while LiveKit's clock and the ledger's are too far apart to trust the fence."""
        try:
            offset = await line_clock_offset(self.dialer)
        except LineUnavailable as error:
            log.warning("clocks_not_compared", error=str(error))
            self.clocks_agree = True  # the feeder releases nothing while LiveKit is away
            return
        self.clocks_agree = abs(offset) <= self.dialer.fence.clocks + DATE_STEP
        if not self.clocks_agree:
            log.error("clocks_apart", detail=clock_sentence(offset))

    async def count_requests(self) -> None:
        """LiveKit's quota is shared with all other processes."""
        await count_requests(self.dialer, self.desk.terms)

    async def drain(self) -> None:
        """Wait for the open POSTs; answered calls stay in the ledger for the next caller."""
        if not self._calls:
            return
        over = asyncio.ensure_future(asyncio.wait(self._calls))
        leaving = asyncio.ensure_future(self.stop.at_once.wait())
        await asyncio.wait([over, leaving], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        leaving.cancel()


async def call(dialer: Dialer, stop: Stop, settings: Settings) -> None:
    """Run a caller until it is told to stop."""
    async with NewsListener(dialer) as news:
        await _call(Caller(dialer, stop, most=settings.calls_per_caller, news=news), settings)


async def _call(caller: Caller, settings: Settings) -> None:
    dialer, stop = caller.dialer, caller.stop
    await caller.compare_clocks()
    broker = open_broker(settings, dialer)
    declare_place_calls(broker, caller.take)
    worker = Worker(broker, queues={Queue.CALLS.value}, worker_threads=4, worker_timeout=POLL_MS)
    worker.start()
    async with asyncio.TaskGroup() as rounds:
        third_of_a_lease = dialer.leases.call_job.total_seconds() / 3
        rounds.create_task(repeat(caller.renew, stop, every=third_of_a_lease, name="renew"))
        rounds.create_task(repeat(caller.compare_clocks, stop, every=CLOCK_EVERY_SECONDS, name="compare_clocks"))
        rounds.create_task(repeat(caller.count_requests, stop, every=EVERY_SECONDS, name="count_requests"))
        rounds.create_task(repeat(caller.desk.sent_calls.flush, stop, every=FLUSH_EVERY_SECONDS, name="sent_calls"))
        hearing = rounds.create_task(hear_health(dialer, caller.desk.terms))
        await stop.asked.wait()
        hearing.cancel()
    caller.desk.stopping = True  # from this moment on no call begins; to stop Dramatiq's threads takes a while
    log.info("caller_draining", calls=caller.calls)
    await asyncio.to_thread(worker.stop)
    await caller.drain()
    broker.close()


if __name__ == "__main__":
    run_worker("caller", call, goes_first=True)
