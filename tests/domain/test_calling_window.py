"""Calling hours as they are written: read, kept, told and compared."""

from datetime import time, timedelta

import pytest

from dialer.domain.calling_window import (
    ALWAYS,
    CallingHours,
    CallingWindow,
    parse_weekdays,
    parse_window,
)
from dialer.errors import InvalidInput
from tests.domain.calling_hours import BERLIN, RING, hours, utc

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "opens", "closes"),
    [
        pytest.param("09:00-20:00", time(9), time(20), id="a day"),
        pytest.param(" 9:05 - 20:30 ", time(9, 5), time(20, 30), id="blanks, one digit"),
        pytest.param("22:00-06:00", time(22), time(6), id="over midnight"),
        pytest.param("09:00-24:00", time(9), time(0), id="to midnight"),
        pytest.param("00:00-24:00", time(0), time(0), id="the whole day"),
    ],
)
def test_hours_are_read_and_written(text: str, opens: time, closes: time) -> None:
    window = parse_window(text)
    assert (window.opens, window.closes) == (opens, closes)
    assert CallingWindow.from_json(window.to_json()) == window


@pytest.mark.parametrize(
    "text",
    [
        "09:00-09:00",
        "00:00-00:00",
        "24:00-09:00",
        "09:00-24:30",
        "9-17",
        "09:60-10:00",
        "25:00-26:00",
        "",
        "any",
        "\u0660\u0669:00-20:00",
    ],
)
def test_hours_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_window(text)
    assert "09:00-20:00" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("text", "days", "written"),
    [
        pytest.param("mon-fri", {0, 1, 2, 3, 4}, "mon-fri", id="a range"),
        pytest.param("Mon, Wed ,FRI", {0, 2, 4}, "mon,wed,fri", id="a list"),
        pytest.param("sat-mon", {5, 6, 0}, "sat-mon", id="over Sunday"),
        pytest.param("monday-thursday,sun", {0, 1, 2, 3, 6}, "sun-thu", id="full names"),
        pytest.param("mon-sun", {0, 1, 2, 3, 4, 5, 6}, "mon-sun", id="all"),
        pytest.param("tue", {1}, "tue", id="one"),
    ],
)
def test_weekdays_are_read_and_written(text: str, days: set[int], written: str) -> None:
    assert parse_weekdays(text) == days
    assert parse_window("09:00-20:00", parse_weekdays(text)).days == written
    assert parse_weekdays(written) == days


@pytest.mark.parametrize("text", ["", "mo", "mon-", "mon,,tue", "montag", "1-5", "mon-fri-sun"])
def test_weekdays_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_weekdays(text)
    assert "mon-fri" in (raised.value.hint or "")


def test_hours_come_back_from_the_ledger_as_they_were() -> None:
    kept = hours("22:00-06:00", "fri-sun", BERLIN, closed_hours_count=True, end_at=utc("2026-12-01"))
    columns = {"time_zone": BERLIN, "start_at": None, "end_at": kept.end_at, "ringing_timeout": RING}
    assert CallingHours.from_json(kept.to_json(), **columns) == kept  # type: ignore[arg-type]
    assert CallingHours.from_json({}, time_zone=None, start_at=None, end_at=None, ringing_timeout=RING) == ALWAYS


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(ALWAYS, "at any time", id="any"),
        pytest.param(
            hours(days="mon-fri", zone=BERLIN),
            "09:00-20:00 mon-fri, Europe/Berlin: open until 2026-11-24 20:00 Europe/Berlin",
            id="open",
        ),
        pytest.param(hours("14:00-15:00"), "14:00-15:00 mon-sun, UTC: closed, opens 2026-11-24 14:00 UTC", id="closed"),
        pytest.param(
            hours("14:00-15:00", end_at=utc("2026-11-24T13:00")),
            "14:00-15:00 mon-sun, UTC: does not open again",
            id="over",
        ),
    ],
)
def test_in_words(rule: CallingHours, expected: str) -> None:
    assert rule.text_at(utc("2026-11-24T12:00")) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(ALWAYS, CallingHours(ringing_timeout=timedelta(seconds=60)), False, id="ringing, but no hours"),
        pytest.param(hours(), hours(zone=BERLIN), True, id="zone"),
        pytest.param(ALWAYS, hours(), True, id="hours"),
        pytest.param(hours(), hours(closed_hours_count=True), False, id="what a delay counts"),
    ],
)
def test_other_hours(before: CallingHours, after: CallingHours, expected: bool) -> None:
    assert before.is_other_than(after) is expected
