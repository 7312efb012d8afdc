"""When may a contact be called?  Zones, changes of daylight saving, midnight, starts and ends."""

import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.domain.calling_window import (
    ALWAYS,
    CallingHours,
    CallingWindow,
    Opening,
    parse_weekdays,
    parse_window,
)
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

RING = timedelta(seconds=30)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def hours(text: str = "09:00-20:00", days: str = "mon-sun", zone: str = "UTC", **more: object) -> CallingHours:
    window = parse_window(text, parse_weekdays(days))
    return CallingHours(windows=(window,), time_zone=zone, ringing_timeout=RING, **more)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def there(text: str, zone: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def span(opening: Opening | None) -> tuple[datetime, datetime] | None:
    """From, and the closing: the last moment of a call and its ringing."""
    if opening is None:
        return None
    assert opening.until is not None
    return opening.at, opening.until + RING


# Reading


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


# Opening


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


def test_a_day_that_was_left_out_is_closed() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    opening = hours().next_opening(there("2011-12-29T21:00", "Pacific/Apia"), "Pacific/Apia")
    assert span(opening) == (there("2011-12-31T09:00", "Pacific/Apia"), there("2011-12-31T20:00", "Pacific/Apia"))


@pytest.mark.parametrize(
    ("zone", "window", "at", "opens", "closes"),
    [
        pytest.param(BERLIN, "09:00-20:00", "2026-03-28T20:00", "2026-03-29T07:00Z", "2026-03-29T18:00Z", id="spring"),
        pytest.param(BERLIN, "09:00-20:00", "2026-10-24T20:00", "2026-10-25T08:00Z", "2026-10-25T19:00Z", id="autumn"),
        pytest.param(
            BERLIN, "02:30-04:00", "2026-03-28T20:00", "2026-03-29T01:00Z", "2026-03-29T02:00Z", id="opens in the gap"
        ),
        pytest.param(
            BERLIN, "01:00-02:30", "2026-03-28T20:00", "2026-03-29T00:00Z", "2026-03-29T01:00Z", id="closes in the gap"
        ),
        pytest.param(
            BERLIN, "02:10-02:40", "2026-03-28T20:00", "2026-03-30T00:10Z", "2026-03-30T00:40Z", id="lost in the gap"
        ),
        pytest.param(
            BERLIN, "01:00-02:30", "2026-10-24T20:00", "2026-10-24T23:00Z", "2026-10-25T00:30Z", id="first 02:30 closes"
        ),
        pytest.param(
            BERLIN, "02:30-20:00", "2026-10-24T20:00", "2026-10-25T01:30Z", "2026-10-25T19:00Z", id="second 02:30 opens"
        ),
        pytest.param(
            BERLIN, "02:10-02:40", "2026-10-24T20:00", "2026-10-25T00:10Z", "2026-10-25T00:40Z", id="twice: the first"
        ),
        pytest.param(
            BERLIN, "22:00-06:00", "2026-10-24T20:00", "2026-10-24T20:00Z", "2026-10-25T05:00Z", id="the long night"
        ),
        pytest.param(
            BERLIN, "22:00-06:00", "2026-03-28T22:00", "2026-03-28T21:00Z", "2026-03-29T04:00Z", id="the short night"
        ),
        pytest.param(
            NEW_YORK, "02:30-04:00", "2026-03-07T20:00", "2026-03-08T07:00Z", "2026-03-08T08:00Z", id="New York, gap"
        ),
        pytest.param(
            NEW_YORK, "00:30-01:30", "2026-10-31T20:00", "2026-11-01T04:30Z", "2026-11-01T05:30Z", id="New York, twice"
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "02:15-04:00",
            "2026-10-03T20:00",
            "2026-10-03T15:30Z",
            "2026-10-03T17:00Z",
            id="Lord Howe changes by half an hour: gap",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "01:00-01:45",
            "2026-04-04T20:00",
            "2026-04-04T14:00Z",
            "2026-04-04T14:45Z",
            id="Lord Howe, twice",
        ),
    ],
)
def test_daylight_saving(zone: str, window: str, at: str, opens: str, closes: str) -> None:
    found = span(hours(window).next_opening(there(at, zone), zone))
    assert found == (datetime.fromisoformat(opens), datetime.fromisoformat(closes))


ZONES = (
    "UTC",
    BERLIN,
    NEW_YORK,
    "America/Los_Angeles",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Apia",
)


def is_within(window: CallingWindow, at: datetime, zone: str) -> bool:
    """By the clock on the wall, and in no other way."""
    clock = at.astimezone(ZoneInfo(zone))
    today, yesterday, now = clock.weekday(), (clock.weekday() - 1) % 7, clock.time()
    if window.opens < window.closes:
        return today in window.weekdays and window.opens <= now < window.closes
    return (today in window.weekdays and now >= window.opens) or (yesterday in window.weekdays and now < window.closes)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_ever_rings_outside(seed: int) -> None:
    """In every zone, from the first moment of an opening to the end of the last ringing, minute by minute."""
    chance = random.Random(seed)
    changes = [utc("2026-03-29"), utc("2026-10-25"), utc("2026-03-08"), utc("2026-11-01"), utc("2026-04-05")]
    for _ in range(150):
        minutes = chance.sample(range(0, 1440, 5), 2)
        window = CallingWindow(
            opens=time(*divmod(minutes[0], 60)),
            closes=time(*divmod(minutes[1], 60)),
            weekdays=frozenset(chance.sample(range(7), chance.randint(1, 7))),
        )
        zones = chance.sample(ZONES, chance.choice((1, 1, 2, 3)))
        at = chance.choice(changes) + timedelta(minutes=chance.randint(-2880, 2880))
        rule = CallingHours(windows=(window,), ringing_timeout=RING)
        opening = rule.next_opening(at, ",".join(zones))
        if opening is None:
            continue
        assert opening.until is not None
        assert at <= opening.at < opening.until
        last_ring = opening.until + RING - timedelta(microseconds=1)
        moments = [opening.at, opening.until, last_ring]
        moments += [opening.at + (last_ring - opening.at) * step / 60 for step in range(60)]
        for zone in zones:
            assert all(is_within(window, moment, zone) for moment in moments), (window, zone, opening)


# Delays


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


# Words


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
