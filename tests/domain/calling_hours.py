"""Calling hours and moments, in the words that tests use."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.domain.calling_window import (
    CallingHours,
    Opening,
    parse_weekdays,
    parse_window,
)

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
