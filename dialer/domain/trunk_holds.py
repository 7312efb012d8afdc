"""What holds a trunk back: the one answer to "why so slow?".  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class HoldReason(StrEnum):
    """Why a trunk does not dial faster.  Stored and exported: never rename one."""

    LIVEKIT = "livekit"  #: LiveKit is away, refuses our key, or its clock is off
    NO_CALLERS = "no_callers"  #: no caller runs, or the callers are behind
    BREAKER = "breaker"
    ACCOUNT_BREAKER = "account_breaker"
    CHANNELS = "channels"
    ACCOUNT_CHANNELS = "account_channels"
    CAMPAIGN_CHANNELS = "campaign_channels"
    CONGESTION = "congestion"  #: less than configured, as its carrier took less
    RATE = "rate"
    ACCOUNT_RATE = "account_rate"
    LIVEKIT_QUOTA = "livekit_quota"
    AGENTS = "agents"
    HOURS = "hours"  #: contacts wait, and none may be called now
    NO_ROUTE = "no_route"
    NO_WORK = "no_work"


class RateBucket(StrEnum):
    """Whose turns are given out ahead."""

    TRUNK = "trunk"
    ACCOUNT = "account"
    LIVEKIT = "livekit"


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason, and a few words where it does not say it all."""

    reason: HoldReason
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkLook:
    """A trunk as one round found it.

    Attributes:
        campaigns: how many that are running may take it.
        breaker: why its own breaker lets nothing through; None: it is closed.  ``account_breaker`` likewise.
        due: call jobs of its campaigns that were due, whichever trunk they may take.
        due_here: of these, those that may take this one.
        left_here: of these, those that no trunk has taken in this round.
        capped: some are left because their campaign has as many calls at once as it may.
        waits: its campaigns have call jobs that wait; ``next_due``: when the first is due, in words.
        queued: call jobs on its queue; ``with_agents``: of campaigns that have an agent.
        channels: how many calls it may have up at once, by what is set and learned.
        free_channels: of these, those that no call has; ``account_free_channels`` None: no such limit.
        ahead: how far turns are given out already, by bucket.
        learned_rate: in words, where its carrier takes fewer calls per second; ``learned_channels`` likewise.
        ramping: it starts slowly.
    """

    campaigns: int = 1
    breaker: str | None = None
    account_breaker: str | None = None
    due: int = 0
    due_here: int = 0
    left_here: int = 0
    capped: bool = False
    waits: bool = False
    next_due: str = ""
    queued: int = 0
    with_agents: int = 0
    channels: int = 1
    free_channels: int = 1
    account_free_channels: int | None = None
    ahead: Mapping[RateBucket, timedelta] = field(default_factory=dict)
    learned_rate: str = ""
    learned_channels: str = ""
    ramping: bool = False


#: A rate holds back when its turns are given out at least this far ahead: callers wait for their turns.
RATE_IS_USED = timedelta(milliseconds=300)


def what_holds(look: TrunkLook) -> Hold | None:
    """What holds the trunk back; None: nothing that has a name, it is about to dial."""
    if look.breaker is not None:
        return Hold(HoldReason.BREAKER, look.breaker)
    if look.account_breaker is not None:
        return Hold(HoldReason.ACCOUNT_BREAKER, look.account_breaker)
    if look.left_here or look.queued:
        return _with_work(look)
    return _without_work(look)


def _with_work(look: TrunkLook) -> Hold | None:
    """Full channels first, then turns, then what is too little for all that is queued."""
    if hold := _full(look, needed=0) or _used_rate(look) or _full(look, needed=look.queued):
        return hold
    if look.capped:
        return Hold(HoldReason.CAMPAIGN_CHANNELS)
    if look.with_agents:
        return Hold(HoldReason.AGENTS, f"{look.with_agents} of {look.queued} that are queued have one")
    return None if look.left_here else Hold(HoldReason.NO_WORK, "all that is due is on its way")


def _full(look: TrunkLook, *, needed: int) -> Hold | None:
    """Whether no more channels are free than are needed for what is let out already."""
    if look.free_channels <= needed:
        learned = look.learned_channels
        if learned:
            return Hold(HoldReason.CONGESTION, learned)
        return Hold(HoldReason.CHANNELS, f"all {look.channels} channels are in use" if look.free_channels <= 0 else "")
    if look.account_free_channels is not None and look.account_free_channels <= needed:
        return Hold(HoldReason.ACCOUNT_CHANNELS)
    return None


def _used_rate(look: TrunkLook) -> Hold | None:
    """The bucket whose next turn is the furthest away decides when a call goes out."""
    used = [(ahead, bucket) for bucket, ahead in look.ahead.items() if ahead >= RATE_IS_USED]
    if not used:
        return None
    match max(used)[1]:
        case RateBucket.ACCOUNT:
            return Hold(HoldReason.ACCOUNT_RATE)
        case RateBucket.LIVEKIT:
            return Hold(HoldReason.LIVEKIT_QUOTA)
    if look.learned_rate:
        return Hold(HoldReason.CONGESTION, look.learned_rate)
    return Hold(HoldReason.RATE, "it starts slowly" if look.ramping else "")


def _without_work(look: TrunkLook) -> Hold:
    if not look.campaigns:
        return Hold(HoldReason.NO_WORK, "no campaign that uses it is running")
    if look.capped:
        return Hold(HoldReason.CAMPAIGN_CHANNELS)
    if look.due_here:
        return Hold(HoldReason.NO_WORK, "other trunks take all that is due")
    if look.due:
        return Hold(HoldReason.NO_ROUTE)
    if look.waits:
        return Hold(HoldReason.HOURS, look.next_due)
    return Hold(HoldReason.NO_WORK)


#: A reason has to be found at so many looks in a row, so that it does not flicker.
LOOKS = 2


@dataclass(slots=True)
class HoldMemory:
    """What was found at the last looks and what was written of it, by trunk; moments of the reader's own clock."""

    looked_at: float = float("-inf")
    found: dict[int, tuple[HoldReason, int]] = field(default_factory=dict)
    written: dict[int, tuple[Hold, float]] = field(default_factory=dict)

    def to_write(self, found: Mapping[int, Hold | None], *, now: float, again_after: float) -> dict[int, Hold]:
        """Which of these to write now: the new ones that stay, and all of them again after so many seconds."""
        self.looked_at = now
        due: dict[int, Hold] = {}
        for trunk_id, hold in found.items():
            if hold is None:
                continue
            reason, looks = self.found.get(trunk_id, (None, 0))
            looks = looks + 1 if reason is hold.reason else 1
            self.found[trunk_id] = (hold.reason, looks)
            before, at = self.written.get(trunk_id, (None, 0.0))
            if looks >= LOOKS and (before != hold or now - at >= again_after):
                due[trunk_id] = hold
                self.written[trunk_id] = (hold, now)
        return due
