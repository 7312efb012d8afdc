"""Hears that the health of a trunk has changed, and reads it anew at once: the gate asks what was read last.

Without Redis nobody is called; a message that is lost costs the second after which everything is read anyway.
"""

import asyncio

import structlog
from redis.exceptions import RedisError

from dialer.actions.call_terms import TermsBook
from dialer.actions.trunk_health import health_channel
from dialer.app import Dialer
from dialer.errors import StoreUnavailable

log = structlog.get_logger()

_POLL_SECONDS = 0.5
_RECONNECT_SECONDS = 1.0


async def hear_health(dialer: Dialer, terms: TermsBook) -> None:
    """Listen for ever."""
    while True:
        try:
            async with dialer.redis.client.pubsub(ignore_subscribe_messages=True) as pubsub:
                await pubsub.subscribe(health_channel(dialer))
                while True:
                    if await pubsub.get_message(timeout=_POLL_SECONDS) is not None:
                        await terms.read_again()
        except (RedisError, OSError, StoreUnavailable) as error:
            log.warning("health_not_heard", error=str(error))
            await asyncio.sleep(_RECONNECT_SECONDS)
