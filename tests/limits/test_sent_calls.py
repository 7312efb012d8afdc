"""When calls were let go, of all callers together, on a real Valkey."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from dialer.clock import Clock
from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession
from dialer.limits.sent_calls import SentCalls, fullest_second, sent_lately

pytestmark = pytest.mark.limits

MAIN, OTHER = 1, 2


class SetClock(Clock):
    """Says what it is told to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def seconds(self) -> float:
        return self.at


def session_of(redis_url: str) -> RedisSession:
    return RedisSession(redis_url, installation="test")


async def sent(session: RedisSession, trunk_id: int, seconds_ago: Sequence[float]) -> None:
    """One caller has let calls go, the oldest first, and writes them now."""
    clock = SetClock(1000.0)
    calls = SentCalls(session, clock)
    for ago in seconds_ago:
        clock.at = 1000.0 - ago
        calls.note(trunk_id, uuid4())
    clock.at = 1000.0
    await calls.flush()


@pytest.mark.parametrize(
    ("milliseconds", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([5000], 1, id="one"),
        pytest.param([0, 999], 2, id="within one second"),
        pytest.param([0, 1000], 1, id="a second apart is not within one"),
        pytest.param([0, 600, 1100, 1200, 1599, 1601], 4, id="over the border between two whole seconds"),
    ],
)
def test_the_fullest_second_slides(milliseconds: list[int], most: int) -> None:
    assert fullest_second([1000 * each for each in milliseconds]) == most


async def test_calls_of_all_callers_are_counted_together_and_each_trunk_for_itself(redis_url: str) -> None:
    session = session_of(redis_url)
    await sent(session, MAIN, [20.0, 10.0, 9.9, 5.0])
    await sent(session_of(redis_url), MAIN, [9.8, 3.0])
    await sent(session, OTHER, [30.0])
    lately = await sent_lately(session, {MAIN: 5.0, OTHER: 5.0, 3: 5.0})
    assert {trunk: seen.peak_second for trunk, seen in lately.items()} == {MAIN: 3, OTHER: 1, 3: 0}
    assert lately[MAIN].calls_per_second == 0.5
    assert lately[OTHER].calls_per_second == 0.0


async def test_a_slow_trunk_is_looked_at_for_longer(redis_url: str) -> None:
    session = session_of(redis_url)
    await sent(session, MAIN, [25.0, 15.0, 5.0])
    assert (await sent_lately(session, {MAIN: 0.1}))[MAIN].calls_per_second == pytest.approx(0.1)


async def test_what_is_older_than_a_minute_is_not_in_the_peak_and_is_taken_away_in_the_end(redis_url: str) -> None:
    session = session_of(redis_url)
    await sent(session, MAIN, [69.3, 69.2, 69.1, 50.0])
    assert (await sent_lately(session, {MAIN: 5.0}))[MAIN].peak_second == 1
    key = session.key(f"sent:{MAIN}")
    assert await session.client.zcard(key) == 4
    for member in await session.client.zrange(key, 0, 2):
        assert isinstance(member, bytes)
        await session.client.zincrby(key, -2_000_000, member)
    await sent(session, MAIN, [0.0])
    assert await session.client.zcard(key) == 2
    assert 0 < await session.client.ttl(key) <= 70


async def test_while_redis_is_away_they_are_kept_and_written_once_afterwards(redis_url: str) -> None:
    clock = SetClock(1000.0)
    session = session_of(redis_url)
    away = session_of("redis://127.0.0.1:1/0")
    calls = SentCalls(away, clock)
    calls.note(MAIN, uuid4())
    clock.at = 1065.0
    calls.note(MAIN, uuid4())
    with pytest.raises(StoreUnavailable):
        await calls.flush()
    clock.at = 1071.0  # nobody would look at the first one any more
    assert calls.waiting == 2
    away.client = session.client
    await calls.flush()
    assert calls.waiting == 0
    assert await session.client.zcard(session.key(f"sent:{MAIN}")) == 1


async def test_what_was_written_before_redis_s_clock_was_set_back_is_taken_away(redis_url: str) -> None:
    session = session_of(redis_url)
    key = session.key(f"sent:{MAIN}")
    await session.client.zadd(key, {b"written later": (await session.time() + 600) * 1_000_000})
    await sent(session, MAIN, [1.0])
    assert await session.client.zcard(key) == 1
    assert (await sent_lately(session, {MAIN: 5.0}))[MAIN].peak_second == 1
