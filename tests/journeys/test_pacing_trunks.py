"""The short form of the benchmarks of pacing: a trunk dies for a while, one takes less than is said, one is well.

``python -m benchmarks.pacing`` are the long ones.
"""

import asyncio
import time
from dataclasses import dataclass

import pytest

from benchmarks.campaigns import make_campaign, numbers, start
from benchmarks.pacing.judges import Seen, Span, count_in, used_share, windows_above
from benchmarks.pacing.play import (
    MANY_CHANNELS,
    counted_amiss,
    finished_unreached,
    let_run,
    livekit_id,
    make_trunks,
    read_seen,
)
from benchmarks.stage import BUSY_AT_ONCE, open_stage

pytestmark = pytest.mark.journey

DIES, TAKES_LESS, IS_WELL = 1, 2, 3
LIMITS = {DIES: 10.0, TAKES_LESS: 20.0, IS_WELL: 7.0}
UNTOLD = 7
BEFORE_SECONDS, DEAD_SECONDS, AFTER_SECONDS = 6.0, 6.0, 14.0
LAST_SECONDS = 8.0
RAMP_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What carrier and ledger tell of the run."""

    seen: list[Seen]
    dead: Span
    end: float
    amiss: dict[str, int]
    unreached: int

    def moments(self, trunk: int, *, refused: bool | None = None) -> list[float]:
        """When INVITEs came; those that were refused, or those that were not, or all."""
        return [
            each.at
            for each in self.seen
            if each.trunk == livekit_id(trunk) and refused in (None, each.refused is not None)
        ]


@pytest.fixture(scope="module")
def told() -> Told:
    return asyncio.run(play())


async def play() -> Told:
    """A campaign for each trunk and one for all of them, two callers."""
    async with open_stage(everyone=BUSY_AT_ONCE, flags=["--trunks", "3"]) as stage:
        untold = {"calls_per_second": UNTOLD, "style": "twilio"}
        await stage.put("limits", {"trunks": {livekit_id(TAKES_LESS): untold}})
        trunks = await make_trunks(stage.ledger, [(rate, MANY_CHANNELS) for rate in LIMITS.values()])
        ways = [*([trunk] for trunk in trunks), trunks]
        campaigns = [
            await make_campaign(stage.ledger, way, f"campaign-{place}", numbers(900, first=900 * place))
            for place, way in enumerate(ways)
        ]
        await stage.start_workers(callers=2)
        for campaign in campaigns:
            await start(stage.ledger, campaign)
        await let_run(stage, BEFORE_SECONDS, "before")
        begun = time.time()
        outage = {"kind": "code", "code": 503, "trunk": livekit_id(DIES), "for_seconds": DEAD_SECONDS}
        await stage.put("outages", [outage])
        await let_run(stage, DEAD_SECONDS + AFTER_SECONDS, "dead, and after")
        return Told(
            seen=await read_seen(stage),
            dead=(begun, begun + DEAD_SECONDS),
            end=time.time(),
            amiss=await counted_amiss(stage.ledger),
            unreached=await finished_unreached(stage.ledger),
        )


@pytest.mark.parametrize("trunk", LIMITS)
def test_no_sliding_second_of_a_trunk_is_above_its_limit(told: Told, trunk: int) -> None:
    assert windows_above(told.moments(trunk), LIMITS[trunk]) == 0


def test_a_trunk_that_is_well_is_used_whatever_the_others_do(told: Told) -> None:
    moments = told.moments(IS_WELL)
    assert used_share(moments, (moments[0] + RAMP_SECONDS, told.end - 1), LIMITS[IS_WELL]) >= 0.95


def test_few_calls_are_wasted_on_a_dead_trunk_and_it_is_used_again_when_it_is_back(told: Told) -> None:
    assert 1 <= len(told.moments(DIES, refused=True)) <= 20
    assert count_in(told.moments(DIES, refused=False), (told.dead[1], told.end)) >= 2 * LIMITS[DIES]


def test_the_limit_that_nobody_told_is_found(told: Told) -> None:
    last = (told.end - LAST_SECONDS, told.end)
    taken, refused = (count_in(told.moments(TAKES_LESS, refused=so), last) for so in (False, True))
    assert taken >= 0.6 * UNTOLD * LAST_SECONDS
    assert refused <= 0.25 * (taken + refused)


def test_nobody_loses_an_attempt_to_the_line(told: Told) -> None:
    assert told.amiss == {}
    assert told.unreached == 0
