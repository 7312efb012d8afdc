"""Waits for news on behalf of a call: a wake-up comes over Redis, the news itself is read in the ledger.

Without Redis, or when a wake-up is lost, a wait lasts its whole time and then reads once more: it is slower, not wrong.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from dialer.app import Dialer
from dialer.batch import Batcher
from dialer.domain.news import NewsItem, rang
from dialer.errors import StoreUnavailable
from dialer.ledger.events import events_of
from dialer.ledger.line_status import webhooks_arrive

log = structlog.get_logger()

CHANNEL: Final = "news"
ARRIVING_FOR = timedelta(seconds=60)  #: a valid webhook within this: they arrive
_ASK_SECONDS = 1.0
_RECONNECT_SECONDS = 1.0
_POLL_SECONDS = 0.5


def news_channel(dialer: Dialer) -> str:
    """The Redis channel on which ids of attempts are published after their events are committed."""
    return dialer.redis.key(CHANNEL)


class NewsListener:
    """One for each process.  Use it as a context: it listens inside."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._waiting: dict[UUID, list[asyncio.Event]] = {}
        self._read: Batcher[UUID, list[NewsItem]] = Batcher(self._read_many)
        self._tasks: list[asyncio.Task[None]] = []
        self.webhooks_arrive = False

    async def __aenter__(self) -> "NewsListener":
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def rang(self, attempt_id: UUID, *, within: timedelta) -> bool | None:
        """Whether the callee's phone rang, as its leaving tells; None when it is not told of ``within``."""
        return await self._wait(attempt_id, lambda items: rang(items, str(attempt_id)), within)

    async def agent_joined(self, attempt_id: UUID, *, within: timedelta) -> bool:
        """Whether an agent has come into the attempt's room ``within``, and has not left it again."""
        return bool(await self._wait(attempt_id, _has_agent, within))

    async def _wait(
        self, attempt_id: UUID, answer: Callable[[Sequence[NewsItem]], bool | None], within: timedelta
    ) -> bool | None:
        """The ledger is read when it begins, at each wake-up and at the end."""
        told = asyncio.Event()
        self._waiting.setdefault(attempt_id, []).append(told)
        try:
            async with asyncio.timeout(within.total_seconds()):
                while (found := answer(await self._items(attempt_id))) is None:
                    await told.wait()
                    told.clear()
                return found
        except TimeoutError:
            return answer(await self._items(attempt_id))
        finally:
            self._forget(attempt_id, told)

    def _forget(self, attempt_id: UUID, told: asyncio.Event) -> None:
        waiting = self._waiting[attempt_id]
        waiting.remove(told)
        if not waiting:
            del self._waiting[attempt_id]

    async def _items(self, attempt_id: UUID) -> list[NewsItem]:
        try:
            return await self._read.ask(attempt_id)
        except StoreUnavailable:
            return []

    async def _read_many(self, attempt_ids: Sequence[UUID]) -> list[list[NewsItem]]:
        found = await events_of(self._dialer.ledger, set(attempt_ids))
        return [[kept.item for kept in found[attempt_id]] for attempt_id in attempt_ids]

    async def _watch(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                self.webhooks_arrive = await webhooks_arrive(self._dialer.ledger, within=ARRIVING_FOR)
            await asyncio.sleep(_ASK_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._dialer.redis.client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(news_channel(self._dialer))
                    self._wake_all()
                    while True:
                        message = await pubsub.get_message(timeout=_POLL_SECONDS)
                        if message is not None:
                            self._wake(message["data"])
            except (RedisError, OSError) as error:
                log.warning("news_not_heard", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    def _wake(self, data: bytes) -> None:
        for word in data.decode("ascii", "replace").split():
            with suppress(ValueError):
                for told in self._waiting.get(UUID(word), ()):
                    told.set()

    def _wake_all(self) -> None:
        """What was published while nobody listened is in the ledger."""
        for waiting in self._waiting.values():
            for told in waiting:
                told.set()


def _has_agent(items: Sequence[NewsItem]) -> bool | None:
    """None while nobody is there: one that has gone again may be followed by another."""
    agents = [item for item in items if item.kind == "AGENT"]
    came = {item.identity for item in agents if item.event == "participant_joined"}
    return bool(came - {item.identity for item in agents if item.event == "participant_left"}) or None
