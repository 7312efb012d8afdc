"""The only place that reads a clock or waits on one.  Ages and moments are seconds of the boot-time clock.

``CLOCK_BOOTTIME`` goes on while a machine sleeps; a laptop that was shut in the middle of a claim must not find the
claim fresh when it wakes.
"""

import asyncio
import time
from datetime import UTC, datetime

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """Our own clock.  No decision about "over" hangs on it: those are the ledger's and Redis's."""

    def seconds(self) -> float:
        """Seconds since some fixed moment; only differences mean anything."""
        return time.clock_gettime(_BOOTTIME)

    def now(self) -> datetime:
        """Wall clock, aware, UTC: for logs and for comparing clocks."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def sleep_until(self, moment: float) -> None:
        """Return at ``moment`` (as ``seconds()`` counts) or, when it has passed, at once."""
        await self.sleep(moment - self.seconds())
