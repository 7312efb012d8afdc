"""Deficit round robin: by weight, all of the room, nobody starved, and a part in advance for whoever comes late."""

import random
from collections import Counter, deque
from collections.abc import Mapping

import pytest

from dialer.domain.fair_share import Claim, Place, share_out

pytestmark = pytest.mark.unit


def claims(weights: Mapping[int, float], *, due: int = 10**6, places: Mapping[int, Place] | None = None) -> list[Claim]:
    return [Claim(of=of, weight=weight, due=due, place=(places or {}).get(of)) for of, weight in weights.items()]


def served(weights: Mapping[int, float], rooms: list[int]) -> tuple[Counter[int], list[int]]:
    """What each got in so many rounds, and who was served first in each."""
    places: Mapping[int, Place] = {}
    total: Counter[int] = Counter()
    first: list[int] = []
    for room in rooms:
        shares = share_out(room, claims(weights, places=places))
        total.update(shares.jobs)
        first += list(shares.jobs)[:1]
        places = shares.places
    return total, first


@pytest.mark.parametrize(
    ("room", "asked", "given"),
    [
        pytest.param(10, {1: 100, 2: 100}, {1: 5, 2: 5}, id="the same for the same weight"),
        pytest.param(10, {1: 100, 2: 2}, {1: 8, 2: 2}, id="what one cannot use is the others'"),
        pytest.param(10, {1: 100, 2: 0}, {1: 10}, id="no work, no share"),
        pytest.param(10, {1: 3, 2: 4}, {1: 3, 2: 4}, id="no more than there is work"),
        pytest.param(0, {1: 3, 2: 4}, {}, id="no room"),
        pytest.param(-3, {1: 3}, {}, id="less than no room"),
        pytest.param(5, {}, {}, id="nobody"),
    ],
)
def test_the_same_weight(room: int, asked: dict[int, int], given: dict[int, int]) -> None:
    assert share_out(room, [Claim(of=of, weight=1, due=due) for of, due in asked.items()]).jobs == given


def test_one_by_one_they_take_turns_by_weight() -> None:
    _, first = served({1: 3, 2: 1}, [1] * 12)
    assert first == [1, 1, 1, 2] * 3


@pytest.mark.parametrize("weights", [{1: 3, 2: 1}, {1: 3, 2: 2, 3: 7}, {1: 1000, 2: 1}, dict.fromkeys(range(1, 9), 1)])
@pytest.mark.parametrize("chance", range(5))
def test_over_many_rounds_of_any_room_each_gets_its_weight_and_all_of_the_room_is_used(
    weights: dict[int, float], chance: int
) -> None:
    rooms = [random.Random(chance * 1000 + place).choice([0, 1, 1, 2, 5, 14]) for place in range(3000)]
    total, _ = served(weights, rooms)
    assert total.total() == sum(rooms)
    quantum = max(weights.values()) / min(weights.values())
    for of, weight in weights.items():
        part = sum(rooms) * weight / sum(weights.values())
        assert abs(total[of] - part) <= max(0.05 * part, quantum), "within 5 %, or one visit"


def test_who_has_little_work_now_and_then_takes_what_it_needs_and_starves_nobody() -> None:
    places: Mapping[int, Place] = {}
    total: Counter[int] = Counter()
    for _ in range(100):  # one call a round; the first has one job in each, the second a backlog
        asked = [Claim(of=1, weight=1, due=1, place=places.get(1)), Claim(of=2, weight=1, due=99, place=places.get(2))]
        shares = share_out(1, asked)
        total.update(shares.jobs)
        places = shares.places
    assert abs(total[1] - total[2]) <= 1


def test_who_has_no_work_left_carries_nothing_over() -> None:
    shares = share_out(4, [Claim(of=1, weight=1, due=1, place=Place(deficit=50, visits=3)), *claims({2: 1})])
    assert (shares.jobs, list(shares.places)) == ({1: 1, 2: 3}, [2])


def test_a_visit_that_was_cut_short_goes_on_first() -> None:
    places = share_out(4, claims({1: 10, 2: 1})).places
    assert share_out(7, claims({1: 10, 2: 1}, places=places)).jobs == {1: 6, 2: 1}


def test_the_newcomer_gets_in_advance_what_the_other_has_on_the_queue() -> None:
    other = Claim(of=1, weight=1, due=10**6, queued=100, place=Place(visits=70))
    shares = share_out(150, [other, Claim(of=2, weight=1, due=10**6)])
    assert shares.jobs == {1: 25, 2: 125}, "100 in advance, then half and half"


def test_of_several_campaigns_work_on_the_queue_the_newcomer_gets_the_part_of_one() -> None:
    others = [Claim(of=of, weight=1, due=10**6, queued=25, place=Place(visits=9)) for of in range(4)]
    assert share_out(25, [*others, Claim(of=9, weight=1, due=10**6)]).jobs == {9: 25}


def done_after(contacts: int, *, beside: int, rate: int, ahead: int, room_every: float = 0.2) -> float:
    """Seconds until a campaign's contacts have been dialed on a trunk where another one had ``beside`` before."""
    left = {1: beside, 2: 0}
    queue: deque[int] = deque()
    places: Mapping[int, Place] = {}
    now, dialed, owed = 0.0, 0, 0.0
    begins = 20.0
    while dialed < contacts:
        now = round(now + room_every, 3)
        if now == begins:
            left[2] = contacts
        owed += rate * room_every
        while owed >= 1 and queue:
            owed -= 1
            dialed += queue.popleft() == 2
        owed = min(owed, 1.0) if not queue else owed
        waiting = Counter(queue)
        asked = [Claim(of=of, weight=1, due=left[of], queued=waiting[of], place=places.get(of)) for of in left]
        shares = share_out(ahead - len(queue), asked)
        places = shares.places
        for of, count in shares.jobs.items():
            left[of] -= count
            queue.extend([of] * count)
    return now - begins


@pytest.mark.parametrize("rate", [7, 50])
@pytest.mark.parametrize("seconds", [4, 30], ids=lambda seconds: f"{seconds} s alone")
def test_a_small_campaign_beside_a_huge_one_takes_at_most_two_point_two_times_its_time_alone(
    rate: int, seconds: int
) -> None:
    alone = done_after(seconds * rate, beside=0, rate=rate, ahead=2 * rate)
    beside = done_after(seconds * rate, beside=200_000, rate=rate, ahead=2 * rate)
    assert beside <= 2.1 * alone, "a little is left for how long its last calls take"
