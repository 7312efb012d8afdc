"""What carriers write beside a SIP code, where it says more than the code.  Tried before ``SIP_CODES``.  Pure.

Sources: the error lists of Twilio (five digits) and Telnyx (D…, P…).  Numbers and short codes need word boundaries:
LiveKit (``livekit/sip`` ``pkg/sip/outbound.go``) shows the body of a 400, 404, 480, 486 or 488, and a body may quote
the number that was dialed.
"""

import re
from dataclasses import dataclass

from dialer.domain.outcome_vocabulary import Blame, Counts, Outcome, Ring, Ruling

# A carrier that names its reason has refused the call before it rang: time alone does not count it.
OVER_LIMIT = Ruling(outcome=Outcome.CONGESTION, blame=Blame.TRUNK, counts=Counts.IF_RANG, ring=Ring.KNOWN)
BLOCKED = Ruling(outcome=Outcome.BLOCKED, blame=Blame.CALLER_ID, counts=Counts.NEVER, ring=Ring.KNOWN)
CALLER_ID_REFUSED = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CALLER_ID, counts=Counts.IF_RANG, ring=Ring.KNOWN)
NOT_SET_UP = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CONFIG, counts=Counts.IF_RANG, ring=Ring.KNOWN)
INVALID_PERHAPS = Ruling(outcome=Outcome.INVALID_NUMBER, blame=Blame.NUMBER, counts=Counts.NEVER, ring=Ring.KNOWN)

SAY_IT_THEMSELVES = frozenset({607})
"""A person's "never again" is not talked away by the word "spam" beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhraseRule:
    """One way a carrier words a reason.

    Attributes:
        but_not: codes that say the same, and more surely.
    """

    name: str
    pattern: re.Pattern[str]
    ruling: Ruling
    but_not: frozenset[int] = frozenset()


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


PHRASES: tuple[PhraseRule, ...] = (
    PhraseRule(
        name="phrase_cps_limit",
        pattern=_any_of(
            r"cps[ _]limit",
            r"calls per second",
            r"\bP05\b",  # Telnyx
            r"rate[ _]limit",
            r"too many(?! hops)",  # 483 is "Too Many Hops"
            r"throttl",
        ),
        ruling=OVER_LIMIT,
    ),
    PhraseRule(
        name="phrase_channel_limit",
        pattern=_any_of(r"channel limit", r"concurren", r"capacity", r"\bD(?:1|2|3|22)\b"),  # D…: Telnyx
        ruling=OVER_LIMIT,
    ),
    PhraseRule(
        name="phrase_blocked",
        pattern=_any_of(r"network blocked", r"spam", r"robocall", r"fraud", r"\b32203\b", r"analytics"),
        ruling=BLOCKED,
    ),
    PhraseRule(
        name="phrase_caller_id",
        pattern=_any_of(
            r"caller origination number",
            r"caller[ -]?id\b",
            r"\bD3[56]\b",
            r"not verified",
            r"unverified",
        ),
        ruling=CALLER_ID_REFUSED,
    ),
    PhraseRule(
        name="phrase_account",
        pattern=_any_of(
            r"\bD(?:18|19|38)\b",
            r"\bbalance\b",  # not "load balancer"
            r"\bfunds\b",
            r"\bcredits?\b",
            r"\bpayment\b(?! required)",  # 402 is "Payment Required"
            r"suspend",
            r"\b10001\b",
            r"\binactive\b",
            r"cost exceeded",
            r"\bbarred\b",
        ),
        ruling=NOT_SET_UP,
    ),
    PhraseRule(
        name="phrase_invalid_number",
        pattern=_any_of(
            r"\b13224\b",
            r"\b32101\b",
            r"\bD11\b",
            r"invalid (?:phone )?number",
            r"unallocated",
            r"not in service",
        ),
        ruling=INVALID_PERHAPS,
        but_not=frozenset({301, 410, 484, 485, 604}),
    ),
    PhraseRule(
        name="phrase_destination",
        pattern=_any_of(
            r"permission",
            r"\bgeo(?:graphic\w*)?\b",
            r"\bD(?:12|24)\b",
            r"(?<!method )not allowed",  # 405 is "Method Not Allowed"
            r"domestic anchored",
            r"\b32205\b",
        ),
        ruling=NOT_SET_UP,
    ),
)


def phrase_rule(phrase: str | None, *, code: int) -> PhraseRule | None:
    """The first rule whose wording is in ``phrase``; None when the code has to speak for itself."""
    if not phrase or code in SAY_IT_THEMSELVES:
        return None
    for rule in PHRASES:
        if code not in rule.but_not and rule.pattern.search(phrase):
            return rule
    return None
