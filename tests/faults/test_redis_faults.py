"""The short form of what happens to Redis in mid-run, with leases a tenth as long as in life.

``python -m benchmarks.pacing redis`` is the long one.
"""

import asyncio

import pytest

from benchmarks.pacing.judges import count_in, most_at_once, windows_above
from benchmarks.pacing.play import livekit_id
from benchmarks.pacing.redis_faults import (
    CALLS_PER_SECOND,
    CHANNELS,
    STEP_SECONDS,
    Told,
    clock_step,
    flushall,
    pause,
    play,
    restart_empty,
    restart_with_data,
)

pytestmark = pytest.mark.fault

#: A lost message's call jobs come again after a tenth of a minute.
REST_SECONDS = 7.0
LAST_SECONDS = 3.0


@pytest.fixture(scope="module")
def told() -> Told:
    """One run in which everything happens, one after the other."""
    harms = {
        "FLUSHALL": flushall,
        "kill -9, empty": restart_empty,
        "kill -9, with its file": restart_with_data,
        "stands still": pause(3),
        "clock ahead": clock_step(STEP_SECONDS),
        "clock back": clock_step(0),
    }
    return asyncio.run(play(harms, rest_seconds=REST_SECONDS, before_seconds=6, fence_scale=0.1))


def test_no_second_at_the_carrier_holds_more_calls_than_the_limit(told: Told) -> None:
    for number in (1, 2):
        moments = [each.at for each in told.seen if each.trunk == livekit_id(number)]
        assert len(moments) > CALLS_PER_SECOND
        assert windows_above(moments, CALLS_PER_SECOND) == 0


def test_no_more_calls_are_up_than_there_are_channels(told: Told) -> None:
    full = [each for each in told.seen if each.trunk == livekit_id(2)]
    assert most_at_once(full) == CHANNELS


def test_calls_go_on_by_themselves_after_each_fault(told: Told) -> None:
    moments = [each.at for each in told.seen if each.trunk == livekit_id(1)]
    dialed = {fault.name: count_in(moments, (fault.until - LAST_SECONDS, fault.until)) for fault in told.faults}
    assert len(dialed) >= 4
    assert all(dialed.values()), dialed
