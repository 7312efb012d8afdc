"""The feeder: turns call jobs that are due into messages, and watches whether LiveKit can be dialed through.

Those whose calling window has closed it moves into the next one, also while nobody can be dialed.

Any number may run: a trunk is released by whoever holds its lock in the ledger.
"""

import asyncio

import structlog
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from dialer.actions.release_jobs import FeederMemory, note_callers_behind, release_due, somebody_dials
from dialer.actions.reopen_jobs import reopen_jobs
from dialer.actions.watch_line import watch_line
from dialer.app import Dialer
from dialer.config import Settings
from dialer.errors import StoreUnavailable
from dialer.ledger.call_jobs import cancel_waiting
from dialer.ledger.campaign_moves import finish_campaigns
from jobs.broker import messages_waiting
from jobs.place_calls import enqueue_releases
from jobs.queues import Queue
from workers.process import Stop, open_broker, repeat, run_worker

log = structlog.get_logger()

RELEASE_EVERY_SECONDS = 0.2
TIDY_EVERY_SECONDS = 0.5
WATCH_EVERY_SECONDS = 5.0
#: More messages than this on the queue: the callers are behind, and what is added would only grow old.
MOST_MESSAGES = 500


async def feed(dialer: Dialer, stop: Stop, settings: Settings) -> None:
    """Run a feeder until it is told to stop."""
    broker = open_broker(settings, dialer)
    memory = FeederMemory()

    async def release() -> None:
        try:
            if not await somebody_dials(dialer, memory):
                return
            if await asyncio.to_thread(messages_waiting, broker, Queue.CALLS) > MOST_MESSAGES:
                await note_callers_behind(dialer, memory)
                return
            if releases := await release_due(dialer, memory):
                await asyncio.to_thread(enqueue_releases, broker, releases)
                jobs = sum(len(release.call_job_ids) for release in releases)
                log.debug("jobs_released", messages=len(releases), call_jobs=jobs)
        except (RedisError, BrokerConnectionError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error

    async def tidy() -> None:
        await cancel_waiting(dialer.ledger)
        await reopen_jobs(dialer)
        for name in await finish_campaigns(dialer.ledger):
            log.info("campaign_finished", campaign=name)

    async def watch() -> None:
        await watch_line(dialer)

    async with asyncio.TaskGroup() as rounds:
        rounds.create_task(repeat(watch, stop, every=WATCH_EVERY_SECONDS, name="watch_line"))
        rounds.create_task(repeat(release, stop, every=RELEASE_EVERY_SECONDS, name="release"))
        rounds.create_task(repeat(tidy, stop, every=TIDY_EVERY_SECONDS, name="tidy"))


if __name__ == "__main__":
    run_worker("feeder", feed)
