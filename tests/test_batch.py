"""Batches: what is waiting goes together, and nobody is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from dialer.batch import MOST, Batcher, taken_apart
from dialer.errors import StoreUnavailable

pytestmark = pytest.mark.unit


async def double(numbers: Sequence[int]) -> Sequence[int]:
    return [2 * number for number in numbers]


async def test_a_question_asked_the_moment_a_batch_is_done_is_served() -> None:
    batcher = Batcher(double, gather_seconds=0, at_once=1)

    async with asyncio.timeout(2):
        assert [await batcher.ask(number) for number in range(5)] == [0, 2, 4, 6, 8]


async def test_questions_that_wait_together_are_served_together_and_each_gets_its_own_answer() -> None:
    batches: list[int] = []

    async def serve(numbers: Sequence[int]) -> Sequence[int]:
        batches.append(len(numbers))
        return await double(numbers)

    batcher = Batcher(serve)

    answers = await asyncio.gather(*(batcher.ask(number) for number in range(MOST + 20)))

    assert answers == [2 * number for number in range(MOST + 20)]
    assert sorted(batches) == [20, MOST]


async def test_a_batch_that_fails_fails_each_of_its_callers_and_the_next_one_goes_on() -> None:
    async def serve(numbers: Sequence[int]) -> Sequence[int]:
        if 13 in numbers:
            raise ValueError("thirteen")
        return await double(numbers)

    batcher = Batcher(serve)

    failed = await asyncio.gather(batcher.ask(1), batcher.ask(13), return_exceptions=True)

    assert [type(error) for error in failed] == [ValueError, ValueError]
    assert await batcher.ask(2) == 4


async def test_a_batch_that_breaks_is_taken_apart_until_what_breaks_it_is_alone() -> None:
    batches: list[int] = []
    done: list[int] = []

    async def work(numbers: Sequence[int]) -> None:
        batches.append(len(numbers))
        if {13, 14} & set(numbers):
            raise ValueError(numbers)
        done.extend(numbers)

    broken = await taken_apart(range(64), work)

    assert [number for number, _ in broken] == [13, 14]
    assert sorted(done) == [number for number in range(64) if number not in (13, 14)]
    assert len(batches) < 20


async def test_a_store_that_is_away_says_nothing_about_the_batch() -> None:
    tries = []

    async def work(numbers: Sequence[int]) -> None:
        tries.append(numbers)
        raise StoreUnavailable("PostgreSQL does not answer")

    with pytest.raises(StoreUnavailable):
        await taken_apart(range(64), work)
    assert len(tries) == 1
