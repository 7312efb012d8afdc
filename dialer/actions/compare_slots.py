"""Compares the slots in Redis with the open attempts in the ledger: the ledger is the truth.

Redis is read first: an attempt that is claimed between the two reads has its lease already, and an attempt that ended
between them is seen as ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from dialer.app import Dialer
from dialer.errors import StoreUnavailable
from dialer.ledger.accounts import list_accounts
from dialer.ledger.attempts import Place, newest_claim, open_places
from dialer.ledger.campaigns import live_campaign_ids
from dialer.ledger.installation import read_installation
from dialer.ledger.trunks import list_trunks
from dialer.limits.buckets import Buckets, of_account, of_campaign, of_trunk

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
    leases = await dialer.slots.leases_in(await known_buckets(dialer))
    newest = await newest_claim(dialer.ledger)
    attempts = by_bucket(await open_places(dialer.ledger))
    epoch = (await read_installation(dialer.ledger)).epoch
    ledger_is_older = mirror is not None and (newest is None or newest < mirror)
    stale = [
        (bucket, attempt_id)
        for bucket, held in leases.items()
        for attempt_id, confirmed in held.items()
        if confirmed and attempt_id not in attempts.get(bucket, ())
    ]
    if ledger_is_older:
        stale = []
    await dialer.slots.free(stale)
    restored = 0
    for bucket, open_ids in attempts.items():
        if missing := open_ids - leases.get(bucket, {}).keys():
            added = await dialer.slots.restore(bucket, missing, epoch=epoch)
            restored += added if isinstance(added, int) else 0
    if stale or restored:
        log.warning("slots_compared", freed=len(stale), restored=restored)
    return Compared(freed=len(stale), restored=restored)


def by_bucket(places: Iterable[Place]) -> dict[str, set[UUID]]:
    """The open attempts by the buckets they are counted in."""
    found: dict[str, set[UUID]] = {}
    for place in places:
        for bucket in Buckets(place.trunk_id, place.account_id, place.campaign_id).names:
            found.setdefault(bucket, set()).add(place.attempt_id)
    return found


async def known_buckets(dialer: Dialer) -> list[str]:
    """Every slot bucket that calls may be counted in now."""
    ledger = dialer.ledger
    return [
        *(of_trunk(trunk.id) for trunk in await list_trunks(ledger)),
        *(of_account(account.id) for account in await list_accounts(ledger)),
        *(of_campaign(campaign_id) for campaign_id in await live_campaign_ids(ledger)),
    ]


async def _mirror(dialer: Dialer) -> datetime | None:
    """The newest ``claimed_at`` that Redis saw confirmed, to the millisecond below."""
    try:
        kept = await dialer.redis.client.get(dialer.redis.key("mirror"))
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return datetime.fromtimestamp(int(kept) // 1000 / 1000, tz=UTC) if kept else None
