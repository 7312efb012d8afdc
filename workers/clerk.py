"""The clerk: reads the news of LiveKit, and does what else is on the queues that no caller serves.

Any number may run.  A job that was lost costs some seconds: one of them reads what nobody has handled.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog
from dramatiq import Worker

from dialer.actions.call_terms import TermsBook
from dialer.actions.read_news import read_news
from dialer.app import Dialer
from dialer.config import Settings
from dialer.domain.setbacks import Setbacks
from dialer.errors import StoreUnavailable
from dialer.ledger.events import attempts_with_old_news, forget_old_events
from jobs.queues import Queue
from jobs.read_news import declare_read_news
from workers.process import Stop, open_broker, repeat, run_worker

log = structlog.get_logger()

OLD = timedelta(seconds=5)  #: events that nobody has handled for so long are read by whoever leads
POLL_MS = 50  #: how long a message may lie on the queue before an idle clerk sees it
MOST = 500  #: attempts read at once
OLD_EVERY_SECONDS = 1.0
FORGET_EVERY = 60  #: rounds of reading what was left lying
LEAD_EVERY_SECONDS = 2.0
BITE = 1000  #: events deleted in one statement
#: An attempt whose news broke is left alone for so long, then for twice as long, and so on.
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=10)


class Clerk:
    """Gathers attempts from messages and reads them together."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer
        self.terms = TermsBook(dialer)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[UUID, None] = {}
        self._came = asyncio.Event()
        self._setbacks = Setbacks(first=FIRST_REST, longest=LONGEST_REST)

    def take(self, attempt_ids: list[UUID]) -> None:
        """Called by Dramatiq's threads."""
        self._loop.call_soon_threadsafe(self._put, attempt_ids)

    def _put(self, attempt_ids: Iterable[UUID]) -> None:
        self._waiting |= dict.fromkeys(attempt_ids)
        self._came.set()

    async def work(self) -> None:
        """Read for ever; what fails stays unhandled in the ledger and is read again from there."""
        while True:
            await self._came.wait()
            batch = list(self._waiting)[:MOST]
            for attempt_id in batch:
                del self._waiting[attempt_id]
            if not self._waiting:
                self._came.clear()
            try:
                resting = self._resting()
                await self._read([attempt_id for attempt_id in batch if attempt_id not in resting])
            except StoreUnavailable as error:
                log.warning("news_not_read", attempts=len(batch), error=str(error))
            except Exception:
                log.exception("news_broke", attempts=len(batch))

    async def read_old(self) -> None:
        """Read what was left lying: the job was lost, or an owner that decides has gone since, or it broke."""
        await self._read(
            await attempts_with_old_news(self.dialer.ledger, older_than=OLD, most=MOST, without=self._resting())
        )

    def _resting(self) -> set[UUID]:
        return self._setbacks.resting(self.dialer.clock.seconds())

    async def _read(self, attempt_ids: list[UUID]) -> None:
        if not attempt_ids:
            return
        done = await read_news(self.dialer, self.terms, attempt_ids)
        kept = set(attempt_ids) - set(done.broken)
        self._setbacks.note(broken=done.broken, done=kept, now=self.dialer.clock.seconds())


async def lead(desk: Clerk, stop: Stop, settings: Settings) -> None:
    """Read what was left lying and forget what is old, while no other clerk does."""
    async with desk.dialer.ledger.leading("clerk") as leading:
        if leading is None:
            return
        forget_at = 0
        while not (stop.asked.is_set() or leading.lost.is_set()):
            await desk.read_old()
            if forget_at % FORGET_EVERY == 0:
                await forget(desk.dialer, stop, keep=timedelta(days=settings.events_keep_days))
            forget_at += 1
            await stop.rest(OLD_EVERY_SECONDS)


async def forget(dialer: Dialer, stop: Stop, *, keep: timedelta) -> None:
    """Delete old events, in small bites."""
    while not stop.asked.is_set() and await forget_old_events(dialer.ledger, keep=keep, most=BITE) == BITE:
        await stop.rest(0.1)


async def clerk(dialer: Dialer, stop: Stop, settings: Settings) -> None:
    """Run a clerk until it is told to stop."""
    desk = Clerk(dialer)

    async def lead_if_nobody_does() -> None:
        await lead(desk, stop, settings)

    broker = open_broker(settings, dialer)
    declare_read_news(broker, desk.take)
    queues = {queue.value for queue in Queue if queue is not Queue.CALLS}
    worker = Worker(broker, queues=queues, worker_threads=2, worker_timeout=POLL_MS)
    worker.start()
    working = asyncio.create_task(desk.work())
    async with asyncio.TaskGroup() as rounds:
        rounds.create_task(repeat(lead_if_nobody_does, stop, every=LEAD_EVERY_SECONDS, name="lead_clerks"))
        await stop.asked.wait()
    await asyncio.to_thread(worker.stop)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    broker.close()


if __name__ == "__main__":
    run_worker("clerk", clerk)
