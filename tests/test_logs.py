"""Lines that anybody outside can cause."""

import pytest

from dialer.clock import Clock
from dialer.logs import Seldom

pytestmark = pytest.mark.unit


class FakeClock(Clock):
    """Stands where it is put."""

    at = 1000.0

    def seconds(self) -> float:
        return self.at


def test_a_key_is_told_once_in_a_while_with_the_count_of_what_was_left_out() -> None:
    clock = FakeClock()
    seldom = Seldom(clock, every=10)
    found = []
    for at in (0, 1, 2, 9.9, 10, 19.9, 25, 40):
        clock.at = 1000 + at
        found.append(seldom.left_out("forged"))
    assert found == [0, None, None, None, 3, None, 1, 0]


def test_each_key_is_told_for_itself() -> None:
    seldom = Seldom(FakeClock())
    assert [seldom.left_out(key) for key in ("forged", "forged", "broken", "broken")] == [0, None, 0, None]
