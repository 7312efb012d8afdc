"""What tests of retries have in common: attempts that ended at noon, and what follows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.domain.retry import (
    DEFAULT_POLICY,
    Finish,
    NextStep,
    PastAttempt,
    RetryAt,
    RetryPolicy,
    next_step,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDDLE = 0.5  # the chance that leaves a delay as it is
NO_CAPS = RetryPolicy(max_attempts=100, max_per_24h=0, max_per_7d=0)

BUSY, NO_ANSWER, UNAVAILABLE = Outcome.BUSY, Outcome.NO_ANSWER, Outcome.UNAVAILABLE
REJECTED, INVALID, UNKNOWN = Outcome.REJECTED, Outcome.INVALID_NUMBER, Outcome.UNKNOWN
CONGESTION, TRUNK, SYSTEM = Outcome.CONGESTION, Outcome.TRUNK_FAILURE, Outcome.SYSTEM_ERROR
CONFIG, CANCELLED, ANSWERED = Outcome.CONFIG_ERROR, Outcome.CANCELLED, Outcome.ANSWERED


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def m(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def h(hours: float) -> timedelta:
    return timedelta(hours=hours)


def ended(outcome: Outcome, *, counted: bool = True, sent: bool = True, abandoned: bool = False) -> Verdict:
    return Verdict(outcome=outcome, blame=Blame.UNKNOWN, counted=counted, rule="a_rule", sent=sent, abandoned=abandoned)


def past(
    outcome: Outcome, *, ago: timedelta = timedelta(days=30), counted: bool = True, sent: bool = True
) -> PastAttempt:
    return PastAttempt(outcome=outcome, counted=counted, sent=sent, rule="a_rule", at=NOON - ago)


def step(
    verdict: Verdict,
    history: Sequence[PastAttempt] = (),
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
    chance: float = MIDDLE,
) -> NextStep:
    return next_step(verdict, history=history, policy=policy, now=NOON, chance=chance)


def wait(verdict: Verdict, history: Sequence[PastAttempt] = (), policy: RetryPolicy = NO_CAPS) -> timedelta:
    after = step(verdict, history, policy=policy)
    assert not isinstance(after, Finish), after
    return (after.due_at if isinstance(after, RetryAt) else after.until) - NOON
