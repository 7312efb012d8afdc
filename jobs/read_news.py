"""The job *read news*: attempts that LiveKit has told something about.

At most once: the events are in the ledger, and the clerk reads those that nobody has handled.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from jobs.queues import Queue

ACTOR = "read_news"


def enqueue_news(broker: RedisBroker, attempt_ids: Sequence[UUID]) -> None:
    """Put attempts on the queue whose events are committed."""
    broker.enqueue(
        dramatiq.Message(
            queue_name=Queue.NEWS.value,
            actor_name=ACTOR,
            args=([str(attempt_id) for attempt_id in attempt_ids],),
            kwargs={},
            options={},
        )
    )


def declare_read_news(broker: RedisBroker, take: Callable[[list[UUID]], None]) -> None:
    """Let ``take`` receive the attempts.  It hands them on and returns."""

    def read_news(attempt_ids: list[str]) -> None:
        take([UUID(attempt_id) for attempt_id in attempt_ids])

    dramatiq.Actor(
        read_news,
        broker=broker,
        actor_name=ACTOR,
        queue_name=Queue.NEWS.value,
        priority=0,
        options={"max_retries": 0},
    )
