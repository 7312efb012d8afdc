"""What the carrier's record says: sliding seconds, gaps, shares of a limit, channels.  Pure.

Moments are Unix seconds, a span is a beginning and an end of them.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Span = tuple[float, float]
#: A rate counts as reached again when it is in this long a window.
REGAIN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One INVITE as the carrier wrote it down.

    Attributes:
        ended_at: None: the call is still up.
        refused: why the carrier refused it at once: ``cps``, ``channels``, ``outage``; None: it did not.
    """

    at: float
    trunk: str
    number: str
    ended_at: float | None = None
    refused: str | None = None


def read_record(page: Mapping[str, Any]) -> list[Seen]:
    """The INVITEs of the simulator's page ``record``, in order."""
    found = [
        Seen(
            at=invite["at"],
            trunk=invite["trunk"],
            number=invite["number"],
            ended_at=invite["ended_at"],
            refused=invite.get("refused"),
        )
        for invite in page["invites"]
    ]
    return sorted(found, key=lambda seen: seen.at)


def window_of(calls_per_second: float) -> tuple[int, float]:
    """How many calls a window may hold, and its seconds: below one a second it is one in a longer window.

    Of a fraction above one, evenly paced calls are sometimes one more than its whole part; a carrier has to take them.
    """
    if calls_per_second < 1:
        return 1, 1 / calls_per_second
    return math.ceil(calls_per_second), 1.0


def most_in_window(moments: Sequence[float], *, seconds: float = 1.0) -> int:
    """The most moments in any sliding window; one exactly a window ago no longer counts."""
    most, inside = 0, deque[float]()
    for moment in moments:
        inside.append(moment)
        while inside[0] <= moment - seconds:
            inside.popleft()
        most = max(most, len(inside))
    return most


def windows_above(moments: Sequence[float], calls_per_second: float) -> int:
    """How many INVITEs came when their sliding second (or longer window) was full already."""
    calls, seconds = window_of(calls_per_second)
    return sum(
        1 for place in range(calls, len(moments)) if moments[place - calls] > moments[place] - seconds
    )  # the one so many before it is still in the window


def gaps(moments: Sequence[float]) -> list[float]:
    """Seconds between each two INVITEs."""
    return [later - earlier for earlier, later in pairwise(moments)]


def at_share(values: Sequence[float], share: float) -> float:
    """The value that so great a share of all does not exceed; 0 of none."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def count_in(moments: Sequence[float], span: Span) -> int:
    """How many of the sorted moments lie in a span, its end not included."""
    return bisect_left(moments, span[1]) - bisect_left(moments, span[0])


def used_share(moments: Sequence[float], span: Span, calls_per_second: float) -> float:
    """The share of a limit that was used in a span."""
    return count_in(moments, span) / ((span[1] - span[0]) * calls_per_second)


def longest_gap(moments: Iterable[float], span: Span) -> float:
    """The longest time without an INVITE in a span, its ends included."""
    inside = [moment for moment in moments if span[0] <= moment < span[1]]
    return max(gaps([span[0], *inside, span[1]]))


def channel_share(calls: Iterable[Seen], span: Span, channels: int) -> float:
    """The share of the channel-seconds of a span in which calls were up."""
    begin, end = span
    used = sum(max(0.0, min(end, call.ended_at or end) - max(begin, call.at)) for call in calls if call.refused is None)
    return used / ((end - begin) * channels)


def most_at_once(calls: Iterable[Seen]) -> int:
    """The most calls that were up at the same time; one that ends when another begins leaves its channel first."""
    steps = [(call.at, 1) for call in calls if call.refused is None]
    steps += [(call.ended_at, -1) for call in calls if call.refused is None and call.ended_at is not None]
    up = most = 0
    for _, step in sorted(steps):
        up += step
        most = max(most, up)
    return most


def regained_after(moments: Sequence[float], since: float, *, per_second: float, until: float) -> float | None:
    """Seconds from ``since`` to the begin of the first window with this rate; None: none ends before ``until``.

    The windows are ``REGAIN_SECONDS`` long and begin with an INVITE.
    """
    needed = max(1, round(per_second * REGAIN_SECONDS))
    for moment in moments[bisect_left(moments, since) :]:
        if moment + REGAIN_SECONDS > until:
            return None
        if count_in(moments, (moment, moment + REGAIN_SECONDS)) >= needed:
            return moment - since
    return None


def filled_after(calls: Sequence[Seen], since: float, *, channels: int, share: float, until: float) -> float | None:
    """Seconds from ``since`` until so great a share of the channels was in use for a window; None: it never was."""
    steps = math.floor((until - REGAIN_SECONDS - since) * 2)
    for step in range(max(0, steps)):
        begin = since + step / 2
        if channel_share(calls, (begin, begin + REGAIN_SECONDS), channels) >= share:
            return begin - since
    return None
