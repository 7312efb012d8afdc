"""How much the feeder lets out, and the rate that comes of it."""

import math
from datetime import timedelta

import pytest

from dialer.domain.pacing import AHEAD, Queued, room_to_release

pytestmark = pytest.mark.unit

TICK = 0.2  #: seconds between two releases


def of_agents(jobs: int, *, seconds: float, fresh: int = 0) -> Queued:
    return Queued(jobs=jobs, fresh=fresh, agents_take=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("rate", "free", "queued", "room"),
    [
        pytest.param(5, 20, [], 10, id="two seconds of the rate"),
        pytest.param(5, 20, [Queued(jobs=4, fresh=4)], 6, id="less what is queued"),
        pytest.param(5, 3, [], 3, id="no more than free slots"),
        pytest.param(5, 3, [Queued(jobs=2)], 1, id="free slots less what is queued"),
        pytest.param(5, -2, [], 0, id="none when open attempts are above the limit"),
        pytest.param(5, 20, [Queued(jobs=30)], 0, id="none when more is queued"),
        pytest.param(0.1, 20, [], 1, id="one for a slow trunk"),
        pytest.param(5, 100, [of_agents(10, seconds=3)], 10, id="agents of 3 s: five seconds of the rate are queued"),
        pytest.param(5, 100, [of_agents(25, seconds=3)], 0, id="and no more"),
        pytest.param(5, 100, [of_agents(10, seconds=8, fresh=7)], 3, id="never more in 2 s than 2 s of the rate"),
        pytest.param(5, 12, [of_agents(10, seconds=8)], 2, id="who waits for an agent takes a slot"),
        pytest.param(0.1, 20, [of_agents(1, seconds=8)], 0, id="a slow trunk needs no second agent"),
        pytest.param(
            5, 100, [of_agents(25, seconds=8), Queued(jobs=5)], 0, id="half with agents of 8 s, half without: 6 s"
        ),
        pytest.param(
            5, 100, [of_agents(20, seconds=8), Queued(jobs=5)], 2, id="the fewer wait for agents the fewer are queued"
        ),
    ],
)
def test_how_much_is_released(rate: float, free: int, queued: list[Queued], room: int) -> None:
    assert room_to_release(calls_per_second=rate, free_slots=free, queued=queued) == room


def calls_in(seconds: int, *, rate: float, agents: float, known: bool = True) -> tuple[int, float]:
    """How many are dialed, and the longest that an agent waited for its turn; ``known``: the feeder knows its agents.

    Each call job waits for its agent, then for its turn; turns are an interval apart.
    """
    next_turn, dialed, longest = 0.0, 0, 0.0
    waiting: list[tuple[float, float]] = []  # released at, turn at
    for tick in range(int(seconds / TICK)):
        now = tick * TICK
        dialed += sum(turn <= now for _, turn in waiting)
        waiting = [job for job in waiting if job[1] > now]
        takes = timedelta(seconds=agents if known and now >= agents else 0)
        fresh = sum(released > now - AHEAD.total_seconds() for released, _ in waiting)
        queue = [Queued(jobs=len(waiting), fresh=fresh, agents_take=takes)]
        for _ in range(room_to_release(calls_per_second=rate, free_slots=10_000, queued=queue) or 0):
            next_turn = max(next_turn + 1 / rate, now + agents)
            longest = max(longest, next_turn - now - agents)
            waiting.append((now, next_turn))
    return dialed, longest


@pytest.mark.parametrize("agents", [0, 0.3, 3, 8, 10], ids=lambda seconds: f"agents of {seconds} s")
@pytest.mark.parametrize("rate", [0.5, 1, 10, 50], ids=lambda rate: f"{rate} a second")
def test_a_trunk_is_driven_at_its_rate_however_slow_the_agents_are(rate: float, agents: float) -> None:
    dialed, longest = calls_in(300, rate=rate, agents=agents)
    assert dialed >= 0.93 * rate * 300
    assert longest <= AHEAD.total_seconds() + 1 / rate, "agents wait for turns for 2 s at most"


def test_a_feeder_that_did_not_know_of_slow_agents_would_reach_a_quarter_of_the_rate() -> None:
    dialed, _ = calls_in(300, rate=10, agents=8, known=False)
    assert math.isclose(dialed / 300, 2.5, rel_tol=0.1)
