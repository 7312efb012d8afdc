"""What broke by itself is left alone for a while, each time for twice as long.  Pure.

Kept in the memory of one process: another one, or the same after its start, tries at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class _Rest:
    seconds: float
    until: float


class Setbacks:
    """Who rests, and until when.  Times are seconds of one steady clock, as arguments."""

    def __init__(self, *, first: timedelta, longest: timedelta) -> None:
        self._first, self._longest = first.total_seconds(), longest.total_seconds()
        self._rests: dict[UUID, _Rest] = {}

    def note(self, *, broken: Iterable[UUID], done: Iterable[UUID], now: float) -> None:
        """``broken`` rest from now on, longer than the last time; ``done`` never broke."""
        for one in done:
            self._rests.pop(one, None)
        for one in broken:
            before = self._rests.get(one)
            seconds = min(self._longest, before.seconds * 2 if before else self._first)
            self._rests[one] = _Rest(seconds, until=now + seconds)

    def resting(self, now: float) -> set[UUID]:
        """Those to be left alone now.  One that nobody has asked for long after its rest is forgotten."""
        self._rests = {one: rest for one, rest in self._rests.items() if rest.until + self._longest > now}
        return {one for one, rest in self._rests.items() if rest.until > now}
