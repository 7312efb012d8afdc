"""How many call jobs may go on the queue of each trunk now, within all limits that its calls are under."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dialer.app import Dialer
from dialer.domain.pacing import Queued, room_to_release
from dialer.domain.release_plan import Memory, Room, share_room
from dialer.domain.trunk_state import TrunkState
from dialer.ledger.releases import QueuedJobs, RunningCampaign
from dialer.limits.agent_times import usual_agent_times
from dialer.limits.bucket_use import BucketUse, read_use
from dialer.limits.buckets import LIVEKIT, of_account, of_campaign, of_trunk


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the trunks do at this moment.

    Attributes:
        use: of their buckets.  A call job that is not claimed yet is still queued, and counted there.
        queues: what is on the queue, by trunk.
    """

    states: Mapping[int, TrunkState]
    use: BucketUse
    queues: Mapping[int, list[Queued]]

    @property
    def able(self) -> list[TrunkState]:
        """Those that can be dialed through."""
        return [state for state in self.states.values() if state.lets_through(None)]


async def use_of(dialer: Dialer, states: Iterable[TrunkState], campaigns: Iterable[RunningCampaign]) -> BucketUse:
    """How full the buckets of these trunks are, and of campaigns that have a limit of their own.

    Raises:
        StoreUnavailable: Redis does not answer: without the limits nothing is released.
    """
    states = list(states)
    accounts = {of_account(state.account.id) for state in states if state.account}
    trunks = [of_trunk(state.trunk.id) for state in states]
    capped = [of_campaign(campaign.id) for campaign in campaigns if campaign.max_concurrent_calls is not None]
    return await read_use(
        dialer.redis,
        dialer.slots,
        dialer.rate,
        slot_buckets=[*trunks, *sorted(accounts), *capped],
        rate_buckets=[*trunks, *sorted(accounts), LIVEKIT],
    )


async def queues_of(
    dialer: Dialer, queued: Sequence[QueuedJobs], campaigns: Mapping[int, RunningCampaign]
) -> dict[int, list[Queued]]:
    """What is on the queue of each trunk, with how long its agents take."""
    with_agents = {each.campaign_id for each in queued if (c := campaigns.get(each.campaign_id)) and c.has_agent}
    usual = await usual_agent_times(dialer.redis, sorted(with_agents))
    found: dict[int, list[Queued]] = {}
    for each in queued:
        took = min(usual.get(each.campaign_id, timedelta(0)), dialer.fence.agent)
        found.setdefault(each.trunk_id, []).append(Queued(jobs=each.jobs, fresh=each.fresh, agents_take=took))
    return found


def rooms_of(standing: Standing) -> dict[int, Room]:
    """The room of each trunk that can be dialed through, by its own limits."""
    return {state.trunk.id: _own_room(state, standing) for state in standing.able}


def _own_room(state: TrunkState, standing: Standing) -> Room:
    trunk_id = state.trunk.id

    def room(*, promised: bool) -> int:
        free = state.channels(promised=promised) - standing.use.calls[of_trunk(trunk_id)]
        queued = standing.queues.get(trunk_id, [])
        return room_to_release(calls_per_second=state.calls_per_second, free_slots=free, queued=queued) or 0

    jobs = room(promised=False)
    return Room(jobs, max(0, room(promised=True) - jobs))


def within_shared_limits(
    rooms: Mapping[int, Room], wanted: Mapping[int, int], standing: Standing, memory: Memory
) -> dict[int, Room]:
    """The rooms when trunks of one account keep its limits together, and all of them LiveKit's quota.

    Args:
        wanted: how much work there is for each trunk: one that has none leaves its part to the others.
    """
    found = dict(rooms)
    for account_id in {state.account.id for state in standing.able if state.account}:
        own = [state for state in standing.states.values() if state.account and state.account.id == account_id]
        if (most := _account_room(account_id, own, standing)) is not None:
            trunk_ids = [state.trunk.id for state in own]
            found |= share_room(found, trunk_ids, most, wanted, memory=memory, of=of_account(account_id))
    if (most := _quota_room(standing)) is not None:
        found |= share_room(found, list(found), most, wanted, memory=memory, of=LIVEKIT)
    return found


def _account_room(account_id: int, states: list[TrunkState], standing: Standing) -> int | None:
    most = states[0].account.max_concurrent_calls if states[0].account else None
    return room_to_release(
        calls_per_second=min(
            (rate for state in states if (rate := state.account_calls_per_second) is not None), default=None
        ),
        free_slots=None if most is None else most - standing.use.calls[of_account(account_id)],
        queued=[each for state in states for each in standing.queues.get(state.trunk.id, [])],
    )


def _quota_room(standing: Standing) -> int | None:
    quota = next((state.requests_per_minute_now for state in standing.able), None)
    return room_to_release(
        calls_per_second=quota / 60 if quota else None,
        free_slots=None,
        queued=[each for own in standing.queues.values() for each in own],
    )
