"""What carriers publish about their limits, each value with its source.  Pure.

A published limit is where a trunk begins; what the carrier has given you, as its support or your contract says, wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from dialer.errors import InvalidInput

T = TypeVar("T")

#: When the pages were read.
_READ_ON = date(2026, 11, 20)
_OURS = "our own judgement, no page of the carrier's"


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and where it is from.

    Attributes:
        source: a page of the carrier's, or whose judgement it is.
        note: what the page says besides.
    """

    value: T
    source: str
    note: str = ""
    read_on: date = _READ_ON


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """The limits that a carrier publishes for a trunk.

    Attributes:
        calls_per_second, max_concurrent_calls: value None: it publishes none, or one that hangs on the contract, so the
            operator has to say.
        invites_per_call: what its rate limit counts for one call: ``address`` where it knows callers by their IP
            address, ``password`` where it asks for user and password, which challenges the first INVITE.
        safety_factor: the share of the calls per second to use.
        counts_ringing: a call takes a channel while it rings.  The dialer counts it so with every carrier.
        account: what holds for all trunks of an account together; empty: nothing is published.
    """

    name: str
    calls_per_second: Sourced[float | None]
    max_concurrent_calls: Sourced[int | None]
    invites_per_call: Mapping[str, Sourced[int]]
    safety_factor: Sourced[float]
    counts_ringing: Sourced[bool | None]
    account: str = field(default="")

    def invites(self, *, has_password: bool) -> Sourced[int]:
        """INVITEs per call for this kind of login."""
        return self.invites_per_call["password" if has_password else "address"]


_CHALLENGE = (
    "RFC 3261 22.2: the first INVITE is answered 401 or 407 and sent again; no page says that it is not counted"
)
_INVITES = {"address": Sourced(1, "one INVITE is one call"), "password": Sourced(2, _CHALLENGE)}
_MARGIN = Sourced(0.9, _OURS, "INVITEs reach the carrier less evenly than they leave us")
_SILENT: Sourced[bool | None] = Sourced(None, "no page found", "counted as if it did")

CARRIERS: Mapping[str, Carrier] = {
    carrier.name: carrier
    for carrier in (
        Carrier(
            name="twilio",
            calls_per_second=Sourced(
                1.0,
                "twilio.com/docs/sip-trunking/cps-trunk-termination",
                "a trunk and region; up to 15 by self-service",
            ),
            max_concurrent_calls=Sourced(
                10,
                "twilio.com/docs/sip-trunking/scale-and-limits",
                "with an individual profile; 4 on a trial, no limit with a business profile",
            ),
            invites_per_call=_INVITES,
            safety_factor=_MARGIN,
            counts_ringing=_SILENT,
            account="trunks may share the calls per second of a pooled parent (error 32012)",
        ),
        Carrier(
            name="telnyx",
            calls_per_second=Sourced(
                20.0, "support.telnyx.com article 15668484", "INVITEs of a source IP address, or of a SIP user"
            ),
            max_concurrent_calls=Sourced(
                2,
                "developers.telnyx.com, sip-trunking/configuration/concurrent-limits",
                "a new account; 10 after level 2, more on request",
            ),
            invites_per_call={
                "address": Sourced(1, "one INVITE is one call"),
                "password": Sourced(2, "support.telnyx.com article 15668484", "its limit counts INVITEs"),
            },
            safety_factor=Sourced(
                0.9, _OURS, "LiveKit Cloud's addresses are shared with others, whose INVITEs count as well"
            ),
            counts_ringing=_SILENT,
            account="limits of the outbound profile and the connection come on top (answers D2, D3, D22)",
        ),
        Carrier(
            name="plivo",
            calls_per_second=Sourced(1.0, "support.plivo.com 360041051752", "a Zentrunk trunk"),
            max_concurrent_calls=Sourced(
                None,
                "docs.plivo.com/docs/voice/concepts/india-concurrency",
                "50 in India, where calls per second are a 25th of it; elsewhere none is published",
            ),
            invites_per_call=_INVITES,
            safety_factor=_MARGIN,
            counts_ringing=Sourced(True, "docs.plivo.com/docs/voice/concepts/india-concurrency", "in India"),
            account="2 calls per second for the account (support.plivo.com 360041051752)",
        ),
        Carrier(
            name="vonage",
            calls_per_second=Sourced(
                3.0, "developer.vonage.com/en/voice/voice-api/concepts/cps-limit", "in any sliding second"
            ),
            max_concurrent_calls=Sourced(
                None, "api.support.vonage.com 207100288", "no limit: give what your agents and machines can take"
            ),
            invites_per_call=_INVITES,
            safety_factor=_MARGIN,
            counts_ringing=_SILENT,
        ),
        Carrier(
            name="bandwidth",
            calls_per_second=Sourced(
                5.0, "dev.bandwidth.com/docs/voice/rateLimits", "of calls in and out; an older page says 3"
            ),
            max_concurrent_calls=Sourced(
                100, "dev.bandwidth.com/docs/voice/rateLimits", "sessions in and out; an older page says 30"
            ),
            invites_per_call=_INVITES,
            safety_factor=_MARGIN,
            counts_ringing=_SILENT,
        ),
        Carrier(
            name="generic",
            calls_per_second=Sourced(None, _OURS, "ask your carrier"),
            max_concurrent_calls=Sourced(None, _OURS, "ask your carrier"),
            invites_per_call=_INVITES,
            safety_factor=Sourced(1.0, _OURS, "your number is taken as it is"),
            counts_ringing=Sourced(None, _OURS, "counted as if it did"),
        ),
    )
}


def find_carrier(name: str) -> Carrier:
    """The carrier of this name.

    Raises:
        InvalidInput: there are no presets for it; names those there are.
    """
    if found := CARRIERS.get(name.strip().casefold()):
        return found
    raise InvalidInput(
        f"there are no presets for a carrier {name.strip()[:40]!r}",
        hint=f"there are: {', '.join(CARRIERS)}; with generic you give every limit yourself",
    )
