"""How many events a sliding window holds."""

import pytest

from simulator.busiest_window import BusiestWindow

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        pytest.param([0.0, 0.5, 0.999], 3, id="within a second"),
        pytest.param([0.0, 1.0, 2.0], 1, id="a second apart is not within one"),
        pytest.param([0.0, 0.6, 1.2, 1.3, 1.4, 5.0], 4, id="the second slides"),
        pytest.param([0.0, 1.25, 0.75, 1.0], 3, id="late events count where they belong"),
        pytest.param([0.25, 1.25, 0.75, 1.0], 3, id="an event out of order does not stretch the second"),
        pytest.param([0.5, 0.5, 0.5], 3, id="at one moment"),
    ],
)
def test_the_busiest_second(moments: list[float], most: int) -> None:
    window = BusiestWindow()
    for moment in moments:
        window.add(moment)
    assert window.most == most


def test_the_window_that_ends_now_holds_neither_what_is_over_nor_what_is_to_come() -> None:
    window = BusiestWindow(2.0)
    for moment in (0.0, 1.0, 1.5, 2.5):
        window.add(moment)
    assert [window.count(at) for at in (0.5, 2.0, 3.0, 9.0)] == [1, 2, 2, 0]
