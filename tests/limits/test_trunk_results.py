"""The last results of each trunk, shared by all callers, on a real Valkey."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from dialer.domain.trunk_result import ResultKind, TrunkResult, number_mark
from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession
from dialer.limits.trunk_results import KEPT, LATELY, note_results

pytestmark = pytest.mark.limits

REFUSED = TrunkResult(
    begun_at=datetime(2026, 11, 24, 12, 0, 0, 123_457, tzinfo=UTC),
    attempt_id=UUID(int=1),
    number_mark=number_mark("+14155550100"),
    kind=ResultKind.FAILURE,
    rule="sip_503",
    sip_code=503,
    seconds=0.231,
    rang=None,
)
ANSWERED = replace(REFUSED, attempt_id=UUID(int=2), kind=ResultKind.OK, rule="answered", sip_code=None, rang=True)
DIED_OUT = replace(REFUSED, attempt_id=UUID(int=3), rule="ring_timeout", sip_code=None, seconds=30.0, rang=False)


def session_of(redis_url: str) -> RedisSession:
    return RedisSession(redis_url, installation="test")


def numbered(count: int, *, start: int = 1) -> list[TrunkResult]:
    return [replace(REFUSED, attempt_id=UUID(int=number)) for number in range(start, start + count)]


async def test_results_come_back_as_they_were_noted_newest_last(redis_url: str) -> None:
    session = session_of(redis_url)
    assert await note_results(session, 1, [REFUSED]) == [REFUSED]
    assert await note_results(session, 1, [ANSWERED, DIED_OUT]) == [REFUSED, ANSWERED, DIED_OUT]


async def test_the_window_is_shared_by_all_callers_and_each_trunk_has_its_own(redis_url: str) -> None:
    mine, theirs = session_of(redis_url), session_of(redis_url)
    await note_results(mine, 1, [REFUSED])
    assert await note_results(theirs, 1, [ANSWERED]) == [REFUSED, ANSWERED]
    assert await note_results(theirs, 2, [DIED_OUT]) == [DIED_OUT]


async def test_looking_changes_nothing(redis_url: str) -> None:
    session = session_of(redis_url)
    assert await note_results(session, 1, []) == []
    await note_results(session, 1, [REFUSED])
    assert await note_results(session, 1, []) == [REFUSED]


async def test_the_last_fifty_are_kept_also_of_many_noted_at_once(redis_url: str) -> None:
    session = session_of(redis_url)
    await note_results(session, 1, numbered(40))
    window = await note_results(session, 1, numbered(20, start=41))
    assert [result.attempt_id.int for result in window] == list(range(11, 61))
    assert await note_results(session, 1, numbered(500, start=1000)) == numbered(KEPT, start=1450)


async def test_callers_at_once_lose_no_result(redis_url: str) -> None:
    sessions = [session_of(redis_url) for _ in range(4)]
    await asyncio.gather(
        *(note_results(session, 1, numbered(10, start=10 * place)) for place, session in enumerate(sessions))
    )
    window = await note_results(sessions[0], 1, [])
    assert {result.attempt_id.int for result in window} == set(range(40))


async def test_what_is_old_is_forgotten(redis_url: str) -> None:
    session = session_of(redis_url)
    await note_results(session, 1, [REFUSED])
    key = session.key("results:1")
    assert LATELY - timedelta(seconds=5) <= timedelta(seconds=await session.client.ttl(key)) <= LATELY
    await session.client.expire(key, 1)
    await note_results(session, 1, [ANSWERED])
    assert await session.client.ttl(key) > 200


async def test_no_number_is_kept(redis_url: str) -> None:
    session = session_of(redis_url)
    await note_results(session, 1, [REFUSED])
    [text] = await session.client.lrange(session.key("results:1"), 0, -1)
    assert b"4155550100" not in text
    assert len(text) < 130


async def test_an_entry_that_another_version_wrote_is_left_out(redis_url: str) -> None:
    session = session_of(redis_url)
    await session.client.rpush(session.key("results:1"), "[1,2]", "nonsense", "{}", '[1,"x","m","new_kind","r",1,1,1]')
    assert await note_results(session, 1, [REFUSED]) == [REFUSED]


async def test_a_time_of_another_zone_is_the_same_moment(redis_url: str) -> None:
    there = replace(REFUSED, begun_at=REFUSED.begun_at.astimezone(timezone(timedelta(hours=9))))
    [result] = await note_results(session_of(redis_url), 1, [there])
    assert result.begun_at == REFUSED.begun_at


async def test_without_redis_nothing_is_known(unused_tcp_port: int) -> None:
    session = session_of(f"redis://127.0.0.1:{unused_tcp_port}/0")
    with pytest.raises(StoreUnavailable):
        await note_results(session, 1, [REFUSED])
