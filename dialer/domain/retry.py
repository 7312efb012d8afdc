"""What happens to a call job after an attempt.  Pure: time and chance are arguments.

See ``docs/outcomes.md`` for the default delays, ``docs/decisions/0007`` for a phone that rang.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Outcome, Verdict
from dialer.domain.retry_policy import DEFAULT_POLICY, RetryPolicy, policy_from_json, policy_to_json

__all__ = [
    "DEFAULT_POLICY",
    "Finish",
    "NextStep",
    "PastAttempt",
    "Postpone",
    "RetryAt",
    "RetryPolicy",
    "next_step",
    "policy_from_json",
    "policy_to_json",
]

UNCOUNTED_LIMIT = 10
"""Tries that went out and were nobody's attempt (congestion, trunk, system, config): so many in 24 h, and it failed."""

FULL_JITTER_LEAST = 0.2
"""With full jitter a delay lies between this share of it and the whole: 10 s becomes 2 to 10 s."""

MACHINE_ANSWERED = "machine_answered"
#: So often a person who asks for it is called back, all told.
MOST_CALL_BACKS = 10
"""The rule of an answered call whose agent reported a machine: it climbs the voicemail ladder."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SHORTEST = timedelta(milliseconds=1)

_OURS = frozenset(
    {
        Outcome.CONGESTION,
        Outcome.TRUNK_FAILURE,
        Outcome.CONFIG_ERROR,
        Outcome.SYSTEM_ERROR,
        Outcome.CANCELLED,
    }
)
"""Outcomes that are not the contact's doing.  Counted all the same when the phone rang."""

_RINGING = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.UNAVAILABLE)
"""The ladders whose longest delay an ``unknown`` attempt waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastAttempt:
    """An attempt of the call job that has ended; ``at``, aware, is when."""

    outcome: Outcome
    counted: bool
    sent: bool
    rule: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryAt:
    """Another attempt; this one counted."""

    due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Postpone:
    """Another attempt; this one did not count."""

    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """No further attempt."""

    reason: FinishReason


NextStep = RetryAt | Postpone | Finish


def next_step(
    verdict: Verdict,
    *,
    history: Sequence[PastAttempt],
    policy: RetryPolicy,
    now: datetime,
    chance: float,
) -> NextStep:
    """Decide what follows an attempt that ended with ``verdict``.

    Args:
        history: the call job's earlier attempts that have ended, oldest first, this one not among them.
        now: aware; delays and the 24 h and 7 d of the caps are counted from here.
        chance: in [0, 1), spreads the delay.

    Returns:
        ``RetryAt`` after a counted attempt and ``Postpone`` after one that is not, both later than ``now``, or
        ``Finish``.  Does not look at the calling window: that is ``calling_window.next_opening``'s work.
    """
    this = PastAttempt(outcome=verdict.outcome, counted=verdict.counted, sent=verdict.sent, rule=verdict.rule, at=now)
    reason = _settled(verdict, history, policy) or _used_up(this, history, policy)
    if reason is not None:
        return Finish(reason=reason)
    due_at = now + _spread(_delay(this, history, policy), _climbs(this), policy, chance)
    if this.sent:  # one that was not was due, a promised call back beside the caps, too: nothing has changed
        due_at = max(due_at, _caps_allow_at([*history, this], policy, now))
    return RetryAt(due_at=due_at) if this.counted else Postpone(until=due_at)


def may_call_back(history: Iterable[PastAttempt]) -> bool:
    """Whether a call back that was asked for is made: an agent that asks for one in every call must come to an end."""
    return sum(past.outcome is Outcome.ANSWERED for past in history) < MOST_CALL_BACKS


def _settled(verdict: Verdict, history: Sequence[PastAttempt], policy: RetryPolicy) -> FinishReason | None:
    """What the outcome itself ends, however many attempts are left."""
    match verdict.outcome:
        case Outcome.ANSWERED if verdict.rule == MACHINE_ANSWERED:
            machines = sum(_is_machine(past) for past in history)
            return FinishReason.EXHAUSTED if machines >= len(policy.voicemail) else None
        case Outcome.ANSWERED if not verdict.abandoned:
            return FinishReason.REACHED
        case Outcome.UNWANTED:
            return FinishReason.UNWANTED
        case Outcome.BLOCKED:
            return FinishReason.EXHAUSTED
        case Outcome.INVALID_NUMBER if verdict.counted or _asked_enough(verdict.outcome, history, policy):
            return FinishReason.INVALID_NUMBER  # counted: the network is sure; else it has now said it again
        case Outcome.REJECTED if _asked_enough(verdict.outcome, history, policy):
            return FinishReason.EXHAUSTED
        case _:
            return None


def _asked_enough(outcome: Outcome, history: Sequence[PastAttempt], policy: RetryPolicy) -> bool:
    """Whether every delay of the ladder has been waited: here the last one does not repeat."""
    return sum(past.outcome is outcome for past in history) >= len(policy.ladder(outcome))


def _used_up(this: PastAttempt, history: Sequence[PastAttempt], policy: RetryPolicy) -> FinishReason | None:
    """Whether this attempt was the last that the policy allows."""
    # One that did not count uses up nothing; beyond the last attempt it was a promised call back, which still stands.
    if this.counted and sum(past.counted for past in [*history, this]) >= policy.max_attempts:
        return FinishReason.UNKNOWN if this.outcome is Outcome.UNKNOWN else FinishReason.EXHAUSTED
    if this.counted or not this.sent:
        return None  # LiveKit away for hours, nothing sent: no contact fails by it
    in_a_day = [past for past in history if past.sent and not past.counted and past.at > this.at - _DAY]
    if len(in_a_day) + 1 >= UNCOUNTED_LIMIT:
        return FinishReason.FAILED
    if this.outcome not in _OURS and _run(this.outcome, history) + 1 >= policy.max_attempts:
        return FinishReason.EXHAUSTED  # an uncounted answer of the contact's side must end some day too
    return None


def _delay(this: PastAttempt, history: Sequence[PastAttempt], policy: RetryPolicy) -> timedelta:
    ladder = _ladder(this, policy)
    if _is_machine(this):
        rung = sum(_is_machine(past) for past in history)
    elif this.counted:
        rung = sum(past.counted and _climbs(past) is _climbs(this) for past in history)
    else:
        rung = _run(this.outcome, history)
    return ladder[min(rung, len(ladder) - 1)]


def _ladder(this: PastAttempt, policy: RetryPolicy) -> tuple[timedelta, ...]:
    if _is_machine(this):
        return policy.voicemail
    climbs = _climbs(this)
    if climbs is Outcome.UNKNOWN and climbs not in policy.delays:
        return (max(delay for outcome in _RINGING for delay in policy.ladder(outcome)),)
    return policy.ladder(climbs)


def _is_machine(attempt: PastAttempt) -> bool:
    return attempt.outcome is Outcome.ANSWERED and attempt.rule == MACHINE_ANSWERED


def _climbs(attempt: PastAttempt) -> Outcome:
    """Whose ladder an attempt climbs.

    A phone that rang before the trunk or the dialer failed has troubled a person, and may still ring: it waits as
    long as after ``no_answer``, not the seconds after which a trunk is tried again.
    """
    return Outcome.NO_ANSWER if attempt.counted and attempt.outcome in _OURS else attempt.outcome


def _run(outcome: Outcome, history: Sequence[PastAttempt]) -> int:
    """How many attempts at the end of ``history`` ended the same way, in a row."""
    run = 0
    for past in reversed(history):
        if past.outcome is not outcome:
            break
        run += 1
    return run


def _spread(delay: timedelta, outcome: Outcome, policy: RetryPolicy, chance: float) -> timedelta:
    if outcome in policy.full_jitter:
        share = FULL_JITTER_LEAST + (1 - FULL_JITTER_LEAST) * chance
    else:
        share = 1 - policy.jitter + 2 * policy.jitter * chance
    return max(delay * share, _SHORTEST)


def _caps_allow_at(attempts: Sequence[PastAttempt], policy: RetryPolicy, now: datetime) -> datetime:
    """From when on another counted attempt stays within the caps; ``now`` when they are not reached."""
    counted = sorted(past.at for past in attempts if past.counted)
    opens = now
    for cap, window in ((policy.max_per_24h, _DAY), (policy.max_per_7d, _WEEK)):
        if cap and len(counted) >= cap:
            opens = max(opens, counted[-cap] + window)
    return opens
