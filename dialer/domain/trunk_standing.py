"""Why is a trunk not faster?  One answer, out of facts: since when, in words, and the way out.  Pure.

What is known at this moment (processes, LiveKit, breakers) goes before what the feeder noted some seconds ago, and that
before what the figures alone let one guess.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.hold_words import HOLD_WORDS, TrunkFacts
from dialer.domain.machinery import REDIS_AWAY, line_trouble, missing_processes
from dialer.domain.time_words import ahead, moment
from dialer.domain.trunk_holds import HoldReason
from dialer.domain.trunk_limits_now import carrier_cut, channels_now, rate_now, rate_words, why_fewer_channels
from dialer.domain.trunk_state import TrunkState

_HELD_ADVICE = ", then try it with `dialer trunk probe`"
_OPEN_ADVICE = "; one call at a time tries whether it is well again; if it stays so, ask the carrier"

#: A trunk used to this share of a limit is at the limit: slots and turns come and go between two looks.
AT_THE_LIMIT = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What holds a trunk back.

    Attributes:
        reason: None: nothing does, as far as is known, or the feeder itself cannot know (Redis).
        since: None: not known.
        todo: the way out; empty: there is nothing to do, or ``what`` says it.
    """

    reason: HoldReason | None
    what: str
    since: datetime | None = None
    todo: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.what}; {self.todo}" if self.todo else self.what

    @property
    def lets_nothing_through(self) -> bool:
        """A breaker is the reason."""
        return self.reason in (HoldReason.BREAKER, HoldReason.ACCOUNT_BREAKER)


def why_slow(facts: TrunkFacts) -> Answer:
    """What holds the trunk back; when nothing does, what it does."""
    return _standstill(facts) or why_shut(facts) or _noted(facts) or _by_figures(facts)


def without_breaker(facts: TrunkFacts) -> Answer:
    """What else holds it back: why no call comes that could try whether it is well."""
    return _standstill(facts) or _noted(facts) or _by_figures(facts)


def _standstill(facts: TrunkFacts) -> Answer | None:
    machinery = facts.machinery
    if missing := missing_processes(machinery):
        return Answer(reason=HoldReason.NO_CALLERS, what=missing)
    if trouble := line_trouble(machinery):
        return Answer(reason=HoldReason.LIVEKIT, what=trouble, since=machinery.line_since)
    if facts.slots_taken is None:
        return Answer(reason=None, what=REDIS_AWAY)
    return None


def why_shut(facts: TrunkFacts) -> Answer | None:
    """Whose breaker lets nothing through, its own or its account's; None: neither."""
    state = facts.state
    if state.trunk_health.breaker.state is not BreakerState.CLOSED:
        return _breaker(facts, HoldReason.BREAKER, f"trunk {facts.name}", state.trunk_health.breaker)
    if state.account is not None and state.account_health.breaker.state is not BreakerState.CLOSED:
        whose = f"account {state.account.name}"
        return _breaker(facts, HoldReason.ACCOUNT_BREAKER, whose, state.account_health.breaker)
    return None


def _breaker(facts: TrunkFacts, reason: HoldReason, whose: str, breaker: Breaker) -> Answer:
    command, name = "`dialer trunk {} {}`", shlex.quote(facts.name)
    probe, resume = command.format("probe", name), command.format("resume", name)
    state = "is held" if breaker.needs_a_person else "has failed"
    what = f"{whose} {state}, and nothing goes out through it: {_why(breaker)}"
    return Answer(reason=reason, what=what, since=breaker.since, todo=_next_try(facts, breaker, probe, resume))


def _why(breaker: Breaker) -> str:
    """Its reason without the general advice at its end: the way out is told with names here."""
    return breaker.reason.removesuffix(_HELD_ADVICE).removesuffix(_OPEN_ADVICE)


def _next_try(facts: TrunkFacts, breaker: Breaker, probe: str, resume: str) -> str:
    at = breaker.probe_at
    if breaker.state is BreakerState.HALF_OPEN:
        by = f", by {moment(at, now=facts.now)} at the latest" if at else ""
        return f"one call is trying whether it is well again{by}"
    if at is None:
        return f"then {probe} tries it with one call, or {resume} lets it go without a try"
    if at <= facts.now:
        return "the next person who is due tries it"
    return f"one call tries it at {ahead(at, now=facts.now)}, and {probe} tries it now; if it stays so, ask the carrier"


def _noted(facts: TrunkFacts) -> Answer | None:
    hold = facts.fresh_hold
    return _answer(facts, hold.reason, detail=hold.detail, since=facts.hold_since) if hold else None


def _by_figures(facts: TrunkFacts) -> Answer:
    """Without the feeder's word: which limit the trunk is at."""
    state, taken = facts.state, facts.slots_taken or 0
    account = state.account
    full, paced = taken / channels_now(state), facts.calls_now / rate_now(state)
    if full >= 1 or (full >= AT_THE_LIMIT and full > paced):
        learned = state.trunk_health.channels_cut and why_fewer_channels(state)
        return _answer(facts, HoldReason.CONGESTION if learned else HoldReason.CHANNELS)
    if account and account.max_concurrent_calls and (facts.account_slots_taken or 0) >= account.max_concurrent_calls:
        return _answer(facts, HoldReason.ACCOUNT_CHANNELS)
    if paced >= AT_THE_LIMIT:
        return _answer(facts, _slowest(state))
    if facts.calls_now or taken:
        what = f"nothing: it is calling, {facts.calls_now:.1f} of {rate_words(rate_now(state))} calls per second now"
        return Answer(reason=None, what=what)
    if not facts.campaigns:
        return _answer(facts, HoldReason.NO_WORK, detail="no campaign that uses it is running")
    return Answer(reason=None, what="nothing that is known, and nobody is being called through it now")


def _slowest(state: TrunkState) -> HoldReason:
    account = state.account_calls_per_second
    if account is not None and account < state.calls_per_second:
        return HoldReason.ACCOUNT_RATE
    return HoldReason.CONGESTION if carrier_cut(state) else HoldReason.RATE


def _answer(facts: TrunkFacts, reason: HoldReason, *, detail: str = "", since: datetime | None = None) -> Answer:
    what, todo = HOLD_WORDS[reason](facts, detail)
    return Answer(reason=reason, what=what, since=since, todo=todo)
