"""``POST /webhooks/livekit``: LiveKit's news.  200 means that it is committed; with 503 LiveKit sends it again."""

from typing import Final

import structlog
from fastapi import APIRouter, Request, Response

from console.webhook_url import PATH
from dialer.actions.take_webhooks import WebhookIntake
from dialer.domain.webhook import WebhookFate
from dialer.errors import StoreUnavailable
from dialer.telephony.livekit_webhooks import MOST_BYTES, WebhookReader, WebhookRefused

log = structlog.get_logger()

_STATUS: Final = {
    WebhookFate.FORGED: 401,
    WebhookFate.STALE: 401,
    WebhookFate.BAD_HASH: 401,
    WebhookFate.TOO_LARGE: 413,
    WebhookFate.BROKEN: 400,
}


def webhook_routes(reader: WebhookReader, intake: WebhookIntake) -> APIRouter:
    """The one route."""
    router = APIRouter()

    @router.post(PATH)
    async def take_webhook(request: Request) -> Response:
        try:
            body = await _read(request)
            fate = await intake.take(reader.read(body, request.headers.get("authorization")))
        except WebhookRefused as refused:
            intake.count(refused.fate)
            log.warning("webhook_refused", fate=refused.fate.value, why=str(refused), peer=_peer(request))
            return Response(status_code=_STATUS[refused.fate])
        except StoreUnavailable as error:
            log.warning("webhook_not_kept", error=str(error))
            return Response(status_code=503)
        return Response(status_code=_STATUS.get(fate, 200))

    return router


async def _read(request: Request) -> bytes:
    """The raw body; what is larger than ``MOST_BYTES`` is not read to its end."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise WebhookRefused(WebhookFate.TOO_LARGE, f"the body is larger than {MOST_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None
