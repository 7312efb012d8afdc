"""How much work is let out at a time.  Pure."""

import math
from datetime import timedelta

#: Work for this long lies on the queue: short, so that a pause or a cancel is quick and a lost queue costs little.
AHEAD = timedelta(seconds=2)


def room_to_release(*, calls_per_second: float, free_slots: int, queued: int, agents_take: timedelta) -> int:
    """How many call jobs may go on the queue now, at least 0.

    min(rate times (2 s + the agents' usual time to come), free slots) less what is queued already.  A slow trunk gets
    at least one.

    Args:
        free_slots: call slots not taken; below 0 when open attempts were restored above the limit.
        agents_take: how long a voice agent usually takes to be in the room; zero without agents.
    """
    seconds = (AHEAD + agents_take).total_seconds()
    by_rate = max(1, math.floor(calls_per_second * seconds))
    return max(0, min(by_rate, free_slots) - queued)
