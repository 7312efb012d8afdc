"""Events in a sliding window of time: what a limit counts, and what a witness remembers.  Pure."""

from bisect import bisect_left, bisect_right, insort
from typing import Final

SECOND: Final = 1.0
_LATE_SECONDS: Final = 1.0  #: how much earlier than the newest event one may still come


class BusiestWindow:
    """How many events a sliding window holds, and the most it ever held.

    An event exactly one window ago no longer counts.  Events may come a little out of order: they count where they
    belong.
    """

    def __init__(self, window_seconds: float = SECOND) -> None:
        self._window_seconds = window_seconds
        self._moments: list[float] = []  # sorted
        self.most = 0

    def add(self, at: float) -> None:
        """Count one event."""
        moments = self._moments
        insort(moments, at)
        for end in range(bisect_left(moments, at), len(moments)):
            held = end + 1 - bisect_right(moments, moments[end] - self._window_seconds)
            self.most = max(self.most, held)
        del moments[: bisect_right(moments, moments[-1] - self._window_seconds - _LATE_SECONDS)]

    def count(self, at: float) -> int:
        """How many events the window that ends at ``at`` holds."""
        return bisect_right(self._moments, at) - bisect_right(self._moments, at - self._window_seconds)
