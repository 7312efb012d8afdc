"""When may a contact be called?  Midnight, weekdays, zones, starts and ends; and how long a delay is then."""

from datetime import timedelta

import pytest

from dialer.domain.calling_window import (
    ALWAYS,
    CallingHours,
    Opening,
    parse_window,
)
from tests.domain.calling_hours import BERLIN, NEW_YORK, RING, hours, span, utc

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("rule", "at", "expected"),
    [
        pytest.param(hours(), "2026-11-24T08:59", ("2026-11-24T09:00", "2026-11-24T20:00"), id="before"),
        pytest.param(hours(), "2026-11-24T09:00", ("2026-11-24T09:00", "2026-11-24T20:00"), id="at the opening"),
        pytest.param(hours(), "2026-11-24T19:59:29", ("2026-11-24T19:59:29", "2026-11-24T20:00"), id="just enough"),
        pytest.param(hours(), "2026-11-24T19:59:30", ("2026-11-25T09:00", "2026-11-25T20:00"), id="too late to ring"),
        pytest.param(hours(), "2026-11-24T20:00", ("2026-11-25T09:00", "2026-11-25T20:00"), id="at the closing"),
        pytest.param(
            hours("22:00-06:00"), "2026-11-24T03:00", ("2026-11-24T03:00", "2026-11-24T06:00"), id="after midnight"
        ),
        pytest.param(
            hours("22:00-06:00"), "2026-11-24T23:00", ("2026-11-24T23:00", "2026-11-25T06:00"), id="before midnight"
        ),
        pytest.param(
            hours("22:00-06:00", "fri"),
            "2026-11-28T03:00",
            ("2026-11-28T03:00", "2026-11-28T06:00"),
            id="Saturday morning belongs to Friday night",
        ),
        pytest.param(
            hours("22:00-06:00", "fri"),
            "2026-11-27T03:00",
            ("2026-11-27T22:00", "2026-11-28T06:00"),
            id="Friday morning does not",
        ),
        pytest.param(
            hours("09:00-20:00", "mon-fri"),
            "2026-11-27T20:00",
            ("2026-11-30T09:00", "2026-11-30T20:00"),
            id="from Friday to Monday",
        ),
        pytest.param(
            hours("22:00-06:00", "sun"),
            "2026-11-30T01:00",
            ("2026-11-30T01:00", "2026-11-30T06:00"),
            id="Sunday night reaches into Monday",
        ),
        pytest.param(
            hours("00:00-24:00", "sat-mon"),
            "2026-11-28T12:00",
            ("2026-11-28T12:00", "2026-12-01T00:00"),
            id="whole days are one",
        ),
        pytest.param(
            hours("09:00-24:00"), "2026-11-24T23:59", ("2026-11-24T23:59", "2026-11-25T00:00"), id="24:00 is midnight"
        ),
        pytest.param(
            hours("09:00-20:00", "tue"),
            "2026-11-24T19:59:45",
            ("2026-12-01T09:00", "2026-12-01T20:00"),
            id="in a week, just within 7 days",
        ),
        pytest.param(
            hours(start_at=utc("2026-12-05T12:00")),
            "2026-11-24T12:00",
            ("2026-12-05T12:00", "2026-12-05T20:00"),
            id="not before the start",
        ),
        pytest.param(
            hours(end_at=utc("2026-11-24T15:00")),
            "2026-11-24T12:00",
            ("2026-11-24T12:00", "2026-11-24T15:00"),
            id="the end closes",
        ),
        pytest.param(hours(end_at=utc("2026-11-25T09:00:30")), "2026-11-24T20:00", None, id="the end comes too early"),
        pytest.param(hours(end_at=utc("2026-11-24T09:00")), "2026-11-24T12:00", None, id="the end is past"),
        pytest.param(
            CallingHours(end_at=utc("2026-11-24T15:00")),
            "2026-11-24T12:00",
            ("2026-11-24T12:00", "2026-11-24T15:00"),
            id="an end without hours",
        ),
        pytest.param(
            CallingHours(windows=(parse_window("09:00-09:01"),), ringing_timeout=timedelta(seconds=60)),
            "2026-11-24T08:00",
            None,
            id="never open long enough",
        ),
    ],
)
def test_next_opening(rule: CallingHours, at: str, expected: tuple[str, str] | None) -> None:
    assert span(rule.next_opening(utc(at))) == (expected and (utc(expected[0]), utc(expected[1])))


def test_without_hours_it_is_always_open() -> None:
    now = utc("2026-11-24T03:00")
    assert ALWAYS.next_opening(now) == Opening(now, None)
    assert CallingHours(start_at=now + RING).next_opening(now) == Opening(now + RING, None)
    assert ALWAYS.after(now, timedelta(hours=2)) == now + timedelta(hours=2)


@pytest.mark.parametrize(
    ("zones", "at", "expected"),
    [
        pytest.param("", "2026-11-24T12:00", ("2026-11-24T12:00", "2026-11-24T19:00"), id="the campaign's own"),
        pytest.param(NEW_YORK, "2026-11-24T12:00", ("2026-11-24T14:00", "2026-11-25T01:00"), id="the contact's"),
        pytest.param(
            "America/Los_Angeles,America/New_York",
            "2026-11-24T12:00",
            ("2026-11-24T17:00", "2026-11-25T01:00"),
            id="two coasts: both open",
        ),
        pytest.param(
            "Asia/Kamchatka,Europe/Kaliningrad",
            "2026-11-24T12:00",
            ("2026-11-25T07:00", "2026-11-25T08:00"),
            id="one hour is open from Kamchatka to Kaliningrad",
        ),
        pytest.param("Europe/London,Pacific/Auckland", "2026-11-24T12:00", None, id="13 hours apart: never"),
        pytest.param("Asia/Kathmandu", "2026-11-24T12:00", ("2026-11-24T12:00", "2026-11-24T14:15"), id="+05:45"),
        pytest.param("Australia/Eucla", "2026-11-24T12:00", ("2026-11-25T00:15", "2026-11-25T11:15"), id="+08:45"),
        pytest.param("Asia/Calcutta", "2026-11-24T12:00", ("2026-11-24T12:00", "2026-11-24T14:30"), id="an old name"),
    ],
)
def test_zones(zones: str, at: str, expected: tuple[str, str] | None) -> None:
    opening = hours(zone=BERLIN).next_opening(utc(at), zones)
    assert span(opening) == (expected and (utc(expected[0]), utc(expected[1])))


def test_beyond_the_date_line_it_is_another_weekday() -> None:
    """Sunday noon in UTC is Monday in Kiritimati, and still Sunday in Honolulu."""
    rule, noon = hours(days="mon"), utc("2026-11-29T19:30")
    assert span(rule.next_opening(noon, "Pacific/Kiritimati")) == (noon, utc("2026-11-30T06:00"))
    assert span(rule.next_opening(noon, "Pacific/Honolulu")) == (utc("2026-11-30T19:00"), utc("2026-12-01T06:00"))


@pytest.mark.parametrize(
    ("rule", "start", "delay", "expected"),
    [
        pytest.param(hours(), "2026-11-24T10:00", timedelta(hours=2), "2026-11-24T12:00", id="while it is open"),
        pytest.param(hours(), "2026-11-24T19:30", timedelta(hours=2), "2026-11-25T10:30", id="over the night"),
        pytest.param(hours(), "2026-11-24T18:00", timedelta(hours=2), "2026-11-24T20:00", id="to the very closing"),
        pytest.param(hours(), "2026-11-24T22:00", timedelta(minutes=10), "2026-11-25T09:10", id="begun at night"),
        pytest.param(hours(), "2026-11-24T19:30", timedelta(days=1), "2026-11-25T19:30", id="a day is a day"),
        pytest.param(hours(), "2026-11-24T22:00", timedelta(days=3), "2026-11-27T22:00", id="days end at any hour"),
        pytest.param(
            hours(), "2026-11-24T19:30", timedelta(days=1, hours=1), "2026-11-26T09:30", id="a day and an hour"
        ),
        pytest.param(
            hours(days="mon-fri"), "2026-11-27T19:00", timedelta(hours=2), "2026-11-30T10:00", id="over the weekend"
        ),
        pytest.param(
            hours("09:00-10:00", "mon"), "2026-11-23T09:30", timedelta(hours=2), "2026-12-07T09:30", id="over weeks"
        ),
        pytest.param(
            hours(closed_hours_count=True), "2026-11-24T19:30", timedelta(hours=2), "2026-11-24T21:30", id="a setting"
        ),
    ],
)
def test_a_delay(rule: CallingHours, start: str, delay: timedelta, expected: str) -> None:
    assert rule.after(utc(start), delay) == utc(expected)


def test_a_delay_counts_the_hours_of_the_contacts_zone() -> None:
    assert hours(zone=BERLIN).after(utc("2026-11-25T00:30"), timedelta(hours=1), NEW_YORK) == utc("2026-11-25T14:30")


def test_a_delay_in_zones_that_are_never_open_together_ends_some_day() -> None:
    start = utc("2026-11-24T00:00")
    assert hours().after(start, timedelta(hours=1), "Europe/London,Pacific/Auckland") == start + timedelta(days=60)
