"""The trunk: an outbound SIP trunk with its own limits, and the account it belongs to.  Pure."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

from dialer.errors import InvalidInput

MOST_PER_SECOND = 10_000
MOST_CHANNELS = 1_000_000
LONGEST_RAMP = timedelta(minutes=1)

_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, kw_only=True, slots=True)
class InlineTrunk:
    """A trunk that is not stored in LiveKit and goes with each call (``SIPOutboundConfig`` of livekit_sip.proto).

    Attributes:
        transport: ``auto``, ``udp``, ``tcp`` or ``tls``.
        auth_password: neither printed nor logged, by anybody.
        destination_country: two letters; LiveKit then dials from a region near it.
    """

    hostname: str
    transport: str = "auto"
    auth_username: str | None = None
    auth_password: str | None = field(default=None, repr=False)
    destination_country: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A carrier's account: limits of all its trunks together.  None: it has no such limit of its own."""

    id: int
    name: str
    calls_per_second: float | None = None
    max_concurrent_calls: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkSettings:
    """What an operator sets of an outbound SIP trunk.

    Attributes:
        livekit_trunk_id: ``ST_...`` of a trunk stored in LiveKit, each with one set of limits; None: ``inline``.
        calls_per_second: INVITEs in any sliding second, above 0; 0.5 is one call every 2 s.
        max_concurrent_calls: calls up at once, ringing included.
        caller_id: the number shown to the contact, E.164; None leaves the choice to LiveKit.
        carrier: whose presets it was made with (``domain.carrier``).
        invites_per_call: 2 where the carrier asks for user and password: the first INVITE is challenged.
        safety_factor: the share of ``calls_per_second`` that is used, above 0 to 1.
        reserved_channels: never dialed on: kept free for people who call in.
        callback_channels: kept free for promised calls back.
        serves: what numbers begin with that it carries; empty: any number.
        ramp: how long a slow start takes, after an outage.
        ramp_at_start: also after it was idle.
    """

    name: str
    livekit_trunk_id: str | None
    calls_per_second: float
    max_concurrent_calls: int
    caller_id: str | None = None
    account_id: int | None = None
    carrier: str = "generic"
    invites_per_call: int = 1
    safety_factor: float = 1.0
    reserved_channels: int = 0
    callback_channels: int = 0
    serves: tuple[str, ...] = ()
    ramp: timedelta = timedelta(seconds=10)
    ramp_at_start: bool = False
    inline: InlineTrunk | None = None

    @property
    def address(self) -> str:
        """What tells it from others: its id in LiveKit, or its host."""
        return self.livekit_trunk_id or (self.inline.hostname if self.inline else "")

    @property
    def configured_calls_per_second(self) -> float:
        """Calls, as it is set: fewer than ``calls_per_second`` where a call is two INVITEs."""
        return calls_per_second_of(
            self.calls_per_second, invites_per_call=self.invites_per_call, safety_factor=self.safety_factor
        )

    def channels(self, *, promised: bool) -> int:
        """How many calls at once an ordinary call, or a promised call back, may find up, itself included."""
        kept = self.reserved_channels + (0 if promised else self.callback_channels)
        return self.max_concurrent_calls - kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Trunk(TrunkSettings):
    """An outbound SIP trunk as it is in the ledger."""

    id: int


def calls_per_second_of(invites_per_second: float, *, invites_per_call: int, safety_factor: float = 1.0) -> float:
    """Calls per second that never make more INVITEs than that in a sliding second.

    The INVITEs of one call go out together: of 7 a second, 2 for each call, 3 calls a second fit and not 3.5.
    """
    allowed = invites_per_second * safety_factor
    calls = allowed / invites_per_call
    return float(int(calls)) if invites_per_call > 1 and calls >= 1 else calls


def check_caller_id(text: str | None) -> str | None:
    """The caller ID as it will be sent, or None.

    Raises:
        InvalidInput: it is not E.164; LiveKit would send whatever it is given.
    """
    if text is None:
        return None
    cleaned = re.sub(r"[\s().-]", "", text)
    if not _E164.fullmatch(cleaned):
        raise InvalidInput(
            f"caller ID {text!r} is not a phone number in E.164 form",
            hint="write it with + and country code, as +14155550100",
        )
    return cleaned


def check_limits(*, calls_per_second: float, max_concurrent_calls: int) -> None:
    """Refuse limits with which nothing could ever be dialed, or whose meaning is unclear."""
    check_rate(calls_per_second, what="calls per second", hint="0.5 means one call every 2 seconds")
    check_channels(max_concurrent_calls)


def check_rate(rate: float, *, what: str, hint: str) -> None:
    """Refuse a rate that is not above 0 and a number one can pace by; NaN and infinity are none."""
    if not rate > 0:  # also NaN
        raise InvalidInput(f"{what} must be above 0, not {rate:g}", hint=f"{hint}; ask your carrier for its limit")
    if rate > MOST_PER_SECOND:
        raise InvalidInput(f"{what} must be {MOST_PER_SECOND:,} at most, not {rate:g}", hint=hint)


def check_channels(max_concurrent_calls: int) -> None:
    """Refuse no channels, or more than any carrier has."""
    if not 0 < max_concurrent_calls <= MOST_CHANNELS:
        raise InvalidInput(
            f"concurrent calls must be from 1 to {MOST_CHANNELS:,}, not {max_concurrent_calls}",
            hint="ask your carrier how many channels the trunk has",
        )


def check_trunk_settings(settings: TrunkSettings) -> None:
    """Refuse settings that the ledger would not take, each with its place and the way out.

    Raises:
        InvalidInput: a limit, the reserve, or an inline trunk without a caller ID.
    """
    check_limits(calls_per_second=settings.calls_per_second, max_concurrent_calls=settings.max_concurrent_calls)
    if not 0 < settings.safety_factor <= 1:
        raise InvalidInput(
            f"the safety factor must be above 0 and at most 1, not {settings.safety_factor:g}",
            hint="0.9 uses nine tenths of the calls per second",
        )
    if settings.invites_per_call not in (1, 2):
        raise InvalidInput(
            f"INVITEs per call must be 1 or 2, not {settings.invites_per_call}",
            hint="2 where the carrier asks for user and password: it challenges the first INVITE",
        )
    if not 0 <= settings.ramp.total_seconds() <= LONGEST_RAMP.total_seconds():
        raise InvalidInput(
            f"a ramp lasts from 0 to {LONGEST_RAMP.total_seconds():.0f} seconds, not {settings.ramp.total_seconds():g}",
            hint="10 if not given; 0: at full rate at once",
        )
    _check_reserve(settings)
    if settings.inline is not None and settings.caller_id is None:
        raise InvalidInput(
            f"trunk {settings.name!r} goes with each call, so LiveKit knows no number for it",
            hint="give one of your own numbers: --caller-id +14155550100",
        )


def _check_reserve(settings: TrunkSettings) -> None:
    kept = settings.reserved_channels + settings.callback_channels
    if min(settings.reserved_channels, settings.callback_channels) < 0:
        raise InvalidInput("channels cannot be kept free below 0", hint="0: none")
    if kept >= settings.max_concurrent_calls:
        raise InvalidInput(
            f"{kept} channels kept free of {settings.max_concurrent_calls} leave none to call with",
            hint="lower --reserved-channels or --callback-channels",
        )
