"""Releases the call jobs that can be dialed in the next seconds: WAITING → QUEUED under a lease, trunk by trunk."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from dialer.app import Dialer
from dialer.domain.pacing import AHEAD, Queued, room_to_release
from dialer.domain.trunk import Trunk
from dialer.ledger.call_jobs import may_release_trunk, queued_on_trunk, release_jobs
from dialer.ledger.campaigns import running_by_trunk
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.session import Transaction
from dialer.ledger.trunks import list_trunks
from dialer.ledger.workers import count_alive
from dialer.limits.agent_times import usual_agent_times

log = structlog.get_logger()

JOBS_PER_MESSAGE = 20
#: One release moves this many call jobs at most, so that a lease never outlives the queue before it.
MOST_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Call jobs that go on the queue in one message.  ``release_id`` is the lease token of each."""

    release_id: UUID
    trunk_id: int
    call_job_ids: tuple[int, ...]


async def may_release(dialer: Dialer) -> bool:
    """Whether anybody could dial: LiveKit is there, the clocks agree, a caller is alive."""
    status = await read_line_status(dialer.ledger)
    if status.state is not LineState.OK:
        return False
    alive = await count_alive(dialer.ledger, silence=dialer.leases.owner)
    return alive.get("caller", 0) > 0


async def release_due(dialer: Dialer) -> list[Release]:
    """Release what is due on every trunk, in its limits.  The ledger first; the messages are the feeder's to send."""
    trunks = {trunk.id: trunk for trunk in await list_trunks(dialer.ledger)}
    releases: list[Release] = []
    for trunk_id, campaign_ids in (await running_by_trunk(dialer.ledger)).items():
        if trunk := trunks.get(trunk_id):
            releases += await _release_trunk(dialer, trunk, campaign_ids)
    return releases


async def _release_trunk(dialer: Dialer, trunk: Trunk, campaign_ids: list[int]) -> list[Release]:
    leases = await dialer.slots.leases(trunk.id)
    async with dialer.ledger.transaction() as transaction:
        if not await may_release_trunk(transaction, trunk.id):
            return []
        room = room_to_release(
            calls_per_second=trunk.calls_per_second,
            free_slots=trunk.max_concurrent_calls - sum(leases.values()),  # the others' call jobs are still queued
            queued=await _queued(dialer, transaction, trunk),
        )
        most = min(MOST_AT_ONCE, room)
        if most <= 0:
            return []
        released = await release_jobs(
            transaction,
            campaign_ids,
            most=most,
            lease=dialer.leases.call_job,
            release_ids=[dialer.new_id() for _ in range(-(-most // JOBS_PER_MESSAGE))],
            size=JOBS_PER_MESSAGE,
        )
    return [Release(release_id=release_id, trunk_id=trunk.id, call_job_ids=tuple(ids)) for release_id, ids in released]


async def _queued(dialer: Dialer, transaction: Transaction, trunk: Trunk) -> list[Queued]:
    queue = await queued_on_trunk(transaction, trunk.id, fresh_after=_id_of_moment(dialer, AHEAD.total_seconds()))
    usual = await usual_agent_times(dialer.redis, [each.campaign_id for each in queue])
    return [
        Queued(
            jobs=each.jobs,
            fresh=each.fresh,
            agents_take=min(usual.get(each.campaign_id, timedelta(0)), dialer.fence.agent),
        )
        for each in queue
    ]


def _id_of_moment(dialer: Dialer, seconds_ago: float) -> UUID:
    """What a UUIDv7 (RFC 9562) begins with that was made then, by this machine's clock."""
    return UUID(int=int((dialer.clock.now().timestamp() - seconds_ago) * 1000) << 80)
