"""Agents of every kind, three people each: whoever picks up is heard, and nobody is left alone."""

import pytest

from simulator.consumers import draw_fate
from tests.journeys.agents_of_every_kind import ASK_IN_VAIN, CALL_BACK, COME, KINDS, NEVER_COME, play
from tests.journeys.stage import PEOPLE

pytestmark = pytest.mark.journey

SEED = 42


def who_pick_up(people: int) -> list[str]:
    """Numbers whose first call is answered, by people who talk on until an agent that left them alone is missed."""
    fates = {number: draw_fate(number, seed=SEED, attempt=1) for number in PEOPLE}
    return [number for number, fate in fates.items() if 50 < (fate.talk_seconds or 0) < 120][:people]


async def test_agents_of_every_kind_come_report_and_leave_nobody_alone() -> None:
    found = await play(KINDS, who_pick_up(3 * len(KINDS)), seed=SEED)

    assert found.problems == []
    played = found.played
    assert [agent for agent, one in played.items() if one.state == "held"] == list(NEVER_COME)
    assert all(played[agent].outcomes["answered"] >= 3 for agent in (*COME, *ASK_IN_VAIN))
    assert all(played[agent].reported >= 3 for agent in COME if agent != "sim-leaves-5")
    assert played["sim-leaves-5"].ended_by == {"dialer": 3}
    assert played["sim-reports-booked"].ended_by == {"agent": 3}
    assert played["sim-dnc"].opted_out == 3
    assert played[CALL_BACK].called_again >= 3
    assert played["sim-machine"].called_again >= 3
    for agent in ASK_IN_VAIN:
        assert (played[agent].not_understood, played[agent].called_again) == (3, 0)
    for agent in ("sim-metadata-booked", "sim-long-65536"):
        assert (played[agent].reported, played[agent].not_understood) == (3, 0)
