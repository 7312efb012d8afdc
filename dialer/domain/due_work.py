"""Work that is due, and in which order a campaign's is let out.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class WorkKind(StrEnum):
    """What a call job is, to the order in which it is let out."""

    PROMISED = "promised"  #: a call back that was promised
    RETRY = "retry"  #: an attempt was begun before
    NEW = "new"
    OLDEST = "oldest"  #: retries and new ones, whoever has been due for longer


#: Of what is let out while retries and new contacts are due, at least this goes to new ones.
LEAST_OF_NEW = 0.25


@dataclass(slots=True)
class Work:
    """Call jobs of one campaign that may take the same trunks.

    Attributes:
        route: their class of numbers.
        not_trunks: those that failed in this very try.
        due: how many are due and open, by kind; counted no further than there is room for.
    """

    campaign_id: int
    route: str
    not_trunks: frozenset[int] = frozenset()
    due: dict[WorkKind, int] = field(default_factory=dict)

    @property
    def jobs(self) -> int:
        return sum(self.due.values())

    def take(self, kind: WorkKind, most: int) -> int:
        """Take so many of them, or as many as there are; says how many."""
        kinds = (WorkKind.RETRY, WorkKind.NEW) if kind is WorkKind.OLDEST else (kind,)
        taken = 0
        for each in kinds:
            part = min(most - taken, self.due.get(each, 0))
            taken += part
            if part:
                self.due[each] -= part
        return taken


@dataclass(slots=True)
class NewShare:
    """What is owed to a campaign's new contacts, in call jobs: kept from one release to the next."""

    owed: float = 0.0


def by_kind(jobs: int, due: Mapping[WorkKind, int], *, retries_first: bool, share: NewShare) -> dict[WorkKind, int]:
    """How many of each kind: promised calls back first, then retries before new contacts, or the oldest of both.

    While new ones are due they get at least ``LEAST_OF_NEW`` of what is not promised, also when it is let out one by
    one: ``share`` remembers.
    """
    promised = min(jobs, due.get(WorkKind.PROMISED, 0))
    rest = jobs - promised
    retries, new = due.get(WorkKind.RETRY, 0), due.get(WorkKind.NEW, 0)
    if not retries_first:
        counts = {WorkKind.PROMISED: promised, WorkKind.OLDEST: min(rest, retries + new)}
    else:
        of_new = _of_new(rest, retries, new, share)
        counts = {
            WorkKind.PROMISED: promised,
            WorkKind.RETRY: min(rest - of_new, retries),
            WorkKind.NEW: of_new,
        }
    return {kind: count for kind, count in counts.items() if count}


def _of_new(rest: int, retries: int, new: int, share: NewShare) -> int:
    if not retries or not new:
        share.owed = 0.0
        return min(rest, new) if not retries else 0
    share.owed += rest * LEAST_OF_NEW
    chosen = min(rest, new, max(int(share.owed), rest - retries))
    share.owed = max(0.0, share.owed - chosen)
    return chosen
