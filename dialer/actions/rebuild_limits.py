"""Rebuilds the limits' memory in Redis from the ledger, under a new epoch.

Between the new number in the ledger and the opening, no claim planned in the old epoch can be committed and no lease of
it confirmed, even by an old Redis primary that lives on.
"""

from datetime import timedelta

import structlog

from dialer.actions.call_terms import trunk_limits
from dialer.actions.compare_slots import by_bucket, known_buckets
from dialer.app import Dialer
from dialer.ledger.attempts import open_places
from dialer.ledger.installation import raise_epoch, read_installation
from dialer.ledger.trunk_states import read_trunk_states
from dialer.limits.call_slots import EpochRefused
from dialer.limits.epoch import EpochState

log = structlog.get_logger()

#: Redis's clock may run this far from ours between two looks before its leases and turns are not trusted any more.
CLOCK_STEP_SECONDS = 1.0


class EpochWatch:
    """Looks at the epoch about once a second and says when the limits' memory cannot be used."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._seen: tuple[int, float, float] | None = None

    async def fault(self) -> str | None:
        """Why the memory must be rebuilt; None: it is good, or its leader is at it.

        ``missing``, ``restarted``, ``other``: Redis forgot or is another one.  ``closed``: a rebuild was left halfway.
        ``timeline``: PostgreSQL failed over.  ``clock``: Redis's clock made a step of more than a second.
        """
        dialer = self._dialer
        installation = await read_installation(dialer.ledger)
        number = installation.epoch
        state = await dialer.epoch.read(number)
        if isinstance(state, EpochRefused):
            return state.fault
        if not state.is_open:
            return "closed" if state.untouched > dialer.leases.epoch else None
        if installation.failed_over:
            return "timeline"
        if self._clock_stepped(number, state.redis_seconds):
            await dialer.epoch.close(number)
            return "clock"
        return None

    def _clock_stepped(self, number: int, redis_seconds: float) -> bool:
        ours, before = self._dialer.clock.seconds(), self._seen
        self._seen = (number, redis_seconds, ours)
        if before is None or before[0] != number:
            return False
        return abs((redis_seconds - before[1]) - (ours - before[2])) > CLOCK_STEP_SECONDS


async def rebuild_limits(dialer: Dialer, *, why: str) -> bool:
    """Begin an epoch, restore a slot for every open attempt, let the next turns wait, open.

    Returns False when another process began a later epoch meanwhile; each step tests its own.
    """
    number = await raise_epoch(dialer.ledger)
    log.warning("epoch_begun", epoch=number, why=why)
    if _refused(await dialer.epoch.begin(number), number):
        return False
    attempts = by_bucket(await open_places(dialer.ledger))
    # Also those of trunks that were removed: their last calls may still be up.
    for bucket in {*await known_buckets(dialer), *attempts}:
        if _refused(await dialer.slots.restore(bucket, attempts.get(bucket, ()), epoch=number, rebuild=True), number):
            return False
        if _refused(await dialer.epoch.touch(number), number):
            return False
    if _refused(await dialer.epoch.open(number, await _rates(dialer)), number):
        return False
    log.warning("epoch_opened", epoch=number, buckets=len(attempts))
    return True


async def _rates(dialer: Dialer) -> dict[str, timedelta]:
    """Every rate bucket with the longest interval that a call may take of it."""
    found: dict[str, timedelta] = {}
    for state in (await read_trunk_states(dialer.ledger)).values():
        for bucket, interval in trunk_limits(state).rates:
            found[bucket] = max(interval, found.get(bucket, interval))
    return found


def _refused(answer: EpochState | EpochRefused | int, number: int) -> bool:
    if isinstance(answer, EpochRefused):
        log.warning("epoch_lost", epoch=number, fault=answer.fault)
        return True
    return False
