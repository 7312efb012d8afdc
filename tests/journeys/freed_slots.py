"""How long after the end of a call its slot is free: the carrier's record beside the leases in Redis.

The lease is what counts: ``attempts.ended_at`` is the beginning of the settling transaction, before its commit, and
the slot can be taken again only when the lease has left Redis, right after that commit.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from statistics import quantiles
from uuid import UUID

from dialer.limits.buckets import of_trunk
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession
from tests.journeys.stage import Stage

#: Redis is asked this often: what is measured may be later than the truth by this much.
ASK_SECONDS = 0.01


class FreedSlots:
    """When the lease of each attempt was gone, in Unix seconds."""

    def __init__(self) -> None:
        self.freed_at: dict[UUID, float] = {}
        self.is_over = False

    async def watch(self, slots: CallSlots, trunk_id: int) -> None:
        """Ask again and again, until it is over."""
        held: set[UUID] = set()
        while not self.is_over:
            leases = (await slots.leases(of_trunk(trunk_id))).keys()
            now = time.time()
            self.freed_at |= dict.fromkeys(held - leases, now)
            held = set(leases)
            await asyncio.sleep(ASK_SECONDS)

    async def seconds(self, stage: Stage, attempt_ids: Collection[UUID]) -> list[float]:
        """From the end of each of these calls at the carrier to its freed slot; one whose slot is held is left out."""
        record = await stage.page("record")
        ended_at = {call["room"]: call["ended_at"] for call in record["invites"]}
        return [
            self.freed_at[attempt_id] - ended_at[f"{stage.room_prefix}{attempt_id}"]
            for attempt_id in attempt_ids
            if attempt_id in self.freed_at
        ]


@asynccontextmanager
async def watched_slots(stage: Stage) -> AsyncIterator[FreedSlots]:
    """Watches the slots of the stage's trunk as long as it is open."""
    redis = RedisSession(stage.redis_url, installation=stage.room_prefix.rstrip("-"))
    freed = FreedSlots()
    watching = asyncio.create_task(freed.watch(CallSlots(redis), stage.trunk.id))
    try:
        yield freed
    finally:
        freed.is_over = True
        await watching
        await redis.close()


def percentiles(seconds: list[float]) -> dict[str, float]:
    """How many there are, p50, p99 and the longest, in seconds."""
    if len(seconds) < 2:
        return {"calls": len(seconds)}
    cuts = quantiles(seconds, n=100, method="inclusive")
    found = {"p50": cuts[49], "p99": cuts[98], "longest": max(seconds)}
    return {"calls": len(seconds)} | {name: round(value, 3) for name, value in found.items()}
