"""What holds a trunk back, in words: one sentence for each reason that the feeder notes, and the way out.  Pure."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.domain.machinery import Machinery
from dialer.domain.time_words import moment
from dialer.domain.trunk_holds import Hold, HoldReason
from dialer.domain.trunk_limits_now import (
    carrier_cut,
    channels_now,
    is_starting_slowly,
    rate_now,
    rate_words,
    why_fewer_channels,
    why_slower,
)
from dialer.domain.trunk_state import TrunkState

#: What the feeder noted longer ago says nothing about now.
HOLD_IS_FRESH = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkFacts:
    """Everything the answer hangs on.

    Attributes:
        calls_now: attempts begun per second, lately, by all campaigns.
        slots_taken: by calls that are up or about to begin; None: Redis does not answer.
        account_slots_taken: of all trunks of its account; None: it has none, or as above.
        requests: to LiveKit, in the last minute, by all processes; None: not known.
        in_doubt: attempts of which nobody knows yet whether they ring.
        queued: call jobs that wait for a slot or a turn.
        campaigns: names of the running ones that may dial through it.
        hold: what the feeder last noted, since when, and when it was last so.
    """

    machinery: Machinery
    state: TrunkState
    calls_now: float
    slots_taken: int | None
    account_slots_taken: int | None = None
    requests: int | None = None
    in_doubt: int = 0
    queued: int = 0
    campaigns: tuple[str, ...] = ()
    hold: Hold | None = None
    hold_since: datetime | None = None
    hold_seen_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.state.trunk.name

    @property
    def now(self) -> datetime:
        return self.machinery.now

    @property
    def fresh_hold(self) -> Hold | None:
        """What holds it back as the feeder sees it now; None: no feeder runs, or nothing does."""
        seen = self.hold_seen_at
        return self.hold if seen is not None and self.now - seen <= HOLD_IS_FRESH else None


# Each of these says what holds the trunk back, and the way out.


def _livekit(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return detail or "LiveKit cannot be dialed through", "`dialer doctor` tries it"


def _no_callers(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return detail or "the callers do not keep up", "start more of them: `dialer up --callers N`"


def _breaker_noted(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    """The feeder's round has not seen yet that it is closed."""
    return f"calls through trunk {facts.name} begin within seconds: its breaker has just closed", ""


def _channels(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    trunk, channels = facts.state.trunk, channels_now(facts.state)
    doubt = f", {facts.in_doubt} of them by calls in doubt" if facts.in_doubt else ""
    kept = trunk.max_concurrent_calls - trunk.channels(promised=False)
    which = f" that trunk {trunk.name} may dial on" if kept else f" of trunk {trunk.name}"
    free = f" ({kept} of its {trunk.max_concurrent_calls} are kept free)" if kept else ""
    return (
        f"all {channels} channels{which} are taken{doubt}{free}: a call begins when another one ends",
        f"if the carrier has more: {_edit(facts)} --max-concurrent-calls N`",
    )


def _congestion(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    state = facts.state
    fewer = why_fewer_channels(state)
    if fewer and ((facts.slots_taken or 0) >= channels_now(state) or not carrier_cut(state)):
        option = "--max-concurrent-calls"
        what = f"all channels that the carrier of trunk {facts.name} takes are taken: {fewer}"
    else:
        option = "--calls-per-second"
        what = f"the carrier of trunk {facts.name} takes less than is configured: {why_slower(state) or detail}"
    return what, f"it tries for more by itself, slowly; if this is the carrier's limit, {_edit(facts)} {option} N`"


def _rate(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    state = facts.state
    together = f", for {len(facts.campaigns)} campaigns together" if len(facts.campaigns) > 1 else ""
    what = (
        f"trunk {facts.name} allows {rate_words(rate_now(state))} calls per second, and that is how fast it calls "
        f"({facts.calls_now:.1f} now){together}"
    )
    if slower := why_slower(state):
        what += f"; {slower}"
    if is_starting_slowly(state):
        return what, f"{_edit(facts)} --ramp SECONDS` shortens that"
    return what, f"if the carrier allows more: {_edit(facts)} --calls-per-second N`"


def _account_rate(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    account, allowed = _account(facts), facts.state.account_calls_per_second
    rate = f"{rate_words(allowed)} calls per second" if allowed is not None else "no more calls per second"
    return (
        f"account {account} allows {rate} for all its trunks together, and they use them "
        f"(trunk {facts.name} {facts.calls_now:.1f})",
        f"if the carrier allows more: `dialer account edit {shlex.quote(account)} --calls-per-second N`",
    )


def _account_channels(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    account = _account(facts)
    most = facts.state.account.max_concurrent_calls if facts.state.account else None
    return (
        f"all {most or ''} channels of account {account} are taken by its trunks: a call begins when another one "
        "ends".replace("  ", " "),
        f"if the carrier has more: `dialer account edit {shlex.quote(account)} --max-concurrent-calls N`",
    )


_QUOTA = "LiveKit's quota of requests is used up"


def _livekit_quota(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    now, configured = facts.state.requests_per_minute_now, facts.state.requests_per_minute
    cut = facts.state.livekit_health.rate_cut
    used = f", and {facts.requests:,} were sent in the last minute" if facts.requests is not None else ""
    what = f"LiveKit takes {now:.0f} requests a minute of all trunks together{used}" if now else _QUOTA
    if cut is not None and now is not None and (configured is None or now < configured):
        what += f"; at {moment(cut.at, now=facts.now)} it took no more ({cut.reason})"
    return what, "if your plan of LiveKit allows more: `dialer livekit edit --requests-per-minute N`"


def _agents(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return (
        f"calls wait for their agents, and nobody is called without one{_after(detail)}",
        f"start more workers of the agent of {_campaigns(facts)}",
    )


def _hours(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return (
        f"people wait, and none of them is due now: hours are closed, or the time of a next attempt is to come"
        f"{_after(detail)}",
        f"`dialer campaign show {_one_campaign(facts)}` says more",
    )


def _campaign_channels(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return (
        f"its campaigns have as many calls up as they are allowed themselves ({detail or _campaigns(facts)})",
        f"`dialer campaign edit {_one_campaign(facts)} --max-concurrent-calls N` allows more",
    )


def _no_route(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    serves = facts.state.trunk.serves
    carries = f" (it carries {', '.join(serves)})" if serves else ""
    return (
        f"people are due, and none of them may be called through trunk {facts.name}{carries}: their numbers go "
        "through other trunks, or it has just failed for them",
        f"`dialer campaign show {_one_campaign(facts)}` shows the routes",
    )


def _no_work(facts: TrunkFacts, detail: str) -> tuple[str, str]:
    return f"trunk {facts.name} has nothing to do: {detail or 'nobody is due to be called'}", ""


def _edit(facts: TrunkFacts) -> str:
    return f"`dialer trunk edit {shlex.quote(facts.name)}"


def _account(facts: TrunkFacts) -> str:
    return facts.state.account.name if facts.state.account else ""


def _campaigns(facts: TrunkFacts) -> str:
    return ", ".join(facts.campaigns) or "its campaigns"


def _one_campaign(facts: TrunkFacts) -> str:
    return shlex.quote(facts.campaigns[0]) if len(facts.campaigns) == 1 else "NAME"


def _after(detail: str) -> str:
    return f" ({detail})" if detail else ""


#: What holds a trunk back and the way out, out of the facts and what the feeder noted beside the reason.
HOLD_WORDS: Mapping[HoldReason, Callable[[TrunkFacts, str], tuple[str, str]]] = {
    HoldReason.LIVEKIT: _livekit,
    HoldReason.NO_CALLERS: _no_callers,
    HoldReason.BREAKER: _breaker_noted,
    HoldReason.ACCOUNT_BREAKER: _breaker_noted,
    HoldReason.CHANNELS: _channels,
    HoldReason.ACCOUNT_CHANNELS: _account_channels,
    HoldReason.CAMPAIGN_CHANNELS: _campaign_channels,
    HoldReason.CONGESTION: _congestion,
    HoldReason.RATE: _rate,
    HoldReason.ACCOUNT_RATE: _account_rate,
    HoldReason.LIVEKIT_QUOTA: _livekit_quota,
    HoldReason.AGENTS: _agents,
    HoldReason.HOURS: _hours,
    HoldReason.NO_ROUTE: _no_route,
    HoldReason.NO_WORK: _no_work,
}
