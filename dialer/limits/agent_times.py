"""How long voice agents took to come, lately: the last few of each campaign, in Redis.

Only a hint for how much the feeder releases.  When Redis has forgotten it, less is released until the next one came.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import structlog
from redis.exceptions import RedisError

from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession

log = structlog.get_logger()

KEPT = 20  #: of each campaign
LATELY = timedelta(minutes=5)  #: after so long without an agent nothing is known any more


async def note_agent_time(session: RedisSession, campaign_id: int, *took: timedelta) -> None:
    """Agents came.  A Redis that does not answer loses it."""
    key = _key(session, campaign_id)
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            pipeline.lpush(key, *(f"{time.total_seconds():.3f}" for time in took))
            pipeline.ltrim(key, 0, KEPT - 1)
            pipeline.expire(key, LATELY)
            await pipeline.execute()
    except (RedisError, OSError) as error:
        log.warning("agent_time_not_noted", campaign_id=campaign_id, error=str(error))


async def usual_agent_times(session: RedisSession, campaign_ids: Sequence[int]) -> dict[int, timedelta]:
    """The mean of each campaign of which something is known.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    if not campaign_ids:
        return {}
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            for campaign_id in campaign_ids:
                pipeline.lrange(_key(session, campaign_id), 0, KEPT - 1)
            answers = cast(list[list[bytes]], await pipeline.execute())  # redis-py does not type a pipeline's replies
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return {
        campaign_id: timedelta(seconds=sum(map(float, took)) / len(took))
        for campaign_id, took in zip(campaign_ids, answers, strict=True)
        if took
    }


def _key(session: RedisSession, campaign_id: int) -> str:
    return session.key(f"agents:{campaign_id}")
