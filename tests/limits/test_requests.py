"""Requests to LiveKit, of all processes, over the last minute."""

import asyncio

import pytest

from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession
from dialer.limits.requests import KEPT_SECONDS, note_requests, requests_of_last_minute

pytestmark = pytest.mark.limits


def session_of(redis_url: str, *, installation: str = "test") -> RedisSession:
    return RedisSession(redis_url, installation=installation)


async def test_all_processes_count_together(redis_url: str) -> None:
    mine, theirs = session_of(redis_url), session_of(redis_url)
    await asyncio.gather(*(note_requests(each, 3) for each in (mine, theirs, mine)))

    assert await requests_of_last_minute(theirs) == 9


async def test_every_installation_counts_for_itself(redis_url: str) -> None:
    await note_requests(session_of(redis_url), 5)
    assert await requests_of_last_minute(session_of(redis_url, installation="other")) == 0


@pytest.mark.parametrize(
    ("age", "counted"),
    [pytest.param(KEPT_SECONDS - 2, True, id="58 s ago"), pytest.param(KEPT_SECONDS + 1, False, id="61 s ago")],
)
async def test_a_request_is_counted_for_a_minute(redis_url: str, age: int, counted: bool) -> None:
    session = session_of(redis_url)
    await session.client.set(session.key(f"requests:{int(await session.time()) - age}"), 7)
    assert (await requests_of_last_minute(session) == 7) is counted


async def test_what_was_counted_is_forgotten_soon_after(redis_url: str) -> None:
    session = session_of(redis_url)
    await note_requests(session, 1)
    [key] = [key async for key in session.client.scan_iter(match="*requests*")]
    assert KEPT_SECONDS < await session.client.ttl(key) <= KEPT_SECONDS + 10


async def test_redis_away_is_said() -> None:
    nobody = session_of("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable):
        await note_requests(nobody, 1)
    with pytest.raises(StoreUnavailable):
        await requests_of_last_minute(nobody)
