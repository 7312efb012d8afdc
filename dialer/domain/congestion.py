"""What a carrier takes when it is less than we were told: calls per second and channels, learned from refusals.  Pure.

The climb after a cut is CUBIC's (RFC 9438, 4.2): a function of the time since the cut alone, so nothing has to be
updated while it climbs.  It comes back to the ceiling, where calls were refused, in about half a minute, stays near it,
and then looks faster and faster for more.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

#: After a cut of a tenth it takes so long to come back to the ceiling; after a deeper one a little longer.
BACK_AFTER = timedelta(seconds=30)
#: Or so many calls, where that takes longer (up to four times): each look for more costs a call or two.
BACK_AFTER_CALLS = 90
CUT_TO = 0.9
CEILING_AT = (1 + CUT_TO) / 2  #: of what was sent, as that was a little too much already (RFC 9438, 4.7)
DEEPEST_CUT = 0.5  #: at once; if it was not enough, more cuts follow
#: Turns lie up to 2 s ahead, and an answer takes its time: only after this do refusals speak of the rate after a cut.
CUT_EVERY = timedelta(seconds=3)
#: What was sent and accepted is counted over this, or over ``MEASURED_CALLS`` where that takes longer.
MEASURED = timedelta(seconds=2)
MEASURED_CALLS = 6
RAMP_FROM = 0.2
LONGEST_RAMP = timedelta(seconds=60)

_SHARE_LEFT = 0.9  #: accepted below this share of what the next lower limit would take: the carrier clearly takes less
_LEAST_SHARE = 0.01
_LEAST_RATE = 0.1
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """The last time a rate was cut, per second.

    Attributes:
        ceiling: what was too much, or a little more than what was accepted; at least ``rate``.
        rate: right after the cut.
        at: the ledger's clock.
        reason: the carrier's answer, in words.
    """

    ceiling: float
    rate: float
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelsCut:
    """The last time the calls at once were cut; as ``Cut``, in calls."""

    ceiling: int
    channels: int
    at: datetime
    reason: str


def learned_rate(cut: Cut | None, configured: float, now: datetime) -> float | None:
    """What may be sent per second now; None: the configured limit, nothing (more) is learned."""
    if cut is None:
        return None
    rate = _climbed(cut.ceiling, cut.rate, now - cut.at)
    return rate if rate < configured else None


def learned_channels(cut: ChannelsCut | None, configured: int, now: datetime) -> int | None:
    """How many calls may be up at once now, at least 1; None: the configured limit, nothing (more) is learned."""
    if cut is None:
        return None
    channels = max(1, math.floor(_climbed(cut.ceiling, cut.channels, now - cut.at) + _ROUNDING))
    return channels if channels < configured else None


def cut_after(
    cut: Cut | None,
    *,
    sent_per_second: float,
    accepted_per_second: float,
    configured: float,
    now: datetime,
    reason: str,
) -> Cut | None:
    """The cut that a refusal for too many calls per second asks for; None: the last one is too young.

    Args:
        cut: the last one, however old.
        sent_per_second: begun, refused ones included, over ``measured_over(what is allowed)``.
        accepted_per_second: of these, not refused (so far).
        configured: the limit as it was set.
    """
    if cut is not None and now - cut.at < CUT_EVERY:
        return None
    allowed = learned_rate(cut, configured, now) or configured
    sent = allowed if sent_per_second >= CUT_TO * allowed else sent_per_second  # counted in whole calls
    accepted = min(accepted_per_second, sent)
    floor = min(configured, max(_LEAST_SHARE * configured, _LEAST_RATE))
    if accepted >= _SHARE_LEFT * _accepted_one_below(sent):
        rate = max(CUT_TO * sent, floor)
        return Cut(ceiling=max(CEILING_AT * sent, rate), rate=rate, at=now, reason=reason)
    rate = max(accepted, DEEPEST_CUT * sent, floor)
    return Cut(ceiling=rate, rate=rate, at=now, reason=reason)


def channels_cut_after(
    cut: ChannelsCut | None,
    *,
    in_use: int,
    accepted_open: int,
    configured: int,
    now: datetime,
    reason: str,
) -> ChannelsCut | None:
    """The cut that a refusal for too many calls at once asks for; None: the last one is too young.

    Args:
        in_use: calls up when it was refused, itself included.
        accepted_open: of these, not refused.
    """
    if cut is not None and now - cut.at < CUT_EVERY:
        return None
    allowed = learned_channels(cut, configured, now) or configured
    in_use = min(in_use, allowed)
    channels = max(1, min(accepted_open, math.floor(CUT_TO * in_use)))
    ceiling = max(channels, min(accepted_open, in_use))
    return ChannelsCut(ceiling=ceiling, channels=channels, at=now, reason=reason)


def measured_over(calls_per_second: float) -> timedelta:
    """Over how long sending is to be counted, for a rate to be told from it."""
    return max(MEASURED, timedelta(seconds=MEASURED_CALLS / calls_per_second))


def ramped(limit: float, *, since: datetime, now: datetime, span: timedelta = timedelta(seconds=10)) -> float:
    """The slow start after an outage: from a fifth of the limit, each second by the same factor, to all of it.

    At least one call per second, or the limit where it is below.  ``span`` is a minute at most.
    """
    span = min(span, LONGEST_RAMP)
    passed = max(now - since, timedelta(0))
    if passed >= span:
        return limit
    return max(limit * math.pow(RAMP_FROM, 1 - passed / span), min(limit, 1.0))


def _climbed(ceiling: float, after_cut: float, passed: timedelta) -> float:
    """CUBIC: ceiling * (1 + c * (t - K)^3), where K is when the ceiling is reached; ``after_cut`` at t = 0."""
    usual = min(max(1.0, BACK_AFTER_CALLS / (ceiling * BACK_AFTER.total_seconds())), 4.0) * BACK_AFTER.total_seconds()
    steepness = (1 - CUT_TO) / usual**3
    back_after = math.cbrt((ceiling - after_cut) / (ceiling * steepness))
    return ceiling * (1 + steepness * (max(passed.total_seconds(), 0.0) - back_after) ** 3)


def _accepted_one_below(sent: float) -> float:
    """Of ``sent``, evenly spaced, what a carrier takes whose limit is the whole number below.

    A limit of 3 in any second takes 3 of 4 calls at 3.05/s: such a loss says only that the limit was passed.
    """
    limit = math.ceil(sent) - 1
    return sent * limit / (limit + 1)
