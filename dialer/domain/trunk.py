"""The trunk: an outbound SIP trunk of LiveKit with its own limits.  Pure."""

import re
from dataclasses import dataclass

from dialer.errors import InvalidInput

_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trunk:
    """A stored LiveKit trunk and what it allows.

    Attributes:
        livekit_trunk_id: ``ST_...``; one bucket of limits belongs to each.
        calls_per_second: INVITEs in any sliding second, above 0; 0.5 is one call every 2 s.
        max_concurrent_calls: calls up at once, ringing included.
        caller_id: the number shown to the contact, E.164; None leaves the choice to LiveKit.
    """

    id: int
    name: str
    livekit_trunk_id: str
    calls_per_second: float
    max_concurrent_calls: int
    caller_id: str | None = None


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
    if not 0 < calls_per_second <= 10_000:
        raise InvalidInput(
            f"calls per second must be above 0, not {calls_per_second:g}",
            hint="0.5 means one call every 2 seconds; ask your carrier for its limit",
        )
    if not 0 < max_concurrent_calls <= 1_000_000:
        raise InvalidInput(
            f"concurrent calls must be at least 1, not {max_concurrent_calls}",
            hint="ask your carrier how many channels the trunk has",
        )
