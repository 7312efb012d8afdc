"""The limits' memory in Redis, for commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from console.session import Session
from dialer.ledger.installation import read_installation
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession


@asynccontextmanager
async def open_redis(session: Session) -> AsyncIterator[RedisSession]:
    """Redis, as the limits use it; that it does not answer shows when it is asked."""
    assert session.settings.redis_url is not None
    installation = await read_installation(session.ledger)
    redis = RedisSession(session.settings.redis_url.get_secret_value(), installation=installation.word)
    try:
        yield redis
    finally:
        await redis.close()


@asynccontextmanager
async def open_slots(session: Session) -> AsyncIterator[CallSlots]:
    """The call slots; a Redis that does not answer shows when they are read."""
    async with open_redis(session) as redis:
        yield CallSlots(redis)
