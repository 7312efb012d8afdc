"""How a dial that failed is told: LiveKit's table from SIP code to Twirp error, and the failures without a code."""

import base64
from functools import lru_cache
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from livekit.protocol.models import DisconnectReason
from livekit.protocol.sip import SIPStatus

from simulator.twirp import Failure

#: what LiveKit puts before the text of every error that comes from its SIP node
FROM_NODE: Final = "twirp error unknown: "

_CODES: Final[dict[str, tuple[int, ...]]] = {
    "not_found": (301, 302, 404, 410, 481, 604),
    "permission_denied": (401, 402, 403, 433, 470, 603, 607, 608),
    "unauthenticated": (407, 428, 436, 437, 438, 494),
    "deadline_exceeded": (408, 504),
    "failed_precondition": (409, 412, 482, 483),
    "out_of_range": (416,),
    "resource_exhausted": (440, 480, 486, 600),
    "aborted": (487, 491),
    "invalid_argument": (505, 513),
}
_BY_SIP_CODE: Final = {sip_code: code for code, sip_codes in _CODES.items() for sip_code in sip_codes}

_GRPC_NUMBER: Final = {
    "invalid_argument": 3,
    "deadline_exceeded": 4,
    "not_found": 5,
    "permission_denied": 7,
    "resource_exhausted": 8,
    "failed_precondition": 9,
    "aborted": 10,
    "out_of_range": 11,
    "unauthenticated": 16,
}

#: for these the SIP node words its error differently
_PLAIN_FAILURES: Final = frozenset({400, 404, 480, 486, 488})

#: 5xx reasons that are the customer's own limit, not a fault of the trunk
_OWN_LIMITS: Final = ("cps limit exceeded", "concurrent call limit exceeded")

RING_TIMEOUT: Final = Failure("canceled", f"{FROM_NODE}sip request timed out")
RPC_DEADLINE: Final = Failure("deadline_exceeded", f"{FROM_NODE}request timed out")
JOIN_KILLED: Final = Failure("internal", f"{FROM_NODE}update room failed: could not connect after timeout")
AUTH_MISSING: Final = Failure(
    "failed_precondition",
    f"{FROM_NODE}sip server required auth, but no username or password was provided",
)
AUTH_WRONG: Final = Failure("failed_precondition", f"{FROM_NODE}max auth retry attempts reached for SIP invite")


def transaction_failed(intermediate_responses: int) -> Failure:
    """The carrier never gave a final response, and the SIP node gave up before the ringing timeout."""
    responses = f"({intermediate_responses} intermediate responses)"
    return Failure("canceled", f"{FROM_NODE}transaction failed to complete {responses}")


def connection_refused(address: str) -> Failure:
    """Nobody listens at the trunk's TCP address."""
    reason = f"transport<TCP> dial err=dial tcp :0->{address}: connect: connection refused"
    return Failure("failed_precondition", FROM_NODE + reason)


def host_unknown(host: str) -> Failure:
    """The trunk's host is not in DNS."""
    looked_up = f"lookup _sip._udp.{host} on 192.0.2.53:53: no such host"
    return Failure("invalid_argument", f'{FROM_NODE}fail to resolve target for "{host}": {looked_up}')


@lru_cache(maxsize=4096)
def final_response(sip_code: int, phrase: str) -> Failure:
    """The error for a final response of 300 to 699."""
    code = _twirp_code(sip_code)
    opening = "INVITE failed" if sip_code in _PLAIN_FAILURES else "unexpected status from INVITE response"
    text = f"{opening}: sip status: {sip_code}: {phrase}"
    meta = {
        "error_details": _error_details(_GRPC_NUMBER[code], text, sip_code=sip_code, phrase=phrase),
        "sip_status": phrase,
        "sip_status_code": str(sip_code),
    }
    return Failure(code, FROM_NODE + text, meta)


def disconnect_reason(sip_code: int, phrase: str) -> DisconnectReason:
    """Why the participant leaves after this final response, as LiveKit reports it."""
    if sip_code in (404, 408, 480):
        return DisconnectReason.USER_UNAVAILABLE
    if sip_code < 400 or (500 <= sip_code < 600 and not any(own in phrase.lower() for own in _OWN_LIMITS)):
        return DisconnectReason.CLIENT_INITIATED
    return DisconnectReason.USER_REJECTED


def _twirp_code(sip_code: int) -> str:
    by_class = "failed_precondition" if 500 <= sip_code < 600 else "invalid_argument"
    return _BY_SIP_CODE.get(sip_code, by_class)


def _error_details(grpc_number: int, text: str, *, sip_code: int, phrase: str) -> str:
    """A google.rpc.Status with a SIPStatus in it, in base64.  Written by hand: its class is not installed."""
    detail = AnyMessage()
    detail.Pack(SIPStatus(code=sip_code, status=phrase))  # type: ignore[arg-type]  # the enum is open
    status = b"\x08" + _varint(grpc_number)
    for tag, part in ((b"\x12", text.encode()), (b"\x1a", detail.SerializeToString())):
        status += tag + _varint(len(part)) + part
    return base64.b64encode(status).decode()


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
