"""What each trunk lets out in one round: rooms, ways and due work become picks.  Pure.

An ordered campaign's work goes through the first of its trunks that has room; of a weighted one's each trunk gets its
part while there is less than there is room for, and when there is more every trunk takes what it can.  On a trunk the
campaigns share the room by weight (``fair_share``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dialer.domain.due_work import NewShare, Work, WorkKind, by_kind
from dialer.domain.fair_share import Claim, Place, share_out
from dialer.domain.route import CampaignWays, Way


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimant:
    """A running campaign, to releasing.

    Attributes:
        room: call jobs of it that may still be let out, over all trunks; None: any number.
    """

    campaign_id: int
    weight: int = 1
    retries_first: bool = True
    room: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """Call jobs that may go on a trunk's queue now: of any kind, and promised calls back besides."""

    jobs: int
    promised: int = 0

    def at_most(self, jobs: int) -> "Room":
        """No more than so many in all."""
        own = min(self.jobs, jobs)
        return Room(own, min(self.promised, jobs - own))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pick:
    """Call jobs to be let out through a trunk: the first so many of one kind, of these classes of numbers."""

    trunk_id: int
    campaign_id: int
    kind: WorkKind
    routes: tuple[str, ...]
    jobs: int


@dataclass(slots=True)
class Memory:
    """What a feeder keeps from one round to the next.  To forget it costs a moment's fairness and nothing else.

    Attributes:
        new: by campaign.
        ways: the places of trunks that share a weighted campaign's scarce work, by campaign and class of numbers.
        shared: the places of trunks that share an account's limits or LiveKit's quota, by bucket.
    """

    new: dict[int, NewShare] = field(default_factory=dict)
    ways: dict[tuple[int, str], Mapping[int, Place]] = field(default_factory=dict)
    shared: dict[str, Mapping[int, Place]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What a round is planned by.

    Attributes:
        rooms: of every trunk that can dial; one that is not here takes nothing, and nobody leaves it anything.
        mine: trunks that this feeder may release for.
        queued: call jobs on the queue, by trunk and campaign.
        places: in the round robins, by trunk and campaign.
    """

    rooms: Mapping[int, Room]
    mine: Collection[int]
    claimants: Mapping[int, Claimant]
    ways: Mapping[int, CampaignWays]
    works: Sequence[Work]
    queued: Mapping[tuple[int, int], int] = field(default_factory=dict)
    places: Mapping[tuple[int, int], Place] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to let out.

    Attributes:
        places: of the trunks in ``mine``, as they are afterwards.
    """

    picks: list[Pick]
    places: dict[tuple[int, int], Place]


def plan_releases(situation: Situation, memory: Memory) -> Plan:
    """Plan one round; the work in ``situation`` is used up by it."""
    return _Planner(situation, memory).plan()


def usable_ways(ways: Iterable[Way], work: Work, able: Collection[int]) -> list[Way]:
    """The trunks that may carry the work now, in order; fall-backs only while nobody else can dial."""
    found = [way for way in ways if way.trunk_id in able and way.trunk_id not in work.not_trunks]
    return [way for way in found if not way.is_fallback] or found[:1]


def demands(rooms: Mapping[int, Room], works: Iterable[Work], ways: Mapping[int, CampaignWays]) -> dict[int, int]:
    """How much work there is for each trunk, whatever its own room; of an ordered campaign's, what is left to it."""
    found: dict[int, int] = {}
    for work in works:
        own, jobs = ways[work.campaign_id], work.jobs
        for way in usable_ways(own.of(work.route), work, rooms.keys()):
            if jobs > 0:
                found[way.trunk_id] = found.get(way.trunk_id, 0) + jobs
            jobs -= 0 if own.weighted else rooms[way.trunk_id].jobs
    return found


def share_room(
    rooms: Mapping[int, Room],
    trunk_ids: Iterable[int],
    most: int,
    wanted: Mapping[int, int],
    *,
    memory: Memory,
    of: str,
) -> dict[int, Room]:
    """The rooms of trunks that have no more than ``most`` together: each gets the same, as far as it can use it."""
    places = memory.shared.get(of, {})
    trunk_ids = [trunk_id for trunk_id in trunk_ids if trunk_id in rooms]
    claims = [
        Claim(
            of=trunk_id,
            weight=1,
            due=min(rooms[trunk_id].jobs + rooms[trunk_id].promised, wanted.get(trunk_id, 0)),
            place=places.get(trunk_id),
        )
        for trunk_id in trunk_ids
    ]
    shares = share_out(most, claims)
    memory.shared[of] = shares.places
    return {trunk_id: rooms[trunk_id].at_most(shares.jobs.get(trunk_id, 0)) for trunk_id in trunk_ids}


def pick_probe(trunk_id: int, works: Iterable[Work], ways: Mapping[int, CampaignWays]) -> Pick | None:
    """The call job that tries whether a trunk is well again: a promised call back only where nothing else is due."""
    for kind in (WorkKind.NEW, WorkKind.RETRY, WorkKind.PROMISED):
        for work in works:
            own = ways[work.campaign_id].of(work.route) if work.campaign_id in ways else ()
            serves = any(way.trunk_id == trunk_id for way in own)
            if serves and trunk_id not in work.not_trunks and work.take(kind, 1):
                return Pick(trunk_id=trunk_id, campaign_id=work.campaign_id, kind=kind, routes=(work.route,), jobs=1)
    return None


class _Planner:
    def __init__(self, situation: Situation, memory: Memory) -> None:
        self._at = situation
        self._memory = memory
        self._rooms = {trunk_id: room.jobs for trunk_id, room in situation.rooms.items()}  # of those not yet planned
        self._left = {each.campaign_id: each.room for each in situation.claimants.values()}
        self._of_trunk: dict[int, list[tuple[int, Work]]] = {}  # with the trunk's place among the work's ways
        self._ways = {id(work): self._usable(work) for work in situation.works}
        self._parts = {id(work): self._parts_of(work) for work in situation.works}
        for work in situation.works:
            for place, way in enumerate(self._ways[id(work)]):
                self._of_trunk.setdefault(way.trunk_id, []).append((place, work))

    def plan(self) -> Plan:
        picks: list[Pick] = []
        places: dict[tuple[int, int], Place] = {}
        # Who comes first in most orders is asked first, so that the next ones know what is left.
        for trunk_id in sorted(set(self._at.mine) & self._rooms.keys(), key=self._rank):
            own = self._of_trunk.get(trunk_id, [])
            picks += self._plan_trunk(trunk_id, [work for _, work in own], places)
            del self._rooms[trunk_id]
        return Plan(picks=picks, places=places)

    def _rank(self, trunk_id: int) -> tuple[float, int]:
        own = self._of_trunk.get(trunk_id, [])
        return sum(place for place, _ in own) / max(1, len(own)), trunk_id

    def _usable(self, work: Work) -> list[Way]:
        ways = self._at.ways.get(work.campaign_id)
        return usable_ways(ways.of(work.route), work, self._at.rooms.keys()) if ways else []

    def _parts_of(self, work: Work) -> Mapping[int, int] | None:
        """A weighted campaign's work by trunk while it is scarce; None where each may take what it can."""
        ways, key = self._ways[id(work)], (work.campaign_id, work.route)
        if len(ways) < 2 or not self._at.ways[work.campaign_id].weighted:
            return None
        if work.jobs >= sum(self._rooms[way.trunk_id] for way in ways):
            return None
        places = {} if work.not_trunks else self._memory.ways.get(key, {})
        shares = share_out(
            work.jobs,
            [
                Claim(of=w.trunk_id, weight=w.weight, due=self._rooms[w.trunk_id], place=places.get(w.trunk_id))
                for w in ways
            ],
        )
        if not work.not_trunks:
            self._memory.ways[key] = shares.places
        return shares.jobs

    def _open(self, work: Work, trunk_id: int) -> int:
        """How much of the work is the trunk's to take, as far as its campaign may still be called."""
        cap = self._left[work.campaign_id]
        jobs = work.jobs if cap is None else min(work.jobs, cap)
        parts = self._parts[id(work)]
        if parts is not None:
            return min(jobs, parts.get(trunk_id, 0))
        if self._at.ways[work.campaign_id].weighted:
            return jobs
        for way in self._ways[id(work)]:
            if way.trunk_id == trunk_id:
                break
            jobs -= self._rooms.get(way.trunk_id, 0)
        return max(0, jobs)

    def _plan_trunk(self, trunk_id: int, works: list[Work], places: dict[tuple[int, int], Place]) -> list[Pick]:
        room = self._at.rooms[trunk_id]
        before = {work.campaign_id: self._at.places.get((trunk_id, work.campaign_id)) for work in works}
        found: dict[tuple[int, WorkKind], tuple[set[str], int]] = {}
        for jobs, promised_only in ((room.jobs, False), (room.promised, True)):
            if promised_only and not jobs:
                continue
            shares = share_out(jobs, self._claims(trunk_id, works, before, promised_only=promised_only))
            for campaign_id, given in shares.jobs.items():
                self._take(trunk_id, campaign_id, given, works, found, promised_only=promised_only)
            if not promised_only:
                before = {campaign_id: shares.places.get(campaign_id) for campaign_id in before}
        places.update({(trunk_id, campaign_id): place for campaign_id, place in before.items() if place})
        return [
            Pick(trunk_id=trunk_id, campaign_id=campaign_id, kind=kind, routes=tuple(sorted(routes)), jobs=jobs)
            for (campaign_id, kind), (routes, jobs) in found.items()
        ]

    def _claims(
        self, trunk_id: int, works: list[Work], places: Mapping[int, Place | None], *, promised_only: bool
    ) -> list[Claim]:
        due: dict[int, int] = {}
        for work in works:
            jobs = self._open(work, trunk_id)
            if promised_only:
                jobs = min(jobs, work.due.get(WorkKind.PROMISED, 0))
            due[work.campaign_id] = due.get(work.campaign_id, 0) + jobs
        return [
            Claim(
                of=campaign_id,
                weight=self._at.claimants[campaign_id].weight,
                due=jobs if (cap := self._left[campaign_id]) is None else min(jobs, cap),
                queued=self._at.queued.get((trunk_id, campaign_id), 0),
                place=places.get(campaign_id),
            )
            for campaign_id, jobs in due.items()
        ]

    def _take(
        self,
        trunk_id: int,
        campaign_id: int,
        jobs: int,
        works: list[Work],
        found: dict[tuple[int, WorkKind], tuple[set[str], int]],
        *,
        promised_only: bool,
    ) -> None:
        own = [work for work in works if work.campaign_id == campaign_id and self._open(work, trunk_id)]
        cap = self._left[campaign_id]
        self._left[campaign_id] = None if cap is None else cap - jobs
        for kind, count in self._kinds(campaign_id, jobs, own, promised_only=promised_only).items():
            routes, before = found.get((campaign_id, kind), (set(), 0))
            left = count
            for work in own:
                if taken := work.take(kind, left):
                    routes.add(work.route)
                    left -= taken
            found[campaign_id, kind] = (routes, before + count)

    def _kinds(self, campaign_id: int, jobs: int, own: list[Work], *, promised_only: bool) -> dict[WorkKind, int]:
        if promised_only:
            return {WorkKind.PROMISED: jobs}
        due: dict[WorkKind, int] = {}
        for work in own:
            for kind, count in work.due.items():
                due[kind] = due.get(kind, 0) + count
        return by_kind(
            jobs,
            due,
            retries_first=self._at.claimants[campaign_id].retries_first,
            share=self._memory.new.setdefault(campaign_id, NewShare()),
        )
