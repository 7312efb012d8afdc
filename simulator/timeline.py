"""When what happens in one call, decided at the dial.  Pure.

Only what comes from outside (a deleted room, a removed or doubled participant) can still change it.
"""

from dataclasses import dataclass
from typing import Final

from livekit.protocol.models import DisconnectReason

from simulator import sip_errors
from simulator.numbers import ANSWERED, Fate
from simulator.twirp import Failure

DEFAULT_RINGING_SECONDS: Final = 180.0
RPC_DEADLINE_SECONDS: Final = 80.0
TRANSACTION_SECONDS: Final = 32.0
LONGEST_CALL_SECONDS: Final = 86_400.0
DTMF_SECONDS: Final = 0.5
_DTMF: Final = frozenset("0123456789*#ABCDabcdw")


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the dial asked for, in seconds of life."""

    ringing_timeout_seconds: float = 0.0  #: 0 or less: LiveKit's default
    max_call_seconds: float = 0.0  #: from the dial, ringing included; 0 or less: the longest LiveKit allows
    dtmf: str = ""
    waits_for_answer: bool = True
    has_credentials: bool = False  #: the trunk has a user name for a carrier that asks


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that happens, ``at_seconds`` after the dial."""

    at_seconds: float
    status: str = ""  #: the new ``sip.callStatus``; empty: it stays
    is_connected: bool = False  #: the request is answered with success
    failure: Failure | None = None  #: the request is answered with this
    leaves: "DisconnectReason | None" = None  #: the participant leaves, the call is over


def plan(fate: Fate, terms: Terms) -> list[Step]:
    """The steps of a call that meets ``fate``, in order; the last one ends it if anything does."""
    end = _end_of_ringing(fate, terms)
    steps: list[Step] = []
    if fate.rings_after_seconds is not None and fate.rings_after_seconds < end.at_seconds:
        steps.append(Step(at_seconds=fate.rings_after_seconds, status="ringing"))
    if end.is_connected:
        return steps + _talk(fate, terms)
    return [*steps, end]


def failing(failure: Failure, leaves: DisconnectReason) -> list[Step]:
    """The steps of a dial that fails before anything rings."""
    return [Step(at_seconds=0.0, failure=failure, leaves=leaves)]


def _end_of_ringing(fate: Fate, terms: Terms) -> Step:
    """Whatever comes first; of two at once, the one named first here."""
    ringing_seconds = terms.ringing_timeout_seconds
    if ringing_seconds <= 0:
        ringing_seconds = DEFAULT_RINGING_SECONDS
    ends: list[Step] = []
    if fate.code:
        ends.append(_final(fate, terms))
    if fate.is_silent:
        ends.append(_unavailable(TRANSACTION_SECONDS, sip_errors.transaction_failed(fate.replies)))
    if terms.waits_for_answer:
        ends.append(_unavailable(RPC_DEADLINE_SECONDS, sip_errors.RPC_DEADLINE))
    ends.append(_unavailable(ringing_seconds, sip_errors.RING_TIMEOUT))
    ends.append(_unavailable(_max_call_seconds(terms), sip_errors.RING_TIMEOUT))
    return min(ends, key=lambda end: end.at_seconds)


def _unavailable(at_seconds: float, failure: Failure) -> Step:
    return Step(at_seconds=at_seconds, failure=failure, leaves=DisconnectReason.USER_UNAVAILABLE)


def _final(fate: Fate, terms: Terms) -> Step:
    at_seconds = fate.final_after_seconds
    if fate.code == ANSWERED:
        return Step(at_seconds=at_seconds, is_connected=True)
    if fate.code in (401, 407):
        failure = sip_errors.AUTH_WRONG if terms.has_credentials else sip_errors.AUTH_MISSING
    else:
        failure = sip_errors.final_response(fate.code, fate.phrase)
    leaves = sip_errors.disconnect_reason(fate.code, fate.phrase)
    return Step(at_seconds=at_seconds, failure=failure, leaves=leaves)


def _talk(fate: Fate, terms: Terms) -> list[Step]:
    answered_at = fate.final_after_seconds
    connected_at = answered_at + DTMF_SECONDS * sum(sign in _DTMF for sign in terms.dtmf)
    ended_at = _max_call_seconds(terms)
    if fate.talk_seconds is not None:
        ended_at = min(ended_at, answered_at + fate.talk_seconds)
    steps = []
    if connected_at > answered_at:
        steps.append(Step(at_seconds=answered_at, status="automation"))
    if connected_at < ended_at:
        steps.append(Step(at_seconds=connected_at, status="active", is_connected=True))
    # Over during the tones: the callee had answered, so the request is told so.
    hung_up = Step(
        at_seconds=ended_at,
        status="hangup",
        is_connected=connected_at >= ended_at,
        leaves=DisconnectReason.CLIENT_INITIATED,
    )
    return [*steps, hung_up]


def _max_call_seconds(terms: Terms) -> float:
    if not 0 < terms.max_call_seconds < LONGEST_CALL_SECONDS:
        return LONGEST_CALL_SECONDS
    return terms.max_call_seconds
