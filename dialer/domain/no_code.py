"""What an error of LiveKit means when no SIP code is in it.  Find the text in ``MESSAGES``.  Pure.

Sources: LiveKit's own code (``livekit/sip`` ``pkg/sip/outbound.go``, ``livekit/livekit`` ``pkg/service/sip.go``), and
answers recorded from it, which the tests replay (``tests/domain/recorded``).  Only words that we know are believed.
Whatever else comes, a proxy's page or a text of a later version, says not for sure that the call is over: in doubt.
Texts are searched for, not compared, as LiveKit puts "twirp error unknown: " before them.
"""

import re
from dataclasses import dataclass

from dialer.domain.line_result import LineResult
from dialer.domain.outcome_vocabulary import Blame, Counts, Outcome, Ring, Ruling

RANG_OUT = Ruling(outcome=Outcome.NO_ANSWER, blame=Blame.CONTACT, counts=Counts.ALWAYS)
CALLED_OFF = Ruling(outcome=Outcome.CANCELLED, blame=Blame.SYSTEM, counts=Counts.IF_RANG)
NEVER_WENT_OUT = Ruling(outcome=Outcome.CANCELLED, blame=Blame.SYSTEM, counts=Counts.NEVER, ring=Ring.NEVER, sent=False)
LIVEKIT_FAILED = Ruling(
    outcome=Outcome.SYSTEM_ERROR, blame=Blame.SYSTEM, counts=Counts.NEVER, ring=Ring.NEVER, sent=False
)
LIVEKIT_QUOTA = Ruling(outcome=Outcome.CONGESTION, blame=Blame.SYSTEM, counts=Counts.NEVER, ring=Ring.NEVER, sent=False)
NOT_SET_UP = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CONFIG, counts=Counts.NEVER, ring=Ring.NEVER, sent=False)
CARRIER_LOGIN_WRONG = Ruling(outcome=Outcome.CONFIG_ERROR, blame=Blame.CONFIG, counts=Counts.NEVER, ring=Ring.NEVER)
TRUNK_SILENT = Ruling(outcome=Outcome.TRUNK_FAILURE, blame=Blame.TRUNK, counts=Counts.NEVER, ring=Ring.NEVER)
TRUNK_FELL_SILENT = Ruling(outcome=Outcome.TRUNK_FAILURE, blame=Blame.TRUNK, counts=Counts.ALWAYS)
PICKED_UP_TOO_LATE = Ruling(
    outcome=Outcome.ANSWERED,
    blame=Blame.CONTACT,
    counts=Counts.ALWAYS,
    ring=Ring.SURELY,
    abandoned=True,
)
PICKED_UP_WITHOUT_MEDIA = Ruling(
    outcome=Outcome.CONFIG_ERROR, blame=Blame.CONFIG, counts=Counts.ALWAYS, ring=Ring.SURELY
)
OVER_SOMEHOW = Ruling(outcome=Outcome.UNKNOWN, blame=Blame.UNKNOWN, counts=Counts.ALWAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRule:
    """One error without a SIP code.  Every condition that is given must hold.

    Attributes:
        text: searched in the message.
        twirp: Twirp codes that fit; ``unknown`` is also an answer without a Twirp body.
        http: HTTP statuses that fit.
        ruling: None: the answer does not say what became of the call.
        when_marked: the row to use instead when we hung up ourselves before this answer came.
    """

    name: str
    ruling: Ruling | None
    text: re.Pattern[str] | None = None
    twirp: frozenset[str] = frozenset()
    http: frozenset[int] = frozenset()
    when_marked: Ruling | None = None

    def fits(self, result: LineResult) -> bool:
        """Whether this rule speaks of that answer."""
        return (
            (not self.twirp or result.twirp_code in self.twirp)
            and (not self.http or result.http_status in self.http)
            and (self.text is None or self.text.search(result.message or "") is not None)
        )


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_AFTER_INVITE = frozenset({"failed_precondition", "internal", "unavailable"})
"""How LiveKit passes on a fault of its SIP node: the first one since 2026-07, the others before."""

MESSAGES: tuple[MessageRule, ...] = (
    # A proxy speaks, not LiveKit: it may quote anything.
    MessageRule(name="gateway_gave_up", http=frozenset({502, 504}), ruling=None),
    # The call is over.
    MessageRule(
        name="ring_timeout",
        text=_any_of(r"sip request timed out"),
        ruling=RANG_OUT,
        when_marked=CALLED_OFF,  # LiveKit answers a deleted room like a ring timeout
    ),
    MessageRule(name="transaction_silent", text=_any_of(r"failed to complete \(0 "), ruling=TRUNK_SILENT),
    MessageRule(
        name="transaction_unfinished",
        text=_any_of(r"transaction failed to complete"),
        ruling=TRUNK_FELL_SILENT,
    ),
    # Nothing was dialed.
    MessageRule(
        name="room_join_failed",
        text=_any_of(r"update room failed"),
        ruling=LIVEKIT_FAILED,
        when_marked=NEVER_WENT_OUT,  # our DeleteRoom kills a join that is under way
    ),
    MessageRule(
        name="livekit_failed",
        text=_any_of(
            r"no response from servers",
            r"no servers available",
            r"cpu exhausted",
            r"failed to listen on udp port",
            r"redis required",
        ),
        ruling=LIVEKIT_FAILED,
    ),
    MessageRule(name="token_expired", text=_any_of(r"token is expired"), ruling=NEVER_WENT_OUT),
    MessageRule(
        name="livekit_login",
        twirp=frozenset({"unauthenticated", "permission_denied"}),
        ruling=NOT_SET_UP,
    ),
    MessageRule(name="livekit_login", http=frozenset({401}), ruling=NOT_SET_UP),
    MessageRule(
        name="trunk_host_unknown",
        text=_any_of(r"fail(?:ed)? to resolve target", r"no such host", r"missing port in address"),
        twirp=frozenset({"invalid_argument", *_AFTER_INVITE}),
        ruling=NOT_SET_UP,
    ),
    MessageRule(
        name="trunk_incomplete",
        text=_any_of(r"sip trunk does not exist", r"no numbers on outbound trunk"),
        ruling=NOT_SET_UP,
    ),
    # The carrier, or the way to it.
    MessageRule(
        name="carrier_login",
        text=_any_of(r"max auth retry", r"required auth", r"no auth header"),
        ruling=CARRIER_LOGIN_WRONG,
    ),
    MessageRule(
        name="trunk_unreachable",
        text=_any_of(r"connection refused", r"\bdial (?:tcp|tls|udp|err)\b"),
        twirp=_AFTER_INVITE,
        ruling=TRUNK_SILENT,
    ),
    # It was picked up, and we had to hang up.
    MessageRule(
        name="answered_at_timeout",
        text=_any_of(r"context deadline exceeded"),
        twirp=frozenset({"failed_precondition"}),
        ruling=PICKED_UP_TOO_LATE,
    ),
    MessageRule(
        name="media_refused",
        text=_any_of(
            r"common audio codec",
            r"common encryption",
            r"encryption (?:is )?required",
            r"invalid audio address",
            r"\bsdp\b",
        ),
        twirp=_AFTER_INVITE,
        ruling=PICKED_UP_WITHOUT_MEDIA,
    ),
    # It was called off by LiveKit: a SIP node going down, its room gone.
    MessageRule(
        name="livekit_stopping",
        text=_any_of(r"service shutting down", r"context canceled"),
        twirp=frozenset({"canceled"}),
        ruling=CALLED_OFF,
    ),
    # The connection to the carrier broke with the INVITE perhaps out.
    MessageRule(
        name="trunk_network",
        text=_any_of(
            r"broken pipe",
            r"connection reset",
            r"i/o timeout",
            r"use of closed",
            r"network is unreachable",
            r"no route to host",
            r"\b(?:read|write) (?:tcp|tls|udp)\b",
            r"\bEOF\b",
        ),
        twirp=_AFTER_INVITE,
        ruling=OVER_SOMEHOW,
    ),
    # By the kind of refusal alone: LiveKit gives these only before it dials.
    MessageRule(name="livekit_quota", twirp=frozenset({"resource_exhausted"}), ruling=LIVEKIT_QUOTA),
    MessageRule(name="livekit_quota", http=frozenset({429}), ruling=LIVEKIT_QUOTA),
    MessageRule(
        name="request_refused",
        twirp=frozenset({"invalid_argument", "not_found", "bad_route"}),
        ruling=NOT_SET_UP,
    ),
    MessageRule(
        name="request_refused",
        text=_any_of(r"could not be decoded"),
        twirp=frozenset({"malformed"}),
        ruling=NOT_SET_UP,
    ),
    # It says nothing about the call.
    MessageRule(name="rpc_deadline", twirp=frozenset({"deadline_exceeded"}), ruling=None),
    MessageRule(name="unlisted_answer", ruling=None),
)


def message_rule(result: LineResult) -> MessageRule:
    """The first rule that fits an answer without a SIP code; the last one fits all."""
    return next(rule for rule in MESSAGES if rule.fits(result))
