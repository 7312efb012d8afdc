"""Delivery of webhooks as LiveKit does it (``livekit.md`` 4.2, 4.3): signed, in order per room, retried, never kept.

All times are real seconds: the receiver's outages do not go faster than life.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from simulator.clock import Clock

RETRY_WAITS_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
MOST_WAITING: Final = 200  #: events of one room for one URL
OLDEST_SECONDS: Final = 30.0
_TOKEN_SECONDS: Final = 300
_CONTENT_TYPE: Final = "application/webhook+json"


@dataclass(slots=True)
class Tally:
    """What became of the events so far; an event for two URLs counts twice."""

    delivered: int = 0
    dropped: int = 0  #: too many of the room were waiting, or it waited too long
    failed: int = 0  #: not delivered at five attempts


class Signer:
    """Makes the ``Authorization`` header of a body: a JWT over its hash."""

    def __init__(self, *, api_key: str, api_secret: str, clock: Clock) -> None:
        self._api_key = api_key
        self._secret = api_secret.encode()
        self._clock = clock
        self._header = _encode(b'{"alg":"HS256","typ":"JWT"}')

    def token(self, body: bytes) -> str:
        """A token that is good for this very body, for five minutes."""
        now = int(self._clock.now())
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        claims = {"exp": now + _TOKEN_SECONDS, "iss": self._api_key, "nbf": now, "sha256": digest}
        signed = self._header + b"." + _encode(json.dumps(claims, separators=(",", ":")).encode())
        return (signed + b"." + _encode(hmac.digest(self._secret, signed, "sha256"))).decode()


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


class Sender(Protocol):
    """Posts one body once.  A sender that loses, doubles or delays takes HttpSender's place here."""

    async def post(self, url: str, body: bytes, token: str) -> bool:
        """Whether the event need not be sent again."""

    async def close(self) -> None:
        """Drop the connections."""


class HttpSender:
    """The sender that does what LiveKit does."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, token: str) -> bool:
        """Whether it need not be sent again: any answer but 429 and 5xx; 501 is as good as a yes."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        headers = {"Content-Type": _CONTENT_TYPE, "Authorization": token}
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError):
            return False
        return answer.status == 501 or (answer.status < 500 and answer.status != 429)

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()


class Outbox:
    """One queue for each URL and room, and one task for each queue that holds something."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        signer: Signer,
        sender: Sender,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = urls
        self._signer = signer
        self._sender = sender
        self._sleep = sleep
        self._now = now
        self._queues: dict[tuple[str, str], deque[tuple[float, bytes]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    @property
    def waiting(self) -> int:
        """Events that are not delivered yet; those on the wire are not among them."""
        return sum(map(len, self._queues.values()))

    def put(self, room: str, body: bytes) -> None:
        """Send one event of a room to everybody, after the room's earlier ones."""
        for url in self._urls:
            queue = self._queues.get((url, room))
            if queue is None:
                queue = self._queues[url, room] = deque()
                task = asyncio.create_task(self._empty(url, room))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if len(queue) >= MOST_WAITING:
                self.tally.dropped += 1
            else:
                queue.append((self._now(), body))

    async def close(self) -> None:
        """Forget what waits, as a server that is stopped does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()

    async def _empty(self, url: str, room: str) -> None:
        queue = self._queues[url, room]
        while queue:
            put_at, body = queue.popleft()
            if self._now() - put_at > OLDEST_SECONDS:
                self.tally.dropped += 1
            elif await self._send(url, body):
                self.tally.delivered += 1
            else:
                self.tally.failed += 1
        del self._queues[url, room]

    async def _send(self, url: str, body: bytes) -> bool:
        token = self._signer.token(body)
        for wait_seconds in RETRY_WAITS_SECONDS:
            if await self._sender.post(url, body, token):
                return True
            await self._sleep(wait_seconds)
        return await self._sender.post(url, body, token)
