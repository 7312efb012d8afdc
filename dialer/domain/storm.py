"""The same refusal, fast, over many numbers: what no single call can tell.  Pure.

A fast 603 is a person's network, or a dead account; a fast 486 is a busy line, or a trunk whose channels are all taken.
When every call gets it, it is about us, and the attempts it cost are given back.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from dialer.domain.trunk_result import TrunkResult, in_order, last_row

LATELY = timedelta(seconds=60)
AT_ONCE = timedelta(seconds=10)
#: A row that chance alone would make in one of so many calls is no storm.
CHANCE = 1e-6
LONGEST_ROW = 25

_NOBODY: Mapping[UUID, datetime] = MappingProxyType({})


class StormKind(StrEnum):
    """What a storm is taken for."""

    BLOCKED = "blocked"  #: the caller ID is blocked, or the account is dead
    REFUSED = "refused"  #: the caller ID or our permission
    NO_ROUTE = "no_route"  #: the carrier finds no way to anybody
    FULL = "full"  #: all channels are taken, or too many calls per second (Plivo)


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """What was recognised.

    Attributes:
        rule: ``storm_`` and the code.
        attempt_ids: of the calls in it, as far as they are in the window; they say nothing about the contacts.
        since: when the first of them was begun.
        reason: what happened and what to do.
        todo: the second half of it.
        holds: the trunk is to be held; else it is congestion.
    """

    kind: StormKind
    rule: str
    sip_code: int
    attempt_ids: tuple[UUID, ...]
    since: datetime
    reason: str
    todo: str
    holds: bool


@dataclass(frozen=True, slots=True)
class _Pattern:
    kind: StormKind
    calls: int
    within: timedelta
    means: str
    todo: str

    @property
    def holds(self) -> bool:
        return self.kind is not StormKind.FULL


_PROBE = "then try it with `dialer trunk probe`"
_FULL = _Pattern(
    StormKind.FULL,
    5,
    AT_ONCE,
    "while others are up: its channels are full",
    "compare its limits with the carrier's; the dialer goes on with fewer calls at once",
)
PATTERNS: dict[int, _Pattern] = {
    603: _Pattern(
        StormKind.BLOCKED,
        5,
        LATELY,
        "before any phone rang: the caller ID is blocked, or the account is closed",
        f"ask the carrier about both, {_PROBE}",
    ),
    403: _Pattern(
        StormKind.REFUSED,
        5,
        LATELY,
        "without a reason: the carrier does not let us call with this caller ID, or from here",
        f"compare the caller ID, the allowed addresses and the permitted countries at the carrier, {_PROBE}",
    ),
    404: _Pattern(
        StormKind.NO_ROUTE,
        10,
        LATELY,
        "at once: the carrier has no route for them, or does not know the trunk",
        f"ask the carrier for the route, and look whether the list is of real numbers, {_PROBE}",
    ),
    486: _FULL,
    480: _FULL,
}
"""By code, and only where the code speaks alone.  600, 410, 604 and 607 are the person's or the number's, always."""


def find_storm(
    results: Sequence[TrunkResult],
    *,
    calls_up: int,
    now: datetime,
    since: datetime | None = None,
    under_way: Mapping[UUID, datetime] = _NOBODY,
) -> Storm | None:
    """The storm that the newest calls are in.

    Args:
        results: the last of all callers on one trunk, as they came.
        calls_up: calls of this trunk that have been up for 2 s or more: channels cannot be full when none is taken.
        since: when the breaker last closed; what was begun before is over.
        under_way: as ``breaker.judge_results``.
    """
    ordered = in_order(results, since=since)
    newest = next((result for result in reversed(ordered) if not result.says_nothing), None)
    pattern = PATTERNS.get(newest.sip_code or 0) if newest else None
    if newest is None or pattern is None or (not pattern.holds and calls_up < 1):
        return None

    def fits(result: TrunkResult) -> bool:
        return result.is_fast and result.rule == f"sip_{newest.sip_code}" and now - result.begun_at <= pattern.within

    row = last_row(ordered, fits, under_way=under_way, now=now)
    if len({result.number_mark for result in row}) < _needed(pattern, ordered, row):
        return None
    return _storm(pattern, row)


def _needed(pattern: _Pattern, ordered: list[TrunkResult], row: list[TrunkResult]) -> int:
    """How many in a row are no chance: of a list in which half of the numbers do not exist, ten often are."""
    inside = {result.attempt_id for result in row}
    before = [result for result in ordered if result.attempt_id not in inside]
    alike = sum(result.rule == row[-1].rule for result in before) if row else 0
    if not alike:
        return pattern.calls
    share = alike / (len(before) + 1)
    return min(max(pattern.calls, math.ceil(math.log(CHANCE) / math.log(share))), LONGEST_ROW)


def _storm(pattern: _Pattern, row: list[TrunkResult]) -> Storm:
    code = row[-1].sip_code
    assert code is not None
    what = f"{len(row)} calls to different numbers in a row were answered SIP {code} {pattern.means}"
    return Storm(
        kind=pattern.kind,
        rule=f"storm_{code}",
        sip_code=code,
        attempt_ids=tuple(result.attempt_id for result in row),
        since=row[0].begun_at,
        reason=f"{what}; {pattern.todo}",
        todo=pattern.todo,
        holds=pattern.holds,
    )
