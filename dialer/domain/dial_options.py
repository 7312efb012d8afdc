"""How a campaign's calls are dialed, beyond number and times: what LiveKit's CreateSIPParticipant can be told.  Pure.

A campaign sets all of it; a contact's own columns ``display_name``, ``dtmf``, ``header:NAME`` and ``attribute:NAME``
come before the campaign's.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from dialer.domain.dial_checks import (
    LONGEST_NAME,
    MOST_METADATA_BYTES,
    check_attribute_name,
    check_attributes,
    check_display_name,
    check_dtmf,
    check_header_name,
    check_header_value,
    check_metadata,
)
from dialer.domain.phone_number import mask
from dialer.errors import InvalidInput

__all__ = ["DEFAULT_OPTIONS", "MOST_METADATA_BYTES", "DialOptions", "agent_metadata", "dtmf_seconds", "is_dial_column"]

MediaEncryption = Literal["disable", "allow", "require"]
IncludeHeaders = Literal["none", "x", "all"]

#: How long livekit-sip sends one tone, and how long a ``w`` waits.
_TONE_SECONDS, _WAIT_SECONDS = 0.25, 0.5
_NAMED = re.compile(r"(header|attribute)\s*:\s*(.*?)\s*", re.IGNORECASE | re.DOTALL)
_PLAIN = ("display_name", "dtmf")


@dataclass(frozen=True, kw_only=True, slots=True)
class DialOptions:
    """What the dial is told.

    Attributes:
        display_name: the caller's name; None: the trunk's choice, empty: none.
        dtmf: tones after the answer, as an extension: ``ww123``.
        headers: of the INVITE; before the trunk's own.
        attributes: of the callee's participant.
        play_dialtone: a ring tone into the room while it rings, for the agent.
        hide_phone_number: leaves the number out of the participant's attributes.
        noise_cancelling: LiveKit Cloud only.
        media_encryption: None: as the trunk says.
        include_headers: which headers of the answer become attributes; None or ``none``: as the trunk says.
    """

    display_name: str | None = None
    dtmf: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    participant_name: str | None = None
    participant_metadata: str | None = None
    play_dialtone: bool = False
    hide_phone_number: bool = False
    noise_cancelling: bool = False
    media_encryption: MediaEncryption | None = None
    include_headers: IncludeHeaders | None = None

    def checked(self) -> "DialOptions":
        """These options, when all of them can be sent.

        Raises:
            InvalidInput: one cannot.
        """
        check_display_name(self.display_name or "")
        if self.dtmf:
            check_dtmf(self.dtmf)
        for name, value in self.headers.items():
            check_header_value(check_header_name(name), value)
        for key in self.attributes:
            check_attribute_name(key)
        check_attributes(self.attributes)
        check_metadata(self.participant_metadata or "", "--participant-metadata")
        if len(self.participant_name or "") > LONGEST_NAME:
            raise InvalidInput("the participant's name is too long", hint=f"at most {LONGEST_NAME} characters")
        return self

    def with_columns(self, data: Mapping[str, str]) -> "DialOptions":
        """These options with what the contact's columns say; an empty cell says nothing.

        Raises:
            InvalidInput: together they cannot be sent.
        """
        plain: dict[str, str] = {}
        named: dict[str, dict[str, str]] = {"header": {}, "attribute": {}}
        for column, value in data.items():
            if not value or not (key := dial_column(column)):
                continue
            kind, name = key
            if name:
                named[kind][name] = value
            else:
                plain[kind] = value
        if not plain and not named["header"] and not named["attribute"]:
            return self
        return replace(
            self,
            display_name=plain.get("display_name", self.display_name),
            dtmf=plain.get("dtmf", self.dtmf),
            headers=_over(self.headers, named["header"]),
            attributes={**self.attributes, **named["attribute"]},
        ).checked()

    def to_json(self) -> dict[str, Any]:
        """What ``campaigns.dial_options`` holds: what differs from the defaults."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(DEFAULT_OPTIONS, each.name):
                found[each.name] = dict(value) if isinstance(value, Mapping) else value
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "DialOptions":
        """The options of a campaign; what a later version has added is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


#: A dial that is told nothing.
DEFAULT_OPTIONS = DialOptions()


def _over(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Header names are the same in any case: a contact's ``x-plan`` replaces a campaign's ``X-Plan``."""
    replaced = {name.casefold() for name in others}
    return {name: value for name, value in headers.items() if name.casefold() not in replaced} | dict(others)


def dial_column(column: str) -> tuple[str, str] | None:
    """``("header", "X-Plan")``, ``("attribute", "plan")``, ``("dtmf", "")``, ``("display_name", "")`` or None."""
    name = column.strip()
    if name.casefold() in _PLAIN:
        return name.casefold(), ""
    if ":" in name and (named := _NAMED.fullmatch(name)):
        return named[1].casefold(), named[2]
    return None


def is_dial_column(column: str) -> bool:
    """Whether a column of this name changes the dial."""
    return dial_column(column) is not None


def dtmf_seconds(dtmf: str | None) -> timedelta:
    """How long the tones take: for so long LiveKit holds the answer back (``livekit-recorded`` finding 8)."""
    waits = sum(sign in "wW" for sign in dtmf or "")
    return timedelta(seconds=waits * _WAIT_SECONDS + (len(dtmf or "") - waits) * _TONE_SECONDS)


def agent_metadata(
    data: Mapping[str, object], *, attempt_id: UUID | str, campaign: str, number: str, attempt: int
) -> str:
    """What the agent's job is told: the contact's columns, and under ``dialer`` which call this is.

    Args:
        number: E.164.
        attempt: the how-manieth; 1 is the first.

    Raises:
        InvalidInput: with number and size, when LiveKit would not carry it.
    """
    call = {"attempt_id": str(attempt_id), "campaign": campaign, "number": number, "attempt": attempt}
    text = json.dumps({**data, "dialer": call}, ensure_ascii=False, separators=(",", ":"))
    return check_metadata(text, f"contact {mask(number)}")
