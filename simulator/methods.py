"""What a Twirp method is to the server: the class of its request and what answers it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from simulator import twirp
from simulator.tokens import Grants
from simulator.twirp import Failure

Answer = Message | Failure
R = TypeVar("R", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks, and when."""

    grants: Grants
    at: float  #: unix seconds, taken when the request's bytes came off the socket


@dataclass(frozen=True, slots=True)
class Method:
    """One method.  It raises Refused for a request that it does not carry out."""

    answer: Callable[[bytes, str, Asker], Awaitable[Answer]]

    @classmethod
    def of(cls, request_class: type[R], run: Callable[[R, Asker], Awaitable[Answer]]) -> "Method":
        """The method that runs ``run`` on a decoded request."""

        def answer(body: bytes, content_type: str, asker: Asker) -> Awaitable[Answer]:
            return run(twirp.read(body, content_type, request_class), asker)

        return cls(answer)
