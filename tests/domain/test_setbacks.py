"""How long what broke is left alone."""

from datetime import timedelta
from uuid import UUID

import pytest

from dialer.domain.setbacks import Setbacks

pytestmark = pytest.mark.unit

ONE, OTHER = UUID(int=1), UUID(int=2)


def make_setbacks() -> Setbacks:
    return Setbacks(first=timedelta(seconds=5), longest=timedelta(seconds=15))


def test_each_rest_is_twice_as_long_up_to_the_longest() -> None:
    setbacks, now, rests = make_setbacks(), 100.0, []
    for _ in range(4):
        setbacks.note(broken=[ONE], done=[], now=now)
        rest = next(seconds for seconds in range(1, 60) if not setbacks.resting(now + seconds))
        rests.append(rest)
        now += rest
    assert rests == [5, 10, 15, 15]


def test_one_that_went_well_begins_anew_and_others_rest_on() -> None:
    setbacks = make_setbacks()
    for now in (0.0, 5.0):
        setbacks.note(broken=[ONE, OTHER], done=[], now=now)
    setbacks.note(broken=[], done=[ONE], now=6.0)
    assert setbacks.resting(6.0) == {OTHER}

    setbacks.note(broken=[ONE], done=[], now=20.0)
    assert setbacks.resting(24.0) == {ONE}
    assert setbacks.resting(25.0) == set()


def test_one_that_nobody_asks_for_any_more_is_forgotten() -> None:
    setbacks = make_setbacks()
    for now in (0.0, 5.0):
        setbacks.note(broken=[ONE], done=[], now=now)
    setbacks.resting(31.0)
    setbacks.note(broken=[ONE], done=[], now=31.0)
    assert setbacks.resting(36.0) == set()
