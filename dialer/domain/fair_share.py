"""Who gets how much of what there is room for, by weight.  Pure.

Deficit round robin (M. Shreedhar, G. Varghese, "Efficient fair queuing using deficit round robin", 1996) with one call
job as its unit: in each round everybody who has work is visited once and gets a quantum, his weight; what the room did
not suffice for is his deficit, and he is served first when there is room again.  Who has no more work leaves his share
to the others at once and carries nothing over.

One thing is added: what was let out earlier still lies on the queue and goes before.  Who comes while it is full of
others' work gets as much in advance as the others have queued for the same weight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one stands in the round robin.

    Attributes:
        deficit: call jobs that he still has to get, before his next quantum; below 0: he was ahead.
        visits: rounds in which he was visited.  Of those who wait for a visit the one with the fewest is next.
    """

    deficit: float = 0.0
    visits: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one asks for.

    Attributes:
        of: whose it is: a campaign's id, or a trunk's.
        weight: above 0.
        due: call jobs that could be let out now.
        queued: those that were let out and still wait.
        place: None: he had no work the last time.
    """

    of: int
    weight: float
    due: int
    queued: int = 0
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """``jobs``: how many each gets, where it is any.  ``places``: of all who have work left; the others have none."""

    jobs: Mapping[int, int]
    places: Mapping[int, Place]


def share_out(room: int, claims: Sequence[Claim]) -> Shares:
    """Share room between claims: all of it, while anybody has work."""
    line = [(flow.order, flow) for flow in _flows([claim for claim in claims if claim.due > 0])]
    heapify(line)
    served: list[_Flow] = []
    while line:
        _, flow = heappop(line)
        if room > 0:
            room -= flow.serve(room)
        if room > 0 and flow.left:
            heappush(line, (flow.order, flow))
        else:
            served.append(flow)
    return Shares(
        jobs={flow.of: flow.given for flow in served if flow.given},
        places={flow.of: Place(deficit=flow.deficit, visits=flow.visits) for flow in served if flow.left},
    )


@dataclass(slots=True)
class _Flow:
    of: int
    quantum: float
    left: int
    deficit: float
    visits: int
    is_new: bool
    given: int = 0

    @property
    def order(self) -> tuple[bool, int, bool, int]:
        """Those whose visit was cut short come first, then whoever was visited least."""
        return self.deficit < 1, self.visits, self.is_new, self.of

    def serve(self, room: int) -> int:
        if self.deficit < 1:
            self.deficit += self.quantum
            self.visits += 1
        count = max(0, min(int(self.deficit), self.left, room))
        self.deficit -= count
        self.left -= count
        self.given += count
        return count


def _flows(claims: Sequence[Claim]) -> list[_Flow]:
    if not claims:
        return []
    smallest = min(claim.weight for claim in claims)
    begun = min((claim.place.visits for claim in claims if claim.place), default=0)
    # Measured by those who were there before, or by all when nobody was.
    before = [claim for claim in claims if claim.place] or claims
    queued_by_weight = sum(claim.queued for claim in before) / sum(claim.weight for claim in before)
    return [
        _Flow(
            of=claim.of,
            quantum=claim.weight / smallest,
            left=claim.due,
            deficit=claim.place.deficit if claim.place else claim.weight * queued_by_weight - claim.queued,
            visits=claim.place.visits if claim.place else begun,
            is_new=claim.place is None,
        )
        for claim in claims
    ]
