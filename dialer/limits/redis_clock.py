"""How Redis's clock stands to our own, so that a moment of Redis can be waited for here.

Each answer brackets Redis's time between sending and receiving; the tightest bracket of the last while is kept.
"""

from dataclasses import dataclass

STEP_SECONDS = 1.0  #: what was planned before such a step is not trusted any more
KEEP_SECONDS = 30.0  #: two good quartz clocks drift apart by about 3 ms in a minute


@dataclass(frozen=True, slots=True)
class _Bracket:
    offset: float
    width: float
    at: float


class RedisClock:
    """Redis time minus local monotonic time, in seconds."""

    def __init__(self) -> None:
        self._best: _Bracket | None = None

    @property
    def is_set(self) -> bool:
        return self._best is not None

    def observe(self, *, sent: float, received: float, redis_seconds: float) -> bool:
        """Take in one answer: ``sent`` and ``received`` on the local clock, ``redis_seconds`` between them.

        Returns whether one of the two clocks has made a step of more than ``STEP_SECONDS`` since the last answer.
        """
        width = received - sent
        bracket = _Bracket(offset=redis_seconds - (sent + received) / 2, width=width, at=received)
        best = self._best
        leap = best is not None and abs(bracket.offset - best.offset) > STEP_SECONDS + (width + best.width) / 2
        if best is None or width <= best.width or received - best.at > KEEP_SECONDS or self._stepped(bracket, best):
            self._best = bracket
        return leap

    @staticmethod
    def _stepped(new: _Bracket, best: _Bracket) -> bool:
        """The brackets cannot both be true: one of the clocks was set."""
        return abs(new.offset - best.offset) > (new.width + best.width) / 2 + 0.005

    def local(self, redis_seconds: float) -> float:
        """The local clock's reading at that moment of Redis."""
        if self._best is None:
            raise RuntimeError("no answer of Redis was observed yet")
        return redis_seconds - self._best.offset

    def redis(self, local_seconds: float) -> float:
        """Redis's time at that moment of the local clock."""
        if self._best is None:
            raise RuntimeError("no answer of Redis was observed yet")
        return local_seconds + self._best.offset
