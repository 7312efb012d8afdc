"""What aiohttp tells about one dial while it is under way: the gate, "sent or not", the raw error body.

livekit-api hides all three: it neither says whether a failed request had gone out nor keeps an error body that is not
JSON, such as LiveKit's ``token is expired``.
"""

import socket
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from dialer.telephony.line import Gate

#: Unacknowledged bytes for this long end a connection: a POST must not sit in a dead network and arrive later.
TCP_USER_TIMEOUT_MS = 10_000


class DialTrace:
    """One dial as the socket sees it."""

    def __init__(self, gate: Gate, *, on_sent: Callable[[], None]) -> None:
        self.gate = gate
        self.on_sent = on_sent
        self.sent = False
        self.body = b""


current_dial: ContextVar[DialTrace | None] = ContextVar("current_dial", default=None)


async def _note_sent(_session: aiohttp.ClientSession, _context: SimpleNamespace, _params: Any) -> None:
    if dial := current_dial.get():
        dial.sent = True
        dial.on_sent()


async def _note_body(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceResponseChunkReceivedParams,
) -> None:
    if dial := current_dial.get():
        dial.body += params.chunk


def dial_trace_config() -> aiohttp.TraceConfig:
    """The hooks of a session that dials."""
    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_note_sent)
    config.on_response_chunk_received.append(_note_body)
    return config


class GatedConnector(aiohttp.TCPConnector):
    """Awaits the dial's gate when its connection stands and nothing is written yet.

    A connection whose gate shuts goes back into the pool unused.  (Raised from aiohttp's own trace hooks, the gate's
    exception would leave the connection open and lost.)
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        if dial := current_dial.get():
            try:
                await dial.gate()
            except BaseException:
                connection.release()
                raise
        return connection


def dial_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that gives up on unacknowledged bytes after ``TCP_USER_TIMEOUT_MS`` (RFC 5482)."""
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return opened
