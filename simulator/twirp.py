"""Twirp: how requests are read, and answers and errors written, in protobuf and in JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, TypeVar

from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import DecodeError, Message

JSON: Final = "application/json"
PROTOBUF: Final = "application/protobuf"

_HTTP_STATUS: Final = {
    "canceled": 408,
    "unknown": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "dataloss": 500,
}

#: fields that our protobuf classes have and the recorded livekit-server does not print
_NEWER: Final = frozenset({"livekit.JobState.reason"})

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Failure:
    """An answer that is an error.  A value: a busy callee is nothing exceptional."""

    code: str
    msg: str
    meta: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _HTTP_STATUS[self.code]

    @cached_property
    def body(self) -> bytes:
        """The error as Twirp writes it: always JSON, and no ``meta`` when there is none."""
        parts: dict[str, object] = {"code": self.code, "msg": self.msg}
        if self.meta:
            parts["meta"] = dict(self.meta)
        return json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()


class Refused(Exception):
    """A request is not carried out; ``failure`` is its answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.msg)
        self.failure = failure


def refused(code: str, msg: str) -> Refused:
    """A refusal in LiveKit's own words."""
    return Refused(Failure(code, msg))


def read(body: bytes, content_type: str, request_class: type[M]) -> M:
    """Decode a request.  Unknown JSON fields are passed over, as LiveKit does."""
    try:
        if content_type == PROTOBUF:
            return request_class.FromString(body)
        return Parse(body or b"{}", request_class(), ignore_unknown_fields=True)
    except DecodeError:
        raise refused("malformed", "the protobuf request could not be decoded") from None
    except (ParseError, UnicodeDecodeError):
        raise refused("malformed", "the json request could not be decoded") from None


def write(message: Message, content_type: str) -> bytes:
    """Encode an answer in the form of its request."""
    if content_type == PROTOBUF:
        return message.SerializeToString()
    return json.dumps(to_dict(message), separators=(",", ":"), ensure_ascii=False).encode()


def to_dict(message: Message) -> dict[str, Any]:  # Any: JSON
    """The JSON form of a message: snake_case, every field printed, unset messages as null."""
    written = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return _complete(message.DESCRIPTOR.fields, written)


def _complete(fields: Iterable[Any], written: dict[str, Any]) -> dict[str, Any]:  # Any: protobuf has two classes
    """Put the fields in the order of their declaration, with null where Python's writer leaves a gap."""
    complete: dict[str, Any] = {}
    for described in fields:
        if described.full_name in _NEWER:
            continue
        if described.name in written:
            complete[described.name] = _complete_value(described, written[described.name])
        elif described.containing_oneof is None:
            complete[described.name] = None
    return complete


def _complete_value(described: Any, value: Any) -> Any:
    kind = described.message_type
    if kind is None or kind.GetOptions().map_entry or kind.full_name.startswith("google.protobuf."):
        return value
    if isinstance(value, list):
        return [_complete(kind.fields, item) for item in value]
    return _complete(kind.fields, value)
