"""LiveKit, for commands that ask it something.  Apart from ``session``: importing its client takes long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dialer.app import livekit_line
from dialer.clock import Clock
from dialer.config import Settings
from dialer.telephony.line import Line


def is_set(settings: Settings) -> bool:
    """Whether a LiveKit server is named at all."""
    return bool(settings.livekit_url or settings.livekit_api_key or settings.livekit_api_secret)


@asynccontextmanager
async def open_line(settings: Settings) -> AsyncIterator[Line]:
    """The line of these settings.

    Raises:
        InvalidInput: LIVEKIT_URL, LIVEKIT_API_KEY or LIVEKIT_API_SECRET is missing.
    """
    line = livekit_line(settings, clock=Clock())
    try:
        yield line
    finally:
        await line.close()
