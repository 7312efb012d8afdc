"""What people do who are called without expecting it: in the right shares, and the same again each time."""

from collections import Counter

import pytest

from simulator.consumers import draw_fate
from simulator.numbers import ANSWERED, Fate

pytestmark = pytest.mark.unit

NUMBERS = [f"+1212555{number}" for number in range(10_000, 14_000)]


def kind(fate: Fate) -> str:
    """What the caller would call it."""
    if fate.is_silent:
        return "silent"
    if fate.code == ANSWERED:
        return "answered"
    if fate.code == 0 or (fate.code == 480 and fate.final_after_seconds > 45):
        return "rings on"
    return str(fate.code)


def test_the_same_seed_number_and_attempt_give_the_same_fate() -> None:
    fates = [draw_fate(number, seed=1, attempt=2) for number in NUMBERS[:50]]
    assert fates == [draw_fate(number, seed=1, attempt=2) for number in NUMBERS[:50]]
    assert fates != [draw_fate(number, seed=2, attempt=2) for number in NUMBERS[:50]]
    assert fates != [draw_fate(number, seed=1, attempt=3) for number in NUMBERS[:50]]


def test_the_first_attempts_have_the_shares_of_a_cold_list() -> None:
    kinds = Counter(kind(draw_fate(number, seed=3, attempt=1)) for number in NUMBERS)
    shares = {name: count / len(NUMBERS) for name, count in kinds.items()}
    assert shares["answered"] == pytest.approx(0.18 + 0.28, abs=0.03)
    assert shares["rings on"] == pytest.approx(0.30, abs=0.03)
    assert shares["486"] == pytest.approx(0.04 * 0.93 + 0.07 * 0.25, abs=0.015)
    assert shares["404"] == pytest.approx(0.045 * 0.8 + 0.06 * 0.05, abs=0.015)


def test_a_number_that_is_not_in_service_stays_so() -> None:
    wrong = [number for number in NUMBERS[:500] if draw_fate(number, seed=1, attempt=1).code in (484, 410, 604)]
    assert wrong
    for number in wrong:
        assert draw_fate(number, seed=1, attempt=2).code in (404, 484, 410, 604)


def test_people_answer_after_seconds_and_talk_for_seconds() -> None:
    fates = [draw_fate(number, seed=5, attempt=1) for number in NUMBERS]
    answered = [fate for fate in fates if fate.code == ANSWERED]
    rang = [fate.final_after_seconds - (fate.rings_after_seconds or 0) for fate in answered]
    assert min(rang) > 0
    assert 12 < sum(rang) / len(rang) < 18
    assert all(fate.talk_seconds and fate.talk_seconds > 0 for fate in answered)
