"""What the carrier's record is judged by, on records made up for it."""

import pytest

from benchmarks.pacing.judges import (
    Seen,
    at_share,
    channel_share,
    filled_after,
    gaps,
    longest_gap,
    most_at_once,
    most_in_window,
    read_record,
    regained_after,
    used_share,
    window_of,
    windows_above,
)

pytestmark = pytest.mark.unit


def even(per_second: float, seconds: float, *, begin: float = 0.0) -> list[float]:
    return [begin + place / per_second for place in range(round(per_second * seconds))]


def call(at: float, ended_at: float | None, refused: str | None = None) -> Seen:
    return Seen(at=at, trunk="ST_1", number="+12122000000", ended_at=ended_at, refused=refused)


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([0.0, 0.5, 0.999], 3, id="three within a second"),
        pytest.param([0.0, 0.5, 1.0], 2, id="one exactly a second ago no longer counts"),
        pytest.param([0.9, 1.0, 1.1, 2.05], 3, id="the second may begin anywhere"),
    ],
)
def test_the_busiest_sliding_second(moments: list[float], most: int) -> None:
    assert most_in_window(moments) == most


@pytest.mark.parametrize(
    ("moments", "limit", "above"),
    [
        pytest.param(even(64, 10), 64, 0, id="evenly at the limit"),
        pytest.param(even(65, 1), 64, 1, id="one more in its first second"),
        pytest.param([0.0, 0.1, 0.2, 0.3, 0.4], 2, 3, id="each that finds its second full counts"),
        pytest.param([0.0, 2.0, 4.0], 0.5, 0, id="one every two seconds"),
        pytest.param([0.0, 1.99, 4.0], 0.5, 1, id="one that comes 10 ms early"),
        pytest.param([0.0, 0.4, 0.8, 1.2], 2.5, 0, id="of a fraction above one what is evenly paced fits"),
    ],
)
def test_invites_that_find_their_window_full(moments: list[float], limit: float, above: int) -> None:
    assert windows_above(moments, limit) == above


def test_below_one_a_second_the_window_is_longer() -> None:
    assert window_of(0.5) == (1, 2.0)
    assert window_of(7) == (7, 1.0)


def test_the_share_of_a_limit_counts_the_span_only() -> None:
    moments = [*even(10, 10), *even(5, 10, begin=10)]

    assert used_share(moments, (10, 20), 10) == pytest.approx(0.5)
    assert used_share(moments, (0, 20), 10) == pytest.approx(0.75)


def test_gaps_and_what_most_of_them_do_not_exceed() -> None:
    between = gaps([*even(10, 1), 2.9])

    assert at_share(between, 0.5) == pytest.approx(0.1)
    assert at_share(between, 0.99) == pytest.approx(2.0)
    assert at_share([], 0.5) == 0.0


@pytest.mark.parametrize(
    ("moments", "longest"),
    [
        pytest.param([1.0, 2.0, 5.0, 9.0], 4.0, id="between two"),
        pytest.param([5.0, 6.0], 5.0, id="before the first"),
        pytest.param([1.0, 3.0], 7.0, id="after the last"),
        pytest.param([], 10.0, id="nothing at all"),
        pytest.param([-3.0, 5.0, 12.0], 5.0, id="what is outside does not help"),
    ],
)
def test_the_longest_standstill_in_a_span(moments: list[float], longest: float) -> None:
    assert longest_gap(moments, (0.0, 10.0)) == pytest.approx(longest)


def test_channel_seconds_are_cut_at_the_span_and_leave_refused_calls_out() -> None:
    calls = [call(-5, 5), call(5, None), call(0, 10, refused="channels")]

    assert channel_share(calls, (0, 10), 2) == pytest.approx(0.5)


def test_a_call_that_ends_as_another_begins_is_not_up_beside_it() -> None:
    assert most_at_once([call(0, 5), call(5, 9), call(8, None)]) == 2
    assert most_at_once([call(0, 5), call(1, 2, refused="cps")]) == 1


def test_a_rate_is_regained_where_its_first_full_window_begins() -> None:
    moments = [*even(1, 10), *even(10, 20, begin=10)]

    assert regained_after(moments, 3, per_second=9, until=30) == pytest.approx(7, abs=0.6)
    assert regained_after(moments, 3, per_second=9, until=14) is None
    assert regained_after(moments, 3, per_second=11, until=30) is None


def test_channels_are_full_again_from_the_first_full_window_on() -> None:
    calls = [call(8, 30), call(10, 30)]

    assert filled_after(calls, 0, channels=2, share=0.97, until=30) == pytest.approx(10, abs=0.5)
    assert filled_after(calls, 0, channels=3, share=0.97, until=30) is None


def test_the_record_is_read_in_the_order_of_time_also_without_refusals() -> None:
    page = {"invites": [{"at": at, "trunk": "ST_1", "number": "+1", "ended_at": None} for at in (2.0, 1.0)]}

    assert [seen.at for seen in read_record(page)] == [1.0, 2.0]
    assert read_record(page)[0].refused is None
