"""Durations and moments as operators read them.  Pure."""

from datetime import UTC, datetime, timedelta

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
