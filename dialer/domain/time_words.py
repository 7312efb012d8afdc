"""Durations and moments as operators read and write them.  Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.errors import InvalidInput

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(duration: timedelta) -> str:
    """``4 min 10 s``: the largest unit and the one below it; below zero is ``0 s``."""
    left = max(0, round(duration.total_seconds()))
    counts: list[tuple[int, str]] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        counts.append((count, unit))
    first = next((place for place, (count, _) in enumerate(counts) if count), len(counts) - 1)
    shown = [f"{count} {unit}" for count, unit in counts[first : first + 2] if count]
    return " ".join(shown) or "0 s"


def moment(at: datetime, *, now: datetime) -> str:
    """``14:05:10 UTC``, with the date when it is another day than ``now``."""
    at = at.astimezone(UTC)
    same_day = at.date() == now.astimezone(UTC).date()
    return at.strftime("%H:%M:%S UTC" if same_day else "%Y-%m-%d %H:%M UTC")


def ahead(at: datetime, *, now: datetime) -> str:
    """``14:05:10 UTC, in 4 min 10 s``; ``now`` when it has come."""
    return f"{moment(at, now=now)}, in {span(at - now)}" if at > now else "now"


def local(at: datetime, time_zone: str) -> str:
    """``2026-12-01 09:00 Europe/Berlin``."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} {time_zone}"


def parse_moment(text: str, *, time_zone: str) -> datetime:
    """Read ISO 8601, as ``2026-12-01T09:00+01:00``; without an offset it is the time on the clocks of ``time_zone``.

    Returns:
        UTC.

    Raises:
        InvalidInput: it is not a time, or no moment that a computer can name.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(time_zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{text[:60]!r} is not a time",
            hint=f"write '2026-12-01 09:00' for the clocks of {time_zone}, or 2026-12-01T09:00+01:00",
        ) from error
