"""Compares the slots in Redis with the open attempts in the ledger: the ledger is the truth.

Redis is read first: an attempt that is claimed between the two reads has its lease already, and an attempt that ended
between them is seen as ended.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from dialer.app import Dialer
from dialer.errors import StoreUnavailable
from dialer.ledger.attempts import newest_claim, open_by_trunk
from dialer.ledger.installation import read_installation
from dialer.ledger.trunks import list_trunks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Compared:
    """How many leases were freed and how many restored."""

    freed: int
    restored: int


async def compare_slots(dialer: Dialer) -> Compared:
    """Free confirmed leases without an open attempt, and give a lease to open attempts without one.

    Nothing is freed when the ledger is older than its mirror in Redis: it was restored from a backup, and the attempts
    it does not know may be ringing.
    """
    mirror = await _mirror(dialer)
    trunk_ids = [trunk.id for trunk in await list_trunks(dialer.ledger)]
    leases = {trunk_id: await dialer.slots.leases(trunk_id) for trunk_id in trunk_ids}
    newest = await newest_claim(dialer.ledger)
    attempts = await open_by_trunk(dialer.ledger)
    epoch = (await read_installation(dialer.ledger)).epoch
    ledger_is_older = mirror is not None and (newest is None or newest < mirror)
    freed = restored = 0
    for trunk_id in leases.keys() | attempts.keys():
        held, open_ids = leases.get(trunk_id, {}), set(attempts.get(trunk_id, []))
        stale = [attempt_id for attempt_id, confirmed in held.items() if confirmed and attempt_id not in open_ids]
        if stale and not ledger_is_older:
            await dialer.slots.free(trunk_id, stale)
            freed += len(stale)
        if missing := open_ids - held.keys():
            added = await dialer.slots.restore(trunk_id, missing, epoch=epoch)
            restored += added if isinstance(added, int) else 0
    if freed or restored:
        log.warning("slots_compared", freed=freed, restored=restored)
    return Compared(freed=freed, restored=restored)


async def _mirror(dialer: Dialer) -> datetime | None:
    """The newest ``claimed_at`` that Redis saw confirmed, to the millisecond below."""
    try:
        kept = await dialer.redis.client.get(dialer.redis.key("mirror"))
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return datetime.fromtimestamp(int(kept) // 1000 / 1000, tz=UTC) if kept else None
