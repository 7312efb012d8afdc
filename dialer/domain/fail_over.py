"""May the same contact be called at once through the next trunk?  Pure.

Only when the INVITE certainly ended without ringing and the fault is the trunk's (RFC 3261 21.4: a 4xx or 5xx is of
one server, and 21.6: a 6xx is of the person, so that no other trunk is asked).
"""

from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome_vocabulary import Outcome, Verdict

TRUNKS_IN_A_TRY = 2

_TRUNKS_FAULT = frozenset({Outcome.TRUNK_FAILURE, Outcome.CONGESTION, Outcome.CONFIG_ERROR})

#: Answers after which no phone can have rung, whoever asks: the INVITE was not taken at all.
_CANNOT_HAVE_RUNG = frozenset(
    {
        "transaction_silent",
        "trunk_unreachable",
        "carrier_login",
        "trunk_host_unknown",
        "trunk_incomplete",
        "sip_402",
        "phrase_account",
        "phrase_cps_limit",
        "phrase_channel_limit",
    }
)
#: Refused by LiveKit itself, or of our own making: another trunk would change nothing.
_NOT_THE_TRUNK = frozenset({"livekit_quota", "livekit_login", "request_refused"})


def may_fail_over(verdict: Verdict, result: LineResult) -> bool:
    """Whether the next trunk may be asked at once.

    A code that may have come after ringing needs to be known not to (a webhook tells); by time alone nobody is called
    a second time within seconds.
    """
    if result.reply is not Reply.REFUSED or result.marked or result.rang or verdict.rang or verdict.counted:
        return False
    if verdict.outcome not in _TRUNKS_FAULT or verdict.rule in _NOT_THE_TRUNK:
        return False
    if result.sip_code is not None and result.sip_code >= 600:
        return False
    return verdict.rule in _CANNOT_HAVE_RUNG or result.rang is False
