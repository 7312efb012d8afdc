"""How much work is let out at a time.  Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

#: Work for this long lies on the queue: short, so that a pause or a cancel is quick and a lost queue costs little.
AHEAD = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """The QUEUED call jobs of one campaign.

    Attributes:
        fresh: those of them that were released in the last ``AHEAD``.
        agents_take: how long its agents usually take to be in the room; zero without agents.
    """

    jobs: int
    fresh: int = 0
    agents_take: timedelta = timedelta(0)


def room_to_release(
    *, calls_per_second: float | None, free_slots: int | None, queued: Iterable[Queued] = ()
) -> int | None:
    """How many call jobs may go on the queue now, at least 0.

    min(rate times (2 s + the agents' usual time to come), free slots) less what is queued already, and no more in any
    2 s than may be dialed in 2 s: agents that come together would wait for their turns.  A slow trunk gets at least
    one.

    Args:
        calls_per_second: None: no such limit.
        free_slots: call slots that no open attempt has; below 0 when open attempts were restored above the limit.
            A call that waits for its agent holds a slot, and counts here as queued.  None: no such limit.

    Returns:
        None where there is no limit.
    """
    queue = list(queued)
    jobs, fresh = sum(each.jobs for each in queue), sum(each.fresh for each in queue)
    rooms = [] if free_slots is None else [free_slots - jobs]
    if calls_per_second is not None:
        rooms.append(_worth(calls_per_second, AHEAD + _usual_time(queue)) - jobs)
        rooms.append(_worth(calls_per_second, AHEAD) - fresh)
    return max(0, min(rooms)) if rooms else None


def _worth(calls_per_second: float, span: timedelta) -> int:
    return max(1, math.floor(calls_per_second * span.total_seconds()))


def _usual_time(queue: list[Queued]) -> timedelta:
    """How long agents take, over all that is released: who waits longer is found in the queue more often."""
    jobs = sum(each.jobs for each in queue)
    if not jobs:
        return timedelta(0)
    waiting_for_turns = sum(each.jobs * (AHEAD / (AHEAD + each.agents_take)) for each in queue)
    return AHEAD * (jobs / waiting_for_turns) - AHEAD
