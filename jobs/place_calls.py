"""The job *place calls*: one release of up to 20 call jobs of one trunk.

At most once: the ledger retries, never the queue.
"""

from collections.abc import Callable
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from dialer.actions.release_jobs import Release
from jobs.queues import Queue

ACTOR = "place_calls"


def enqueue_releases(broker: RedisBroker, releases: list[Release]) -> None:
    """Put releases on the queue.  The feeder has already marked their call jobs QUEUED in the ledger."""
    for release in releases:
        broker.enqueue(
            dramatiq.Message(
                queue_name=Queue.CALLS.value,
                actor_name=ACTOR,
                args=(str(release.release_id), release.trunk_id, list(release.call_job_ids)),
                kwargs={},
                options={},
            )
        )


def declare_place_calls(broker: RedisBroker, take: Callable[[Release], None]) -> None:
    """Let ``take`` receive the releases.  It hands them on and returns: the message is acknowledged at once."""

    def place_calls(release_id: str, trunk_id: int, call_job_ids: list[int]) -> None:
        take(Release(release_id=UUID(release_id), trunk_id=int(trunk_id), call_job_ids=tuple(map(int, call_job_ids))))

    dramatiq.Actor(
        place_calls,
        broker=broker,
        actor_name=ACTOR,
        queue_name=Queue.CALLS.value,
        priority=0,
        options={"max_retries": 0},
    )
