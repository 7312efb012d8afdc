"""When calls were let go, trunk by trunk, of all callers together: the fullest second of the last minute is read here.

Each caller keeps the moments at which its gate opened, and writes them once a second.  Nothing waits for it, and what
is lost with a caller, or with Redis, is lost to this figure only.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from redis.exceptions import RedisError

from dialer.clock import Clock
from dialer.errors import StoreUnavailable
from dialer.limits.redis_clock import RedisClock
from dialer.limits.redis_session import RedisSession

KEPT = timedelta(seconds=70)
LOOKED_AT = timedelta(seconds=60)
FLUSH_EVERY_SECONDS = 1.0
#: The newest moments may not be written yet.
_NOT_YET = timedelta(seconds=1.5)
_SHORTEST_RATE_WINDOW = timedelta(seconds=10)
_CALLS_IN_A_WINDOW = 3  #: a trunk of one call in 10 s is looked at for 30 s
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SentLately:
    """What a trunk was sent.

    Attributes:
        calls_per_second: lately, over some seconds.
        peak_second: most calls in one sliding second of the last minute.
    """

    calls_per_second: float
    peak_second: int


class SentCalls:
    """The calls that this caller has let go and not written yet."""

    def __init__(self, session: RedisSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._redis_clock = RedisClock()
        self._moments: deque[tuple[int, UUID, float]] = deque()

    def note(self, trunk_id: int, attempt_id: UUID) -> None:
        """The gate lets this call go now."""
        self._moments.append((trunk_id, attempt_id, self._clock.seconds()))

    @property
    def waiting(self) -> int:
        """Calls that were noted and not written."""
        return len(self._moments)

    async def flush(self) -> None:
        """Write what was noted; while Redis is away it is kept for as long as anybody would look at it.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        oldest = self._clock.seconds() - KEPT.total_seconds()
        while self._moments and self._moments[0][2] < oldest:
            self._moments.popleft()
        if not self._moments:
            return
        sent = self._clock.seconds()
        redis_now = await self._session.time()
        self._redis_clock.observe(sent=sent, received=self._clock.seconds(), redis_seconds=redis_now)
        taken = len(self._moments)  # more are noted while this is written
        await self._write(list(self._moments)[:taken], redis_now=redis_now)
        for _ in range(taken):
            self._moments.popleft()

    async def _write(self, moments: Iterable[tuple[int, UUID, float]], *, redis_now: float) -> None:
        of_trunk: dict[int, dict[bytes, float]] = {}
        for trunk_id, attempt_id, at in moments:
            of_trunk.setdefault(trunk_id, {})[attempt_id.bytes] = round(self._redis_clock.redis(at) * _SECOND)
        try:
            async with self._session.client.pipeline(transaction=False) as pipeline:
                for trunk_id, members in of_trunk.items():
                    key = _key(self._session, trunk_id)
                    pipeline.zadd(key, members)
                    pipeline.zremrangebyscore(key, "-inf", round((redis_now - KEPT.total_seconds()) * _SECOND))
                    # Written before Redis's clock was set back: they would be counted with others when it comes there.
                    pipeline.zremrangebyscore(key, round((redis_now + 1) * _SECOND), "+inf")
                    pipeline.expire(key, KEPT)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error


async def sent_lately(session: RedisSession, limits: dict[int, float]) -> dict[int, SentLately]:
    """What trunks were sent, by trunk id.

    Args:
        limits: of each trunk, in calls per second: a slow one is looked at for longer.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    now = round(await session.time() * _SECOND)
    try:
        async with session.client.pipeline(transaction=False) as pipeline:
            for trunk_id in limits:
                since = now - round(LOOKED_AT.total_seconds() * _SECOND)
                pipeline.zrangebyscore(_key(session, trunk_id), since, "+inf", withscores=True)
            answers = cast(list[list[tuple[bytes, float]]], await pipeline.execute())
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return {
        trunk_id: _lately([int(score) for _, score in scored], now=now, limit=limit)
        for (trunk_id, limit), scored in zip(limits.items(), answers, strict=True)
    }


def _lately(moments: Sequence[int], *, now: int, limit: float) -> SentLately:
    window = min(max(_SHORTEST_RATE_WINDOW, timedelta(seconds=_CALLS_IN_A_WINDOW / limit)), LOOKED_AT - _NOT_YET)
    end = now - round(_NOT_YET.total_seconds() * _SECOND)
    since = end - round(window.total_seconds() * _SECOND)
    lately = sum(since < at <= end for at in moments)
    return SentLately(calls_per_second=lately / window.total_seconds(), peak_second=fullest_second(moments))


def fullest_second(moments: Sequence[int]) -> int:
    """Most of these moments, ascending microseconds, that lie in one second: [t, t + 1 s)."""
    most = first = 0
    for place, at in enumerate(moments):
        while at - moments[first] >= _SECOND:
            first += 1
        most = max(most, place - first + 1)
    return most


def _key(session: RedisSession, trunk_id: int) -> str:
    return session.key(f"sent:{trunk_id}")
