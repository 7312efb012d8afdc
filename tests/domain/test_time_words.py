"""Durations and moments in words."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.domain.time_words import ahead, moment, span

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (0.2, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (5400, "1 h 30 min"),
        (86_400 + 7200, "1 d 2 h"),
        (86_400 + 59, "1 d"),
    ],
)
def test_span(seconds: float, expected: str) -> None:
    assert span(timedelta(seconds=seconds)) == expected


def test_moment_says_the_day_when_it_is_another() -> None:
    assert moment(NOON, now=NOON) == "12:00:00 UTC"
    assert moment(NOON + timedelta(days=1), now=NOON) == "2026-05-05 12:00 UTC"


def test_ahead() -> None:
    assert ahead(NOON + timedelta(seconds=70), now=NOON) == "12:01:10 UTC, in 1 min 10 s"
    assert ahead(NOON, now=NOON) == "now"
