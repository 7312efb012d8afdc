"""How full the buckets of slots are and how far ahead turns are given out: many buckets with one question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis.exceptions import RedisError

from dialer.errors import StoreUnavailable
from dialer.limits.call_rate import CallRate
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession


@dataclass(frozen=True, slots=True)
class BucketUse:
    """By bucket.

    Attributes:
        calls: slots without an end: of calls that are, or may be, up.  Others wait for their agents or their turns.
        ahead: how far the next turn is away; zero: it is free.
    """

    calls: dict[str, int]
    ahead: dict[str, timedelta]


async def read_use(
    session: RedisSession, slots: CallSlots, rate: CallRate, *, slot_buckets: Sequence[str], rate_buckets: Sequence[str]
) -> BucketUse:
    """What these buckets hold now.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for bucket in slot_buckets:
                pipeline.zcount(slots.key(bucket), "+inf", "+inf")
            if rate_buckets:
                pipeline.mget([rate.key(bucket) for bucket in rate_buckets])
            answers = await pipeline.execute()
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    seconds, microseconds = cast(tuple[int, int], answers[0])  # redis-py does not type a pipeline's replies
    now = seconds * 1_000_000 + microseconds
    counts = cast(list[int], answers[1 : 1 + len(slot_buckets)])
    turns = cast(list[bytes | None], answers[1 + len(slot_buckets)]) if rate_buckets else []
    return BucketUse(
        calls=dict(zip(slot_buckets, counts, strict=True)),
        ahead={
            bucket: timedelta(microseconds=max(0, int(turn or 0) - now))
            for bucket, turn in zip(rate_buckets, turns, strict=True)
        },
    )
