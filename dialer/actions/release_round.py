"""One look at everything that releasing hangs on, and the plan that follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from dialer.actions.send_probes import Probe, plan_probes, ramp_after_idleness
from dialer.actions.trunk_rooms import Standing, queues_of, rooms_of, use_of, within_shared_limits
from dialer.app import Dialer
from dialer.domain.due_work import Work
from dialer.domain.pacing import AHEAD
from dialer.domain.release_plan import Claimant, Memory, Pick, Room, Situation, demands, plan_releases
from dialer.domain.route import CampaignWays
from dialer.domain.trunk_state import TrunkState
from dialer.ledger.release_turns import read_places, write_places
from dialer.ledger.releases import QueuedJobs, RunningCampaign, due_work, lock_trunks, queued_jobs, running_campaigns
from dialer.ledger.routes import read_ways
from dialer.ledger.session import Transaction
from dialer.ledger.trunk_states import read_trunk_states
from dialer.limits.buckets import of_campaign

#: One round moves this many call jobs of a campaign at most, so that a lease never outlives the queue before it.
MOST_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """Work of one kind as it was before the round took any of it."""

    work: Work
    jobs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one round has found and planned.

    Attributes:
        states: of every trunk, also of those that no running campaign uses.
        mine: trunks that nobody else releases for until the end of the transaction.
        ramped: trunks that begin slowly from now on.
    """

    campaigns: Mapping[int, RunningCampaign]
    ways: Mapping[int, CampaignWays]
    standing: Standing
    queued: list[QueuedJobs]
    mine: set[int]
    offers: list[Offer] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)
    ramped: set[int] = field(default_factory=set)

    @property
    def states(self) -> Mapping[int, TrunkState]:
        return self.standing.states

    def room_of(self, campaign_id: int) -> int | None:
        """Call jobs of a campaign that may still be let out, by its own limit; None: it has none."""
        most = self.campaigns[campaign_id].max_concurrent_calls
        if most is None:
            return None
        queued = sum(each.jobs for each in self.queued if each.campaign_id == campaign_id)
        return max(0, most - queued - self.standing.use.calls[of_campaign(campaign_id)])


async def look_round(dialer: Dialer, transaction: Transaction, memory: Memory) -> Round:
    """Read and plan.

    Raises:
        StoreUnavailable: ledger or Redis does not answer: nothing is released.
    """
    round_ = await _look(dialer, transaction)
    if not round_.campaigns:
        return round_
    rooms = rooms_of(round_.standing)
    works = await _works(transaction, round_, rooms)
    offers = [Offer(work=work, jobs=work.jobs) for work in works]
    probes = plan_probes(round_.states, round_.mine, works, round_.ways)
    wanted = demands(rooms, works, round_.ways)
    ramped = await ramp_after_idleness(transaction, round_.states, wanted.keys() & round_.mine)
    standing = replace(round_.standing, states={**round_.states, **ramped})
    rooms = within_shared_limits(rooms_of(standing), wanted, standing, memory)
    picks = await _plan(transaction, round_, rooms, works, memory)
    return replace(round_, standing=standing, offers=offers, probes=probes, picks=picks, ramped=set(ramped))


async def _look(dialer: Dialer, transaction: Transaction) -> Round:
    campaigns = {campaign.id: campaign for campaign in await running_campaigns(transaction)}
    ways = await read_ways(transaction, campaigns) if campaigns else {}
    states = await read_trunk_states(transaction)
    mine = await lock_trunks(transaction, states)
    queued = await queued_jobs(transaction, fresh_after=_id_of_moment(dialer, AHEAD.total_seconds()))
    standing = Standing(
        states=states,
        use=await use_of(dialer, states.values(), campaigns.values()),
        queues=await queues_of(dialer, queued, campaigns),
    )
    return Round(campaigns=campaigns, ways=ways, standing=standing, queued=queued, mine=mine)


async def _works(transaction: Transaction, round_: Round, rooms: Mapping[int, Room]) -> list[Work]:
    begun = {campaign.id for campaign in round_.campaigns.values() if campaign.is_begun}
    return await due_work(
        transaction,
        {campaign_id: ways.ways for campaign_id, ways in round_.ways.items() if campaign_id in begun},
        {campaign_id: _countable(ways, rooms) for campaign_id, ways in round_.ways.items()},
    )


def _countable(ways: CampaignWays, rooms: Mapping[int, Room]) -> int:
    """Due work is counted as far as there is room, and one more: then there is a backlog."""
    found = [rooms[trunk_id] for trunk_id in ways.trunk_ids if trunk_id in rooms]
    return min(MOST_AT_ONCE, sum(room.jobs + room.promised for room in found) + 1)


async def _plan(
    transaction: Transaction, round_: Round, rooms: Mapping[int, Room], works: Iterable[Work], memory: Memory
) -> list[Pick]:
    mine = round_.mine & rooms.keys()
    places = await read_places(transaction, mine)
    situation = Situation(
        rooms=rooms,
        mine=mine,
        claimants={
            campaign.id: Claimant(
                campaign_id=campaign.id,
                weight=campaign.weight,
                retries_first=campaign.retries_first,
                room=round_.room_of(campaign.id),
            )
            for campaign in round_.campaigns.values()
        },
        ways=round_.ways,
        works=list(works),
        queued={(each.trunk_id, each.campaign_id): each.jobs for each in round_.queued},
        places=places,
    )
    plan = plan_releases(situation, memory)
    await write_places(transaction, places, plan.places)
    return plan.picks


def _id_of_moment(dialer: Dialer, seconds_ago: float) -> UUID:
    """What a UUIDv7 (RFC 9562) begins with that was made then, by this machine's clock."""
    return UUID(int=int((dialer.clock.now().timestamp() - seconds_ago) * 1000) << 80)
