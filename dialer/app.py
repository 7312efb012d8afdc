"""Puts ledger, limits and line together; the only place that does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import random
from uuid import UUID

from uuid_utils.compat import uuid7

from dialer.clock import Clock
from dialer.config import Settings
from dialer.domain.fence import Fence, Leases, scaled
from dialer.errors import InvalidInput
from dialer.ledger.installation import read_installation
from dialer.ledger.session import Ledger
from dialer.limits.call_rate import CallRate
from dialer.limits.call_slots import CallSlots
from dialer.limits.epoch import Epoch
from dialer.limits.redis_session import RedisSession
from dialer.telephony.line import Line
from dialer.telephony.livekit_line import LiveKitLine


@dataclass(frozen=True, kw_only=True)
class Dialer:
    """What every action works with.  ``chance`` gives numbers in [0, 1); ``new_id`` gives UUIDv7 (RFC 9562)."""

    ledger: Ledger
    redis: RedisSession
    slots: CallSlots
    rate: CallRate
    epoch: Epoch
    line: Line
    fence: Fence
    leases: Leases
    clock: Clock
    installation: str
    worker_id: UUID
    time_scale: float = 1.0
    chance: Callable[[], float] = random
    new_id: Callable[[], UUID] = uuid7

    def room_name(self, attempt_id: UUID) -> str:
        """One room per attempt, for ever."""
        return f"{self.installation}-{attempt_id}"


@asynccontextmanager
async def open_dialer(
    settings: Settings, *, database_url: str, redis_url: str, name: str, line: Line | None = None
) -> AsyncIterator[Dialer]:
    """Open connections to ledger, Redis and LiveKit, and close them at the end.

    Args:
        name: of the process, shown by PostgreSQL beside its connections.
        line: instead of LiveKit, for tests.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.
        InvalidInput: LiveKit's address, key or secret is not set.
    """
    clock = Clock()
    fence, leases = fence_of(settings), scaled(Leases(), settings.fence_scale)
    ledger = Ledger(database_url, name=name)
    await ledger.open()
    try:
        installation = await read_installation(ledger)
        redis = RedisSession(redis_url, installation=installation.word)
        line = line or livekit_line(settings, clock=clock)
        slots = CallSlots(redis)
        rate = CallRate(redis, slots, leases=leases, clock=clock)
        try:
            yield Dialer(
                ledger=ledger,
                redis=redis,
                slots=slots,
                rate=rate,
                epoch=Epoch(redis, rate),
                line=line,
                fence=fence,
                leases=leases,
                clock=clock,
                installation=installation.word,
                worker_id=uuid7(),
                time_scale=settings.time_scale,
            )
        finally:
            await line.close()
            await redis.close()
    finally:
        await ledger.close()


def fence_of(settings: Settings) -> Fence:
    """The protocol's bounds, shortened where tests and the demo ask for it."""
    fence = scaled(Fence(), settings.fence_scale)
    if settings.look_seconds is not None:
        fence = replace(fence, look=timedelta(seconds=settings.look_seconds))
    if settings.gone_seconds is not None:
        fence = replace(fence, gone=timedelta(seconds=settings.gone_seconds))
    return fence


def livekit_line(settings: Settings, *, clock: Clock) -> LiveKitLine:
    """The line of these settings.

    Raises:
        InvalidInput: one of the three variables is missing, with its name.
    """
    missing = [
        variable
        for variable, value in (
            ("LIVEKIT_URL", settings.livekit_url),
            ("LIVEKIT_API_KEY", settings.livekit_api_key),
            ("LIVEKIT_API_SECRET", settings.livekit_api_secret),
        )
        if not value
    ]
    if missing:
        raise InvalidInput(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            hint="set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET of your LiveKit server; "
            "`dialer demo` needs none of them",
        )
    assert settings.livekit_url is not None
    assert settings.livekit_api_key is not None
    assert settings.livekit_api_secret is not None
    return LiveKitLine(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        fence=fence_of(settings),
        clock=clock,
    )
