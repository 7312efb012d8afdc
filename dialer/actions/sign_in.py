"""Signs a process in: a row among the workers with a fresh heartbeat, by which others see that it lives."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import structlog

from dialer.app import Dialer
from dialer.errors import StoreUnavailable
from dialer.ledger.workers import beat, sign_in, sign_out

log = structlog.get_logger()

BEATS = 6  #: heartbeats while a silent owner still counts as alive


@asynccontextmanager
async def signed_in(dialer: Dialer, kind: str) -> AsyncIterator[None]:
    """For as long as this lasts this process is among the workers, as a ``kind``; then it has left.

    Raises:
        StoreUnavailable: the ledger does not answer at its beginning.  Later it is waited for.
    """
    await sign_in(
        dialer.ledger,
        worker_id=dialer.worker_id,
        kind=kind,
        pid=os.getpid(),
        host=socket.gethostname(),
        version=version("livekit-campaign-dialer"),
    )
    heart = asyncio.create_task(_beat(dialer))
    try:
        yield
    finally:
        heart.cancel()
        with suppress(StoreUnavailable):
            await sign_out(dialer.ledger, dialer.worker_id)


async def _beat(dialer: Dialer) -> None:
    while True:
        await asyncio.sleep(dialer.leases.owner.total_seconds() / BEATS)
        try:
            await beat(dialer.ledger, dialer.worker_id)
        except StoreUnavailable as error:
            log.warning("heartbeat_failed", error=str(error))
