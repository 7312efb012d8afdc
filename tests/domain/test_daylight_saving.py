"""Calling hours on days that are shorter or longer, or are not there at all."""

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.domain.calling_window import (
    CallingHours,
    CallingWindow,
)
from tests.domain.calling_hours import BERLIN, NEW_YORK, RING, hours, span, there, utc

pytestmark = pytest.mark.unit


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
