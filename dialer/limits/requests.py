"""How many requests all processes have made to LiveKit, second by second, for one minute.

LiveKit's own quota counts requests of any kind in a minute; what it refuses is not counted against it.
"""

from collections.abc import Sequence
from typing import cast

from redis.exceptions import RedisError

from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession

KEPT_SECONDS = 60


async def note_requests(session: RedisSession, count: int) -> None:
    """Count requests that were made just now.

    Raises:
        StoreUnavailable: Redis does not answer; whether they were counted is not known.
    """
    second = int(await session.time())
    key = _key(session, second)
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            pipeline.incrby(key, count)
            pipeline.expire(key, KEPT_SECONDS + 10)
            await pipeline.execute()
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error


async def requests_of_last_minute(session: RedisSession) -> int:
    """How many were made in the last 60 whole seconds.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    now = int(await session.time())
    keys = [_key(session, second) for second in range(now - KEPT_SECONDS, now + 1)]
    try:
        counts = cast(Sequence[bytes | None], await session.client.mget(keys))
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return sum(int(count) for count in counts if count)


def _key(session: RedisSession, second: int) -> str:
    return session.key(f"requests:{second}")
