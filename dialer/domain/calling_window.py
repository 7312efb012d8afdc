"""When a contact may be called: the one place where this rule lives.  Pure.

A campaign's hours are read on the clock of the place where the contact lives; of a contact who may live in one of
several zones, the hours have to be open in all of them.  No phone rings outside: a call begins ``ringing_timeout``
before the closing at the latest (``decisions.md`` 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.domain.opening_times import CallingWindow, Span, open_spans, parse_weekdays, parse_window
from dialer.domain.time_words import local

__all__ = ["ALWAYS", "CallingHours", "CallingWindow", "Opening", "parse_weekdays", "parse_window"]

#: A contact whose hours do not open within this time is not waited for.
LONGEST_CLOSED = timedelta(days=7)
#: Hours so short that the delay of a ladder takes longer than this: it is over then.
LONGEST_DELAY = timedelta(days=60)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """A call may begin at ``at`` and later, and not after ``until``; None: it never closes."""

    at: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallingHours:
    """When a campaign's contacts may be called.

    Attributes:
        windows: of the week; none: at any time.
        time_zone: IANA name; of contacts whose own zone is not known.
        start_at, end_at: nobody's phone rings before the one and from the other on; aware.
        ringing_timeout: how long a phone may ring; a call begins so long before the closing, or not at all.
        closed_hours_count: a ladder's delay goes on while it is closed; see ``after``.
    """

    windows: tuple[CallingWindow, ...] = ()
    time_zone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None
    ringing_timeout: timedelta = timedelta(seconds=30)
    closed_hours_count: bool = False

    @property
    def are_any_time(self) -> bool:
        """Neither hours nor start nor end: nothing has to be computed for anybody."""
        return not self.windows and self.end_at is None and self.start_at is None

    @property
    def text(self) -> str:
        """``09:00-20:00 mon-fri, Europe/Berlin``, or ``at any time``."""
        windows = "; ".join(f"{window.hours} {window.days}" for window in self.windows)
        return f"{windows}, {self.time_zone}" if windows else "at any time"

    def text_at(self, at: datetime) -> str:
        """``text``, and whether it is open at ``at`` on the clocks of the campaign's own zone, and until when."""
        if not self.windows:
            return self.text
        opening = self.next_opening(at)
        if opening is None:
            return f"{self.text}: does not open again"
        if opening.at > at:
            return f"{self.text}: closed, opens {local(opening.at, self.time_zone)}"
        closes = opening.until and local(opening.until + self.ringing_timeout, self.time_zone)
        return f"{self.text}: open until {closes}"

    def is_other_than(self, others: "CallingHours") -> bool:
        """Whether the others may open or close at another moment than these."""
        if self.are_any_time and others.are_any_time:
            return False
        return replace(self, closed_hours_count=False) != replace(others, closed_hours_count=False)

    def next_opening(self, at: datetime, zones: str = "") -> Opening | None:
        """The first moment, at ``at`` or later, when a call may begin.

        Args:
            at: aware.
            zones: IANA names joined by commas, of which any may be the contact's; empty: the campaign's own zone.

        Returns:
            None: it does not open before the end, or within 7 days (of the start, when that is still to come).
        """
        first = max(at, self.start_at) if self.start_at else at
        for opens, closes in self._spans(first, zones):
            begin = max(first, opens)
            if begin > first + LONGEST_CLOSED:
                return None
            until = self._last_moment(closes)
            if until is None or until > begin:
                return Opening(begin.astimezone(UTC), until)
        return None

    def is_open(self, at: datetime, zones: str = "") -> bool:
        """Whether a call may begin at this moment."""
        opening = self.next_opening(at, zones)
        return opening is not None and opening.at <= at

    def after(self, start: datetime, delay: timedelta, zones: str = "") -> datetime:
        """When a ladder's ``delay``, begun at ``start``, is over; it may be a moment when it is closed.

        Whole days (24 h) count as they are: who is to be tried again tomorrow is tried tomorrow, however few hours of
        it are open.  Only the rest counts in open hours: with hours to 20:00, two hours after 19:30 are over one and a
        half hours after the next opening, and not at the opening itself, together with everybody else's.  With
        ``closed_hours_count`` all of it counts as it is.
        """
        days = delay // _DAY * _DAY
        rest = delay - days
        if self.closed_hours_count or not self.windows or not rest:
            return start + delay
        begun = latest = start + days
        while begun < latest + LONGEST_DELAY:
            spans = self._spans(begun, zones)
            for opens, closes in spans:
                opened = max(begun, opens)
                if closes is None or opened + rest <= closes:
                    return (opened + rest).astimezone(UTC)
                rest -= closes - opened
                begun = closes
            begun = begun if spans else begun + _DAY
        return latest + LONGEST_DELAY

    def to_json(self) -> dict[str, Any]:
        """What ``campaigns.calling_hours`` holds; zone, start and end have columns of their own."""
        return {
            "windows": [window.to_json() for window in self.windows],
            "closed_hours_count": self.closed_hours_count,
        }

    @classmethod
    def from_json(
        cls,
        stored: Mapping[str, Any],
        *,
        time_zone: str | None,
        start_at: datetime | None,
        end_at: datetime | None,
        ringing_timeout: timedelta,
    ) -> "CallingHours":
        """The hours of a campaign as the ledger keeps them; an empty ``stored`` is any time."""
        return cls(
            windows=tuple(CallingWindow.from_json(window) for window in stored.get("windows", ())),
            time_zone=time_zone or "UTC",
            start_at=start_at,
            end_at=end_at,
            ringing_timeout=ringing_timeout,
            closed_hours_count=bool(stored.get("closed_hours_count", False)),
        )

    def _spans(self, at: datetime, zones: str) -> tuple[Span, ...]:
        """What is open at ``at`` or later, for some days; one that has no end when there are no windows."""
        if not self.windows:
            return ((at, None),)
        spans = open_spans(self.windows, zones or self.time_zone, at.astimezone(UTC).date())
        return tuple(span for span in spans if span[1] is None or span[1] > at)

    def _last_moment(self, closes: datetime | None) -> datetime | None:
        ends = [moment for moment in (closes, self.end_at) if moment is not None]
        return min(ends).astimezone(UTC) - self.ringing_timeout if ends else None


#: No hours, no start, no end.
ALWAYS = CallingHours()
