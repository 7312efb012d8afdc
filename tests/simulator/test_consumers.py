"""What people do who are called without expecting it: in the right shares, and the same again each time."""

import hashlib
from collections import Counter
from dataclasses import replace

import pytest

from simulator.consumers import draw_fate
from simulator.numbers import ANSWERED, Fate
from simulator.says import VOICEMAIL, Says
from simulator.settings import Wishes

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


def said(wishes: Wishes) -> list[Says]:
    """What all people say who answer at the first attempt."""
    fates = [draw_fate(number, seed=1, attempt=1, wishes=wishes) for number in NUMBERS]
    return [fate.says for fate in fates if fate.says is not None and fate.says != VOICEMAIL]


def test_a_seed_s_fates_are_what_they_always_were() -> None:
    digest = hashlib.sha256()
    for last in range(2000):
        for attempt in (1, 2):
            fate = draw_fate(f"+1212777{last:04d}", seed=42, attempt=attempt)
            seconds = [
                moment and round(moment, 6)
                for moment in (fate.final_after_seconds, fate.rings_after_seconds, fate.talk_seconds)
            ]
            digest.update(repr((fate.code, fate.phrase, *seconds)).encode())
    assert digest.hexdigest() == "06ce2bcbc07965220d1881dbeda36525f629bf1a1c0430577e9038e6db851750"


def test_what_people_ask_for_changes_nothing_else() -> None:
    all_ask, nobody_asks = Wishes(callbacks=1, do_not_calls=0), Wishes(callbacks=0, do_not_calls=0)
    for number in NUMBERS[:500]:
        fate = draw_fate(number, seed=1, attempt=1, wishes=all_ask)
        assert replace(draw_fate(number, seed=1, attempt=1, wishes=nobody_asks), says=fate.says) == fate


def test_a_share_asks_to_be_called_back_and_a_share_never_to_be_called_again() -> None:
    people = said(Wishes(callbacks=0.3, do_not_calls=0.2, callback_after_seconds=60))
    callbacks = [one for one in people if one.callback_after_seconds == 60]
    do_not_calls = [one for one in people if one.do_not_call]
    assert len(callbacks) / len(people) == pytest.approx(0.3, abs=0.05)
    assert len(do_not_calls) / len(people) == pytest.approx(0.2, abs=0.05)
    assert not [one for one in callbacks if one.do_not_call]
    assert {one.amd for one in people} == {"human"}
    assert {one.disposition for one in people} == {"interested", "not_interested"}


def test_machines_answer_more_often_than_people() -> None:
    fates = [draw_fate(number, seed=1, attempt=1) for number in NUMBERS]
    answers = Counter(fate.says.amd for fate in fates if fate.says is not None)
    assert answers["machine-vm"] / len(NUMBERS) == pytest.approx(0.28, abs=0.03)
    assert answers["human"] / len(NUMBERS) == pytest.approx(0.18, abs=0.03)
    assert answers.total() == sum(fate.code == ANSWERED for fate in fates)


@pytest.mark.parametrize("shares", [(-0.1, 0.0), (0.0, -0.1), (0.6, 0.5)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be shares"):
        Wishes(callbacks=shares[0], do_not_calls=shares[1])


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
