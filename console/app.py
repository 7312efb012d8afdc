"""The FastAPI application of the web process.  It shows no docs of itself: nothing here is for browsers yet."""

from fastapi import FastAPI

from console.api.health import health_routes
from console.api.webhooks import webhook_routes
from dialer.actions.take_webhooks import WebhookIntake
from dialer.app import Dialer
from dialer.telephony.livekit_webhooks import WebhookReader


def make_app(dialer: Dialer, *, reader: WebhookReader, intake: WebhookIntake) -> FastAPI:
    """Every route."""
    app = FastAPI(title="LiveKit campaign dialer", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(webhook_routes(reader, intake, clock=dialer.clock))
    app.include_router(health_routes(dialer))
    return app
