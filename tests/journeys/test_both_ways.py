"""The same campaign with webhooks and by asking: the same results, row by row."""

import asyncio

import pytest

from tests.faults.chaos import SPEED
from tests.journeys.both_ways import ONE_LOOK, Way, go, report

pytestmark = pytest.mark.journey

#: A look on a busy machine is late by this much, in seconds of life.
LATE = 1.0 * SPEED


async def both() -> tuple[Way, Way]:
    """Both ways at once, each in a thread: what starts and stops processes holds its own event loop up."""
    told, asked = (go(contacts=40, seed=42, webhooks=webhooks) for webhooks in (True, False))
    return await asyncio.gather(asyncio.to_thread(asyncio.run, told), asyncio.to_thread(asyncio.run, asked))


async def test_both_ways_agree_row_by_row() -> None:
    found = report(*await both())

    assert found["states"] == ["finished", "finished"]
    assert found["differ_otherwise"] == []
    assert found["talks_compared"]["calls"] > 0
    assert [pair for pair in found["talks_apart"] if pair.seconds > ONE_LOOK + LATE] == []
    assert all(freed["calls"] > 0 for freed in found["slot_freed_after_the_end"].values())
    assert found["rooms_left"] == [[], []]
