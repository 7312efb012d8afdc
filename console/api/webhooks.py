"""``POST /webhooks/livekit``: LiveKit's news.  200 means that it is committed; with 503 LiveKit sends it again."""

import asyncio
from typing import Final

import psycopg
import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from console.webhook_url import PATH
from dialer.actions.take_webhooks import WebhookIntake
from dialer.clock import Clock
from dialer.domain.webhook import WebhookFate
from dialer.errors import StoreUnavailable
from dialer.logs import Seldom
from dialer.telephony.livekit_webhooks import MOST_BYTES, WebhookReader, WebhookRefused

log = structlog.get_logger()

_READ_SECONDS: Final = 10.0
#: What is too large is read so far and thrown away: its sender would not hear the answer while it writes.
_MOST_READ: Final = 4 * MOST_BYTES

_STATUS: Final = {
    WebhookFate.FORGED: 401,
    WebhookFate.STALE: 401,
    WebhookFate.BAD_HASH: 401,
    WebhookFate.TOO_LARGE: 413,
    WebhookFate.BROKEN: 400,
}


def webhook_routes(reader: WebhookReader, intake: WebhookIntake, *, clock: Clock) -> APIRouter:
    """The one route.  What is refused is counted each time and told seldom: a flood must not fill the disk."""
    router, seldom = APIRouter(), Seldom(clock)

    @router.post(PATH)
    async def take_webhook(request: Request) -> Response:
        try:
            body = await _read(request)
        except (ClientDisconnect, TimeoutError):
            return Response(status_code=408)
        try:
            taken = await intake.take(reader.read(body, request.headers.get("authorization")))
        except WebhookRefused as refused:
            intake.count(refused.fate)
            fate = refused.fate.value
            if (left_out := seldom.left_out(fate)) is not None:
                log.warning("webhook_refused", fate=fate, why=str(refused), peer=_peer(request), left_out=left_out)
            return Response(status_code=_STATUS[refused.fate])
        except (StoreUnavailable, psycopg.Error) as error:
            if (left_out := seldom.left_out("not_kept")) is not None:
                log.warning("webhook_not_kept", error=str(error), left_out=left_out)
            return Response(status_code=503)
        return Response(status_code=_STATUS.get(taken, 200))

    return router


async def _read(request: Request) -> bytes:
    """The raw body; of one that is too large no more is kept than shows it.

    Raises:
        ClientDisconnect: its sender has gone.
        TimeoutError: it did not come within ``_READ_SECONDS``.
    """
    body, size = bytearray(), 0
    async with asyncio.timeout(_READ_SECONDS):
        async for chunk in request.stream():
            size += len(chunk)
            body += chunk[: MOST_BYTES + 1 - len(body)]
            if size > _MOST_READ:
                break
    return bytes(body)


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None
