"""What people do who are called without expecting it.  Pure: the same seed, number and attempt give the same fate.

Shares, ring times and talk times are those of a cold consumer list.  Every number has its own person: who is
not reachable at all stays so, and who likes to pick up is likelier to pick up again.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from simulator import numbers, says
from simulator.numbers import Fate
from simulator.says import Says
from simulator.settings import DEFAULT_WISHES, Wishes

#: what a number is for good
_FIXED_SHARES: Final = {"invalid": 0.045, "blocked": 0.015}
#: what may differ from attempt to attempt; together with the above: 1
_SHARES: Final = {
    "human": 0.18,
    "voicemail": 0.28,
    "no_answer": 0.30,
    "busy": 0.04,
    "rejected": 0.07,
    "unavailable": 0.06,
    "trunk_5xx": 0.008,
    "silent": 0.002,
}
_PERSON_ALPHA, _PERSON_BETA = 1.2, 4.0  #: how willing people differ: a beta distribution
_PERSON_MEAN: Final = _PERSON_ALPHA / (_PERSON_ALPHA + _PERSON_BETA)
_OTHER_SHARES: Final = {fate: share for fate, share in _SHARES.items() if fate != "human"}

_PHONE_OFF_SHARE: Final = 0.08
_GIVES_UP_SHARE: Final = 0.12
_REGRETS_SHARE: Final = 0.12
_INTERESTED_SHARE: Final = 0.25


def draw_fate(number: str, *, seed: int, attempt: int, wishes: Wishes = DEFAULT_WISHES) -> Fate:
    """What the ``attempt``-th INVITE (1 is the first) to ``number`` meets, and what is said if somebody answers.

    ``wishes`` change nothing but what is said: that has chances of its own.
    """
    person = random.Random(f"{seed}/{number}")  # noqa: S311
    fixed = _pick(person.random(), _FIXED_SHARES)
    willingness = person.betavariate(_PERSON_ALPHA, _PERSON_BETA)
    chance = random.Random(f"{seed}/{number}/{attempt}")  # noqa: S311
    kind = fixed or _kind(chance, willingness)
    fate = _FATES[kind](chance)
    if kind == "human":
        return replace(fate, says=_says(random.Random(f"{seed}/{number}/{attempt}/says"), wishes))  # noqa: S311
    return replace(fate, says=says.VOICEMAIL) if kind == "voicemail" else fate


def _says(chance: random.Random, wishes: Wishes) -> Says:
    point = chance.random()
    is_interested = chance.random() < _INTERESTED_SHARE
    if point < wishes.do_not_calls:
        return Says(amd=says.HUMAN, disposition="not_interested", do_not_call=True)
    wants_callback = point < wishes.do_not_calls + wishes.callbacks
    return Says(
        amd=says.HUMAN,
        disposition="interested" if is_interested or wants_callback else "not_interested",
        callback_after_seconds=wishes.callback_after_seconds if wants_callback else None,
    )


def _kind(chance: random.Random, willingness: float) -> str:
    human_share = _SHARES["human"] / sum(_SHARES.values()) * willingness / _PERSON_MEAN
    if chance.random() < human_share:
        return "human"
    others = sum(_OTHER_SHARES.values())
    return _pick(chance.random() * others, _OTHER_SHARES) or "no_answer"


def _pick(point: float, shares: dict[str, float]) -> str | None:
    for name, share in shares.items():
        point -= share
        if point < 0:
            return name
    return None


def _normal(chance: random.Random, *, mean: float, deviation: float, at_least: float) -> float:
    return max(at_least, chance.gauss(mean, deviation))


def _one_of(chance: random.Random, weights: dict[int, float]) -> int:
    return chance.choices(list(weights), list(weights.values()))[0]


def _delay_to_ringing(chance: random.Random) -> float:
    return chance.lognormvariate(1.25, 0.45)


def _human(chance: random.Random) -> Fate:
    regrets = chance.random() < _REGRETS_SHARE
    talk_seconds = chance.uniform(1, 5) if regrets else chance.lognormvariate(4.2, 1.0)
    return numbers.answer(
        rings_after_seconds=_delay_to_ringing(chance),
        ring_seconds=_normal(chance, mean=8.5, deviation=3.5, at_least=1),
        talk_seconds=talk_seconds,
    )


def _voicemail(chance: random.Random) -> Fate:
    phone_off = chance.random() < _PHONE_OFF_SHARE
    ring_seconds = chance.uniform(0.1, 1) if phone_off else _normal(chance, mean=20, deviation=2.5, at_least=0.5)
    return numbers.answer(
        rings_after_seconds=_delay_to_ringing(chance),
        ring_seconds=ring_seconds,
        talk_seconds=chance.uniform(8, 30),
    )


def _no_answer(chance: random.Random) -> Fate:
    rings_after_seconds = _delay_to_ringing(chance)
    if chance.random() < _GIVES_UP_SHARE:
        return numbers.ring_then(480, rings_after_seconds=rings_after_seconds, ring_seconds=chance.uniform(45, 60))
    return Fate(rings_after_seconds=rings_after_seconds)


def _busy(chance: random.Random) -> Fate:
    return numbers.final(_one_of(chance, {486: 0.93, 600: 0.07}), after_seconds=chance.uniform(0.3, 3))


def _rejected(chance: random.Random) -> Fate:
    return numbers.ring_then(
        _one_of(chance, {603: 0.6, 486: 0.25, 480: 0.15}),
        rings_after_seconds=_delay_to_ringing(chance),
        ring_seconds=_normal(chance, mean=6, deviation=3, at_least=1),
    )


def _unavailable(chance: random.Random) -> Fate:
    code = _one_of(chance, {480: 0.85, 404: 0.05, 503: 0.05, 408: 0.05})
    return numbers.final(code, after_seconds=_delay_to_ringing(chance))


def _invalid(chance: random.Random) -> Fate:
    code = _one_of(chance, {404: 0.8, 484: 0.08, 410: 0.07, 604: 0.05})
    return numbers.final(code, after_seconds=chance.uniform(0.3, 3))


def _blocked(chance: random.Random) -> Fate:
    code = _one_of(chance, {603: 0.7, 608: 0.1, 607: 0.1, 403: 0.1})
    return numbers.final(code, "Network Blocked" if code == 603 else "", after_seconds=0.1)


def _trunk_5xx(chance: random.Random) -> Fate:
    code = _one_of(chance, {503: 0.5, 500: 0.25, 502: 0.15, 504: 0.1})
    return numbers.final(code, after_seconds=chance.uniform(0.05, 0.5))


def _silent(_: random.Random) -> Fate:
    return numbers.SILENCE


_FATES: Final[dict[str, Callable[[random.Random], Fate]]] = {
    "human": _human,
    "voicemail": _voicemail,
    "no_answer": _no_answer,
    "busy": _busy,
    "rejected": _rejected,
    "unavailable": _unavailable,
    "invalid": _invalid,
    "blocked": _blocked,
    "trunk_5xx": _trunk_5xx,
    "silent": _silent,
}
