"""The open hours of a week as moments of the real world, in one time zone or in several at once.  Pure.

A moment is open when the clock on the wall there reads a time of the window.  Where a change of daylight saving makes
that doubtful, it is closed: a time that does not exist is the moment of the change, and of one that comes twice a
window opens at the second and closes at the first.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dialer.errors import InvalidInput

#: From, to (exclusive); None: without end.
Span = tuple[datetime, datetime | None]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)", re.ASCII)
_HOURS_HINT = "write 09:00-20:00; 22:00-06:00 goes over midnight, 00:00-24:00 is the whole day"
_DAYS_HINT = "write mon-fri, or mon,wed,fri, or sat-mon"
_DAY = timedelta(days=1)
#: Spans are computed from a day before to so many days after: more than a week, whatever the zone.
_DAYS_AHEAD = 9


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """Hours of some weekdays.

    Attributes:
        opens, closes: on the wall clock.  Closing at or before the opening is meant for the next day; 00:00 is
            midnight at the end of the day, and 00:00 to 00:00 the whole day.
        weekdays: of the opening; 0 is Monday.
    """

    opens: time
    closes: time
    weekdays: frozenset[int]

    @property
    def hours(self) -> str:
        """``09:00-20:00``, as ``parse_window`` reads it."""
        closes = f"{self.closes:%H:%M}" if self.closes != time(0) else "24:00"
        return f"{self.opens:%H:%M}-{closes}"

    @property
    def is_whole_day(self) -> bool:
        return self.opens == self.closes

    @property
    def days(self) -> str:
        """``mon-fri``, ``mon,wed`` or ``sat-mon``, as ``parse_weekdays`` reads it."""
        if self.weekdays == EVERY_DAY:
            return "mon-sun"
        runs = [day for day in sorted(self.weekdays) if (day - 1) % 7 not in self.weekdays]
        return ",".join(_run(first, self.weekdays) for first in runs)

    def to_json(self) -> dict[str, str]:
        return {"hours": self.hours, "weekdays": self.days}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CallingWindow":
        return parse_window(stored["hours"], parse_weekdays(stored["weekdays"]))


def _run(first: int, weekdays: frozenset[int]) -> str:
    last = first
    while (last + 1) % 7 in weekdays:
        last = (last + 1) % 7
    return WEEKDAYS[first] if last == first else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"


def parse_window(text: str, weekdays: frozenset[int] = EVERY_DAY) -> CallingWindow:
    """Read ``09:00-20:00``.

    Raises:
        InvalidInput: it is not written so, or opens and closes at the same time.
    """
    parts = _HOURS.fullmatch(text.strip())
    if not parts:
        raise InvalidInput(f"{text!r} are no calling hours", hint=_HOURS_HINT)
    opens, closes = (int(parts[1]), int(parts[2])), (int(parts[3]), int(parts[4]))
    if opens[0] > 23 or opens[1] > 59 or closes[1] > 59 or closes > (24, 0):
        raise InvalidInput(f"{text!r} are no calling hours: there is no such time", hint=_HOURS_HINT)
    if opens == closes:
        raise InvalidInput(f"{text!r} opens and closes at the same time", hint=_HOURS_HINT)
    return CallingWindow(opens=time(*opens), closes=time(closes[0] % 24, closes[1]), weekdays=weekdays)


def parse_weekdays(text: str) -> frozenset[int]:
    """Read ``mon-fri``, ``mon,wed,fri`` or ``sat-mon``; full names do as well.

    Raises:
        InvalidInput: a word is no weekday.
    """
    found: set[int] = set()
    for part in text.casefold().split(","):
        first, dash, last = part.partition("-")
        day, end = _weekday(first, text), _weekday(last if dash else first, text)
        found |= {(day + step) % 7 for step in range((end - day) % 7 + 1)}
    return frozenset(found)


def _weekday(word: str, text: str) -> int:
    word = word.strip()
    for day, name in enumerate(_NAMES):
        if len(word) >= 3 and name.startswith(word):
            return day
    raise InvalidInput(f"{text!r} are no weekdays: {word!r} is none", hint=_DAYS_HINT)


@lru_cache(maxsize=8192)
def open_spans(windows: tuple[CallingWindow, ...], zones: str, day: date) -> tuple[Span, ...]:
    """When all of ``zones`` (IANA names, joined by commas) are open around ``day`` (UTC): from the day before it to
    9 days after, in order.  Spans that touch are one.
    """
    names = zones.split(",")
    spans = _spans_in(windows, ZoneInfo(names[0]), day)
    for name in names[1:]:
        spans = _both(spans, _spans_in(windows, ZoneInfo(name), day))
    return tuple(spans)


_Closed = tuple[datetime, datetime]


def _spans_in(windows: Iterable[CallingWindow], zone: ZoneInfo, day: date) -> list[_Closed]:
    days = [day + timedelta(days=step) for step in range(-2, _DAYS_AHEAD + 2)]
    spans = [_span_on(date, window, zone) for window in windows for date in days if date.weekday() in window.weekdays]
    return _joined(span for span in spans if span[0] < span[1])


def _span_on(day: date, window: CallingWindow, zone: ZoneInfo) -> _Closed:
    opens = datetime.combine(day, window.opens)
    closes = datetime.combine(day if window.closes > window.opens else day + _DAY, window.closes)
    opening, closing = _moment(opens, zone, second=True), _moment(closes, zone)
    return (opening if opening < closing else _moment(opens, zone)), closing


def _moment(local: datetime, zone: ZoneInfo, *, second: bool = False) -> datetime:
    """When the clock in ``zone`` reads ``local``: the first time or the second; a time left out is its change."""
    early = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if late < early:  # how zoneinfo reads a time that does not exist: by the offset before, and by that after
        return _change_between(late, early, zone)
    return late if second else early


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _joined(spans: Iterable[_Closed]) -> list[_Closed]:
    joined: list[_Closed] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


def _both(left: list[_Closed], right: list[_Closed]) -> list[_Closed]:
    found = [(max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right]
    return sorted(span for span in found if span[0] < span[1])
