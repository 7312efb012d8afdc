"""LiveKit's own quota: how many API requests it takes of a project in a minute, whatever they ask for.

The minute slides and is a real one, at any speed.  Requests that are refused do not count in it.
"""

import time
from collections.abc import Callable
from typing import Final

from simulator.busiest_window import BusiestWindow
from simulator.twirp import Failure

MINUTE_SECONDS: Final = 60.0
#: no SIP code is with it: that is how it differs from a busy callee
QUOTA_EXCEEDED: Final = Failure("resource_exhausted", "api request rate limit exceeded")


class Quota:
    """Counts requests."""

    def __init__(self, per_minute: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.refused = 0  #: requests so far
        self.limit(per_minute)

    def limit(self, per_minute: int | None) -> None:
        """Take so many from now on, None: as many as come.  The minute begins anew.  ValueError: not even one."""
        if per_minute is not None and per_minute < 1:
            raise ValueError(f"requests_per_minute must be at least 1, not {per_minute}")
        self.per_minute = per_minute
        self._taken = BusiestWindow(MINUTE_SECONDS)

    def takes_one_more(self) -> bool:
        """Whether this request is within the quota; it counts from now on if it is."""
        if self.per_minute is None:
            return True
        now = self._now()
        if self._taken.count(now) >= self.per_minute:
            self.refused += 1
            return False
        self._taken.add(now)
        return True
