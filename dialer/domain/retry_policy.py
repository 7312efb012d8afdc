"""How often and after how long a contact is called again.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from typing import Any, Final

from dialer.domain.outcome import Outcome
from dialer.errors import InvalidInput


def doubling(first: timedelta, longest: timedelta) -> tuple[timedelta, ...]:
    """A ladder whose delays double from ``first`` on and end with ``longest``."""
    steps = takewhile(lambda delay: delay < longest, (first * 2**step for step in range(64)))
    return (*steps, longest)


def _ladder(*, minutes: tuple[int, ...] = (), hours: tuple[int, ...] = ()) -> tuple[timedelta, ...]:
    return (*(timedelta(minutes=m) for m in minutes), *(timedelta(hours=h) for h in hours))


DEFAULT_DELAYS: Final[Mapping[Outcome, tuple[timedelta, ...]]] = {
    Outcome.ANSWERED: _ladder(hours=(24,)),  # only when it was abandoned; else it is reached
    Outcome.BUSY: _ladder(minutes=(10, 20, 60), hours=(24,)),
    Outcome.NO_ANSWER: _ladder(hours=(2, 4, 24)),
    Outcome.UNAVAILABLE: _ladder(hours=(1, 4, 24)),
    Outcome.REJECTED: _ladder(hours=(24,)),
    Outcome.INVALID_NUMBER: _ladder(hours=(24,)),
    Outcome.CONGESTION: doubling(timedelta(seconds=10), timedelta(seconds=60)),
    Outcome.TRUNK_FAILURE: doubling(timedelta(seconds=30), timedelta(minutes=15)),
    Outcome.SYSTEM_ERROR: doubling(timedelta(seconds=5), timedelta(minutes=5)),
    Outcome.CONFIG_ERROR: doubling(timedelta(seconds=60), timedelta(minutes=15)),
    Outcome.CANCELLED: doubling(timedelta(seconds=2), timedelta(seconds=60)),
}
"""``unknown`` is not here: it waits the longest delay of the ladders of busy, no_answer and unavailable.
``unwanted`` and ``blocked`` are never called again."""

DEFAULT_VOICEMAIL: Final = _ladder(hours=(4, 24))
"""After an answered call whose agent met a machine: asked again as often as there are delays."""

NEVER_AGAIN = frozenset({Outcome.UNWANTED, Outcome.BLOCKED})
"""Outcomes that no ladder can follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and after how long a contact is called again.

    Attributes:
        max_attempts: counted attempts, all together; at least 1.
        max_per_24h: counted attempts in any 24 hours; 0: no such cap.
        max_per_7d: counted attempts in any 7 days; 0: no such cap.
        delays: how long to wait, by outcome: the first time, the second …; the last repeats, except for
            ``rejected`` and ``invalid_number``, which are asked again as often as there are delays.  An outcome
            that is not here keeps its default.
        jitter: a delay is spread by this share, either way: 0.2 is 80 to 120 %.
        voicemail: how long to wait when a machine picked up, as ``delays``; asked again as often as there are delays.
        full_jitter: outcomes whose delay is an upper bound: it is spread from a fifth of it to the whole.

    Raises:
        InvalidInput: a ladder is empty or holds a delay that is not positive, or a number is out of range.
    """

    max_attempts: int = 4
    max_per_24h: int = 3
    max_per_7d: int = 7
    delays: Mapping[Outcome, tuple[timedelta, ...]] = field(default_factory=lambda: DEFAULT_DELAYS)
    voicemail: tuple[timedelta, ...] = DEFAULT_VOICEMAIL
    jitter: float = 0.2
    full_jitter: frozenset[Outcome] = frozenset({Outcome.CONGESTION})

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InvalidInput("max_attempts must be at least 1")
        if self.max_per_24h < 0 or self.max_per_7d < 0:
            raise InvalidInput("a cap must be at least 1, or 0 for none")
        if not 0 <= self.jitter < 1:
            raise InvalidInput("jitter must be at least 0 and less than 1")
        ladders: list[tuple[str, tuple[timedelta, ...]]] = [*self.delays.items(), ("voicemail", self.voicemail)]
        for outcome, delays in ladders:
            if not delays or min(delays) <= timedelta(0):
                raise InvalidInput(f"the delays of {outcome} must be a list of durations above zero")

    def ladder(self, outcome: Outcome) -> tuple[timedelta, ...]:
        """The delays of an outcome that may be called again."""
        return self.delays.get(outcome) or DEFAULT_DELAYS[outcome]


DEFAULT_POLICY = RetryPolicy()


def policy_to_json(policy: RetryPolicy) -> dict[str, object]:
    """What the ledger stores as jsonb; delays in seconds."""
    return {
        "max_attempts": policy.max_attempts,
        "max_per_24h": policy.max_per_24h,
        "max_per_7d": policy.max_per_7d,
        "jitter": policy.jitter,
        "full_jitter": sorted(policy.full_jitter),
        "voicemail_seconds": [delay.total_seconds() for delay in policy.voicemail],
        "delays_seconds": {
            str(outcome): [delay.total_seconds() for delay in delays] for outcome, delays in policy.delays.items()
        },
    }


def policy_from_json(stored: Mapping[str, Any]) -> RetryPolicy:  # Any: it is JSON, written by policy_to_json
    """The policy that ``policy_to_json`` stored."""
    return RetryPolicy(
        max_attempts=stored["max_attempts"],
        max_per_24h=stored["max_per_24h"],
        max_per_7d=stored["max_per_7d"],
        jitter=stored["jitter"],
        full_jitter=frozenset(map(Outcome, stored["full_jitter"])),
        voicemail=_voicemail(stored),
        delays={
            Outcome(outcome): tuple(timedelta(seconds=seconds) for seconds in delays)
            for outcome, delays in stored["delays_seconds"].items()
        },
    )


def _voicemail(stored: Mapping[str, Any]) -> tuple[timedelta, ...]:
    """Policies stored before there were agents have no such ladder."""
    if "voicemail_seconds" not in stored:
        return DEFAULT_VOICEMAIL
    return tuple(timedelta(seconds=seconds) for seconds in stored["voicemail_seconds"])
