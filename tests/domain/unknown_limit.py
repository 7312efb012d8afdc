"""A carrier with a limit that nobody told us, in virtual time: paced turns, late answers, a rate that is late too."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from dialer.domain.congestion import Cut, cut_after, learned_rate, measured_over

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
PACE = 0.98


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass
class Calling:
    """Calls on one trunk.

    Attributes:
        configured: calls per second as the trunk is set.
        takes: how many calls in any sliding second the carrier takes, at a time.
        ahead: turns are given so many seconds before, at the rate of that moment.
        answer: seconds until a refusal is known.
        lateness: of a call behind its turn, at most, in seconds.
        counts_refused: the carrier counts what it refuses, too.
    """

    configured: float
    takes: Callable[[float], int]
    ahead: float = 2.0
    answer: float = 0.3
    lateness: float = 0.0
    counts_refused: bool = False
    calls: list[tuple[float, bool]] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)

    def run(self, seconds: float) -> "Calling":
        """Call for so long; ``calls`` then holds when each was sent and whether it was taken."""
        chance, turn, at_carrier, refusals = Random(1), 0.0, deque[float](), deque[float]()
        while turn < seconds:
            turn += 1 / (PACE * self._allowed(max(0.0, turn - self.ahead)))
            sent = turn + chance.uniform(0, self.lateness)
            while refusals and refusals[0] <= sent:
                self._refused(refusals.popleft())
            while at_carrier and at_carrier[0] <= sent - 1:
                at_carrier.popleft()
            taken = len(at_carrier) < self.takes(sent)
            if taken or self.counts_refused:
                at_carrier.append(sent)
            if not taken:
                refusals.append(sent + self.answer)
            self.calls.append((sent, taken))
        return self

    def _allowed(self, seconds: float) -> float:
        known = next((cut for cut in reversed(self.cuts) if cut.at <= at(seconds)), None)
        return learned_rate(known, self.configured, at(seconds)) or self.configured

    def _refused(self, seconds: float) -> None:
        last = self.cuts[-1] if self.cuts else None
        span = min(measured_over(self._allowed(seconds)).total_seconds(), seconds)
        lately = [taken or sent + self.answer > seconds for sent, taken in self.calls if seconds - span < sent]
        cut = cut_after(
            last,
            sent_per_second=len(lately) / span,
            accepted_per_second=sum(lately) / span,
            configured=self.configured,
            now=at(seconds),
            reason="too many calls in one second",
        )
        self.cuts += [cut] if cut else []

    def taken_per_second(self, first: float, last: float) -> float:
        """Calls that the carrier took, as an average from ``first`` to ``last``."""
        return sum(taken for sent, taken in self.calls if first <= sent < last) / (last - first)

    def refused_share(self, first: float, last: float) -> float:
        """Of the calls sent from ``first`` to ``last``."""
        sent = [taken for moment, taken in self.calls if first <= moment < last]
        return 1 - sum(sent) / len(sent)
