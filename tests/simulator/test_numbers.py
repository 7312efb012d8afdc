"""What each number does."""

import pytest

from simulator import numbers
from simulator.numbers import Fate, is_dialable, scripted_fate

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("digits", "fate"),
    [
        pytest.param("000", Fate(rings_after_seconds=0.0), id="rings until cancelled"),
        pytest.param("001", numbers.ring_then(480, ring_seconds=5), id="rings 5 s, then unavailable"),
        pytest.param("002", numbers.ring_then(486, ring_seconds=2), id="rings 2 s, then busy"),
        pytest.param("003", numbers.ring_then(603, ring_seconds=3), id="rings 3 s, then declined"),
        pytest.param("004", numbers.final(603, "Network Blocked"), id="blocked by the network"),
        pytest.param("005", numbers.final(503, "CPS Limit reached P05"), id="too fast for one carrier"),
        pytest.param("006", numbers.final(503, "Trunk CPS limit exceeded. Region: us1"), id="for another"),
        pytest.param("007", numbers.final(403, "User channel limit exceeded D1"), id="no channel left"),
        pytest.param("008", Fate(), id="silence"),
        pytest.param("009", Fate(replies=1), id="100, then silence"),
        pytest.param("200", numbers.answer(ring_seconds=0, talk_seconds=None), id="answers and stays"),
        pytest.param("230", numbers.answer(ring_seconds=3, talk_seconds=None), id="rings 3 s, stays"),
        pytest.param("299", numbers.answer(ring_seconds=9, talk_seconds=9), id="rings 9 s, talks 9 s"),
        pytest.param("300", numbers.final(300, "Simulated"), id="the first final code"),
        pytest.param("486", numbers.final(486, "Busy Here"), id="busy"),
        pytest.param("503", numbers.final(503, "Service Unavailable"), id="unavailable"),
        pytest.param("699", numbers.final(699, "Simulated"), id="the last final code"),
        pytest.param("010", None, id="nothing special"),
        pytest.param("100", None, id="reserved for fiction"),
        pytest.param("199", None, id="reserved for fiction, the last"),
        pytest.param("700", None, id="no SIP code"),
    ],
)
@pytest.mark.parametrize("prefix", ["+12125550", "+15550100", "+15555550"])
def test_the_last_three_digits_decide(prefix: str, digits: str, fate: Fate | None) -> None:
    assert scripted_fate(prefix + digits) == fate


@pytest.mark.parametrize(
    "number",
    ["+12125551486", "+442075550486", "+1212555048", "+121255504860", "2125550486", "+12125560486", "hello"],
)
def test_other_numbers_have_no_script(number: str) -> None:
    assert scripted_fate(number) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12125550486", True),
        ("+4930123456", True),
        ("12125550486", False),
        ("+1 212 555 0486", False),
        ("+", False),
        ("+1212555048x", False),
        ("+١٢", False),
    ],
)
def test_only_a_plus_and_digits_are_dialable(number: str, expected: bool) -> None:
    assert is_dialable(number) is expected


def test_only_a_call_that_neither_rings_nor_ends_is_silent() -> None:
    assert [fate.is_silent for fate in (numbers.SILENCE, numbers.TRYING_THEN_SILENCE)] == [True, True]
    assert [fate.is_silent for fate in (numbers.RINGS_FOREVER, numbers.final(486))] == [False, False]
