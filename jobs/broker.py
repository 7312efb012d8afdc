"""The broker: Dramatiq on Redis, as a carrier of ids.  The ledger owns time, retries and limits.

None of Dramatiq's retries, delays, time limits or results is used; a message may be lost or come twice, and neither
hurts.  The client is ours, because redis-py would repeat a push whose reply was lost.
"""

import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.queues import Queue

#: A worker silent for this long has its unacknowledged messages handed to others.  Clocks that are apart shorten it.
HEARTBEAT_MS = 60_000
#: Every command looks for dead workers; the default looks once in a thousand, which can take a quarter of an hour.
ALWAYS = 1_000_000


def make_broker(redis_url: str, *, installation: str, threads: int = 4) -> RedisBroker:
    """A broker for one process; its keys carry the installation's word."""
    client = redis.Redis.from_url(
        redis_url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=15,
        socket_connect_timeout=3,
        max_connections=threads + 20,
        health_check_interval=15,
    )
    broker = RedisBroker(  # type: ignore[no-untyped-call]  # Dramatiq leaves this one untyped
        client=client,
        middleware=[Retries(max_retries=0)],
        namespace=f"dialer:{installation}:queue",
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=ALWAYS,
        dead_message_ttl=86_400_000,
    )
    for queue in Queue:
        broker.declare_queue(queue.value)
    return broker


def messages_waiting(broker: RedisBroker, queue: Queue) -> int:
    """How many messages nobody has fetched yet."""
    return int(broker.client.llen(f"{broker.namespace}:{queue.value}"))
