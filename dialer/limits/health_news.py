"""Tells every caller that the health of something has changed: each reads it anew at once, not within a second."""

from contextlib import suppress

from redis.exceptions import RedisError

from dialer.limits.redis_session import RedisSession

CHANNEL = "health"


async def tell_callers(session: RedisSession) -> None:
    """Where Redis does not answer, each finds it by itself."""
    with suppress(RedisError, OSError):
        await session.client.publish(session.key(CHANNEL), b"changed")
