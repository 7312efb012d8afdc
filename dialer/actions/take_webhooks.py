"""Takes webhooks in: the event row first, committed, then the work and the wake-up.  Counts what is not kept."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import psycopg
import structlog
from redis.exceptions import RedisError

from dialer.actions.hear_news import news_channel
from dialer.app import Dialer
from dialer.batch import Batcher
from dialer.domain.webhook import OurRoom, Webhook, WebhookFate, sort_webhook
from dialer.errors import StoreUnavailable
from dialer.ledger.events import NewEvent, count_webhooks, keep_events

log = structlog.get_logger()

GATHER_SECONDS = 0.002
#: Batches that are told of at a time; when Redis hangs, the clerk finds the others by itself.
MOST_TELLING = 50
#: Puts the job *read news* on the queue; the ledger finds what it loses.
Enqueue = Callable[[Sequence[UUID]], Awaitable[None]]


class WebhookIntake:
    """The webhooks of one web process."""

    def __init__(self, dialer: Dialer, enqueue: Enqueue) -> None:
        self._dialer = dialer
        self._enqueue = enqueue
        self._keep: Batcher[NewEvent, WebhookFate] = Batcher(self._keep_many, gather_seconds=GATHER_SECONDS)
        self._counts: Counter[WebhookFate] = Counter()
        self._valid_came = False
        self._telling: set[asyncio.Task[None]] = set()

    async def take(self, webhook: Webhook) -> WebhookFate:
        """Keep it if it is about a call of ours; it is committed when this returns.

        Raises:
            StoreUnavailable: it is not known to be kept; LiveKit will send it again.
        """
        room = sort_webhook(webhook, installation=self._dialer.installation)
        if isinstance(room, OurRoom):
            return await self._keep.ask(NewEvent(webhook, room.attempt_id))
        self._valid_came = True
        self.count(room)
        return room

    def count(self, fate: WebhookFate) -> None:
        """Count a request that is not kept; written by ``write_counts``."""
        self._counts[fate] += 1

    async def write_counts(self) -> None:
        """Write what was counted since the last time."""
        if not self._counts:
            return
        counts, valid_came = self._counts, self._valid_came
        self._counts, self._valid_came = Counter(), False
        try:
            await count_webhooks(self._dialer.ledger, counts, is_valid=valid_came)
        except BaseException:  # also when it is cancelled: rather counted twice than not at all
            self._counts += counts
            self._valid_came |= valid_came
            raise

    async def close(self) -> None:
        """Tell what is kept, and write what was counted."""
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self.write_counts()

    async def _keep_many(self, news: Sequence[NewEvent]) -> list[WebhookFate]:
        fates = await self._kept(news)
        fresh = [
            item.attempt_id
            for item, fate in zip(news, fates, strict=True)
            if fate is WebhookFate.ACCEPTED and item.attempt_id is not None
        ]
        attempt_ids = list(dict.fromkeys(fresh))
        if attempt_ids and len(self._telling) < MOST_TELLING:
            telling = asyncio.create_task(self._tell(attempt_ids))  # a slow Redis must not hold LiveKit up
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        return fates

    async def _kept(self, news: Sequence[NewEvent]) -> list[WebhookFate]:
        """What PostgreSQL cannot store must not take others along: then each is kept by itself."""
        try:
            new = await keep_events(self._dialer.ledger, news)
        except psycopg.DataError as error:
            if len(news) > 1:
                return [fate for item in news for fate in await self._kept([item])]
            log.warning("webhook_not_stored", event_id=news[0].webhook.event_id, error=type(error).__name__)
            self.count(WebhookFate.BROKEN)
            return [WebhookFate.BROKEN]
        except psycopg.errors.LockNotAvailable as error:
            raise StoreUnavailable("another transaction holds a row: LiveKit will send it again") from error
        return [WebhookFate.ACCEPTED if is_new else WebhookFate.DOUBLED for is_new in new]

    async def _tell(self, attempt_ids: Sequence[UUID]) -> None:
        """The rows are there: the clerk finds them by itself, and whoever waits for them reads at the end."""
        try:
            await self._dialer.redis.client.publish(news_channel(self._dialer), " ".join(map(str, attempt_ids)))
            await self._enqueue(attempt_ids)
        except (RedisError, OSError, StoreUnavailable) as error:
            log.warning("news_not_told", attempts=len(attempt_ids), error=str(error))
