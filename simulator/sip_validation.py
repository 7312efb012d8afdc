"""What LiveKit refuses to dial before anything is dialed.  Pure."""

import re
from typing import Final

from livekit.protocol.sip import CreateSIPParticipantRequest, SIPOutboundConfig

from simulator.twirp import refused

_TOKEN: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.!%*_+`'~")
_FORBIDDEN_HEADERS: Final = re.compile(
    "accept|accept-encoding|accept-language|allow|allow-events|call-id|contact|content-encoding|content-length"
    "|content-type|cseq|event|expires|from|max-forwards|record-route|refer-to|reply-to"
    "|[klmortuv]"  # the short forms
)
#: accepted by LiveKit, and the call never gets anywhere
_FATAL_HEADERS: Final = frozenset({"via"})


def check_dial(request: CreateSIPParticipantRequest) -> None:
    """Raise LiveKit's refusal of a request that it would not dial."""
    if not request.sip_trunk_id and not request.HasField("trunk") and not request.sip_number:
        raise _invalid("missing sip trunk id and sip number")
    if request.HasField("trunk"):
        _check_inline_trunk(request.trunk)
    if not request.sip_call_to:
        raise _invalid("missing sip callee number")
    if "@" in request.sip_call_to:
        raise _invalid("SipCallTo should be a phone number or SIP user, not a full SIP URI")
    if not request.room_name:
        raise _invalid("missing room name")
    for name, value in request.headers.items():
        _check_header(name, value)


def breaks_the_call(request: CreateSIPParticipantRequest) -> bool:
    """Whether a header makes the INVITE one that no carrier answers."""
    return any(name.lower() in _FATAL_HEADERS for name in request.headers)


def _check_inline_trunk(trunk: SIPOutboundConfig) -> None:
    if not trunk.hostname:
        raise _invalid("no outbound hostname specified")
    if "transport=" in trunk.hostname:
        raise _invalid("trunk hostname should not contain transport parameter")
    if trunk.hostname.startswith(("sip:", "sips:")) or any(sign in trunk.hostname for sign in "@;"):
        raise _invalid("trunk hostname should be a hostname or IP, not SIP URI")


def _check_header(name: str, value: str) -> None:
    problem = _name_problem(name)
    if problem:
        raise _invalid(f"invalid header name: {problem}")
    if len(value) > 1024:
        raise _invalid(f"invalid header value for {name}: header {name}: value too long (max 1024 characters)")
    for sign in value:
        if not (sign == "\t" or " " <= sign <= "~" or sign > "\x7f"):
            problem = f"char {ord(sign)} not allowed"
            raise _invalid(f"invalid header value for {name}: header {name}: value: {problem}")


def _name_problem(name: str) -> str:
    if not name:
        return "header name cannot be empty"
    if len(name) > 255:
        return "header name too long (max 255 characters)"
    for sign in name:
        if sign not in _TOKEN:
            return f"header name {name} contains invalid characters: char {ord(sign)} not allowed"
    return f"header name {name} not supported" if _FORBIDDEN_HEADERS.fullmatch(name.lower()) else ""


def _invalid(msg: str) -> Exception:
    return refused("invalid_argument", msg)
