"""How long before its turn an attempt is claimed: as long as claims take, so that the commit costs no turn."""

from collections import deque
from datetime import timedelta

SHORTEST = timedelta(milliseconds=30)
LONGEST = timedelta(seconds=1)
REMEMBERED = 200  #: claims
LEARN_EVERY = 20  #: claims between two looks at the remembered ones


class Lead:
    """max(30 ms, the 99th percentile of the last 200 claims), at most 1 s."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self._learned = 0
        self.span = SHORTEST

    def learn(self, seconds: float) -> None:
        """Take in how long one claim took, from its asking to its answer."""
        self._seconds.append(seconds)
        self._learned += 1
        if self._learned % LEARN_EVERY == 0 or seconds > self.span.total_seconds():
            ranked = sorted(self._seconds)
            p99 = timedelta(seconds=ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))])
            self.span = min(max(SHORTEST, p99), LONGEST)
