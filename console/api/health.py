"""``GET /healthz``: 200 when ledger and Redis answer, 503 when one of them does not."""

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from dialer.app import Dialer
from dialer.errors import StoreUnavailable

log = structlog.get_logger()


def health_routes(dialer: Dialer) -> APIRouter:
    """The one route."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        try:
            await dialer.ledger.now()
            await dialer.redis.time()
        except StoreUnavailable as error:
            log.warning("not_healthy", error=str(error))
            return JSONResponse({"status": "unavailable"}, status_code=503)
        return JSONResponse({"status": "ok"})

    return router
