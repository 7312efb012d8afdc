"""What may go into the dial of one call, beside the number.  Pure.

LiveKit takes junk without a word and dials with it, or breaks the call (``livekit-recorded`` finding 10), so everything
is checked before anything is sent.
"""

import re
from collections.abc import Mapping

from dialer.errors import InvalidInput

LONGEST_DTMF = 100
LONGEST_NAME = 128
LONGEST_HEADER_NAME = 255
LONGEST_HEADER_VALUE = 1024
MOST_ATTRIBUTE_BYTES = 64 << 10
MOST_METADATA_BYTES = 512 << 10

_DTMF = re.compile(rf"[0-9*#A-DwW]{{1,{LONGEST_DTMF}}}", re.ASCII)
_TOKEN = re.compile(rf"[A-Za-z0-9.!%*_+`'~-]{{1,{LONGEST_HEADER_NAME}}}", re.ASCII)  # RFC 3261, 25.1
_PRINTABLE = re.compile(rf"[\x20-\x7e\u0080-\U0010ffff]{{1,{LONGEST_HEADER_VALUE}}}")
_UNSPEAKABLE = re.compile(r'[\x00-\x1f\x7f"\\]')
#: Attributes that LiveKit, its agents and this dialer set.
_TAKEN_PREFIXES = ("sip.", "lk.", "dialer.")

_SIP_HEADERS = """
    Via From To Call-ID CSeq Contact Max-Forwards Route Record-Route Path Service-Route Authorization WWW-Authenticate
    Authentication-Info Allow Allow-Events Supported Require Unsupported Accept Accept-Contact Accept-Encoding
    Accept-Language Reject-Contact Request-Disposition Reply-To Expires Min-Expires Session-Expires Min-SE RSeq RAck
    Event Subscription-State Refer-To Referred-By Refer-Sub Replaces Join Target-Dialog Timestamp Date MIME-Version
    User-Agent Server Warning Retry-After Error-Info In-Reply-To Identity Identity-Info
    i m e l c f s k t v r b o u a d j n x y
"""
_FORBIDDEN_HEADERS = frozenset(_SIP_HEADERS.casefold().split())
_FORBIDDEN_FAMILIES = ("content-", "proxy-", "sec-", "security-")


def check_dtmf(text: str) -> str:
    """Tones to be sent after the answer, as ``ww123#``; ``w`` waits half a second.

    Raises:
        InvalidInput: with what may be written.
    """
    if not _DTMF.fullmatch(text):
        raise InvalidInput(
            f"{text[:40]!r} cannot be sent as tones", hint=f"0-9 * # A-D, w waits 0.5 s; at most {LONGEST_DTMF} of them"
        )
    return text


def check_display_name(text: str) -> str:
    """The caller's name beside the number; empty: none is sent.

    Raises:
        InvalidInput: too long, or with characters that would break the From header.
    """
    if len(text) > LONGEST_NAME or _UNSPEAKABLE.search(text):
        raise InvalidInput(
            f"{text[:40]!r} cannot be shown as a name",
            hint=f"at most {LONGEST_NAME} characters, no quotes, backslashes or line breaks",
        )
    return text


def check_header_name(name: str) -> str:
    """The name of a SIP header of the INVITE.

    Raises:
        InvalidInput: it is no header name, or one that SIP or LiveKit fill themselves.
    """
    if not _TOKEN.fullmatch(name):
        raise InvalidInput(f"{name[:40]!r} is not the name of a header", hint="use letters, digits and -, as X-Account")
    if name.casefold() in _FORBIDDEN_HEADERS or name.casefold().startswith(_FORBIDDEN_FAMILIES):
        raise InvalidInput(
            f"the header {name} is not ours to set: the call would break", hint="use a name of your own, as X-Account"
        )
    return name


def check_header_value(name: str, value: str) -> str:
    """The value of a header.

    Raises:
        InvalidInput: empty, too long, or with line breaks or other control characters.
    """
    if not _PRINTABLE.fullmatch(value):
        raise InvalidInput(
            f"the value of the header {name} cannot be sent",
            hint=f"1 to {LONGEST_HEADER_VALUE} characters on one line",
        )
    return value


def check_attribute_name(name: str) -> str:
    """The key of an attribute of the callee's participant.

    Raises:
        InvalidInput: empty, or one that LiveKit, its agents or the dialer set.
    """
    if not name.strip():
        raise InvalidInput("an attribute needs a name", hint="write NAME=VALUE, as plan=gold")
    if name.casefold().startswith(_TAKEN_PREFIXES):
        raise InvalidInput(
            f"attributes that begin with {', '.join(_TAKEN_PREFIXES)} are set by LiveKit and the dialer: {name!r}",
            hint="use another name",
        )
    return name


def check_attributes(attributes: Mapping[str, str]) -> None:
    """All attributes of one call together.

    Raises:
        InvalidInput: with the size, when LiveKit would not carry them.
    """
    size = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    if size > MOST_ATTRIBUTE_BYTES:
        raise InvalidInput(
            f"the attributes have {size:,} bytes, and LiveKit takes {MOST_ATTRIBUTE_BYTES:,}",
            hint="an agent gets the contact's columns without attributes",
        )


def check_metadata(text: str, whose: str) -> str:
    """Metadata of a participant or an agent.

    Args:
        whose: begins the message, as ``contact +1415***0123``.

    Raises:
        InvalidInput: with the size, when LiveKit would not carry it.
    """
    size = len(text.encode()) if len(text) * 4 > MOST_METADATA_BYTES else 0
    if size > MOST_METADATA_BYTES:
        raise InvalidInput(
            f"{whose}: the metadata have {size:,} bytes, and LiveKit takes {MOST_METADATA_BYTES:,}",
            hint="leave columns out of the contact file, or give the agent a key under which it finds the rest",
        )
    return text
