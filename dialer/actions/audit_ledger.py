"""Proves the invariants, on a live or a stopped system."""

import asyncio
from uuid import UUID

from dialer.domain.invariants import Audit, Checked, Invariant
from dialer.ledger.audit import audit_ledger
from dialer.ledger.session import Ledger
from dialer.limits.buckets import of_trunk
from dialer.limits.call_slots import CallSlots

#: Ledger and Redis cannot be read in one moment: an attempt lacks its slot only when it does so twice, this far apart.
TWICE_SECONDS = 1.0


async def audit(ledger: Ledger, slots: CallSlots | None) -> Audit:
    """Look at every invariant; without ``slots``, at those of the ledger alone.

    Raises:
        StoreUnavailable: ledger or Redis does not answer.
    """
    checked, open_ids = await audit_ledger(ledger)
    if slots is not None:
        checked.append(await _slots(ledger, slots, open_ids))
    return Audit(checked=tuple(checked))


async def _slots(ledger: Ledger, slots: CallSlots, open_ids: dict[int, list[UUID]]) -> Checked:
    lacking, taken = await _lacking(slots, open_ids)
    if lacking:
        await asyncio.sleep(TWICE_SECONDS)
        _, open_now = await audit_ledger(ledger)
        again, taken = await _lacking(slots, open_now)
        lacking &= again
    return Checked(
        invariant=Invariant.SLOTS,
        left=sum(map(len, open_ids.values())),
        right=taken,
        broken=tuple(f"attempt {attempt_id} is open and holds no slot" for attempt_id in sorted(lacking)[:100]),
    )


async def _lacking(slots: CallSlots, open_ids: dict[int, list[UUID]]) -> tuple[set[UUID], int]:
    lacking: set[UUID] = set()
    taken = 0
    for trunk_id, ids in open_ids.items():
        leases = await slots.leases(of_trunk(trunk_id))
        lacking |= set(ids) - leases.keys()
        taken += len(leases)
    return lacking, taken
