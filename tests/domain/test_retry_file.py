"""The retry file: what it may say, and what is answered when it says it wrong."""

from datetime import timedelta

import pytest

from dialer.domain.outcome import Outcome
from dialer.domain.retry import DEFAULT_POLICY
from dialer.domain.retry_file import read_retry_file
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

NAME = "retries.toml"


def test_an_empty_file_is_the_default() -> None:
    assert read_retry_file("", name=NAME) == DEFAULT_POLICY
    assert read_retry_file("# nothing\n[delays]\n", name=NAME) == DEFAULT_POLICY


def test_a_whole_file() -> None:
    text = """
    max_attempts = 6
    max_per_24h = 2
    max_per_7d = 0

    [delays]
    busy = ["10m", "20m"]
    trunk_failure = ["90s"]
    unknown = ["2d"]
    """
    policy = read_retry_file(text, name=NAME)
    assert (policy.max_attempts, policy.max_per_24h, policy.max_per_7d) == (6, 2, 0)
    assert policy.ladder(Outcome.BUSY) == (timedelta(minutes=10), timedelta(minutes=20))
    assert policy.ladder(Outcome.TRUNK_FAILURE) == (timedelta(seconds=90),)
    assert policy.ladder(Outcome.UNKNOWN) == (timedelta(days=2),)
    assert policy.ladder(Outcome.NO_ANSWER) == DEFAULT_POLICY.ladder(Outcome.NO_ANSWER)


@pytest.mark.parametrize(
    ("text", "caps"),
    [
        pytest.param("max_attempts = 5", (3, 7), id="no delays: the default caps"),
        pytest.param("max_per_24h = 0", (0, 7), id="no delays, one cap taken away"),
        pytest.param('delays.busy = ["1m"]', (0, 0), id="delays and no caps: none"),
        pytest.param('max_per_7d = 5\n[delays]\nbusy = ["1m"]', (0, 5), id="delays and one cap: that one"),
    ],
)
def test_a_file_with_delays_has_only_the_caps_that_it_writes(text: str, caps: tuple[int, int]) -> None:
    policy = read_retry_file(text, name=NAME)
    assert (policy.max_per_24h, policy.max_per_7d) == caps


def test_own_congestion_delays_are_meant_as_they_stand() -> None:
    assert read_retry_file('delays.congestion = ["30s"]', name=NAME).full_jitter == frozenset()
    assert read_retry_file('delays.busy = ["30s"]', name=NAME).full_jitter == {Outcome.CONGESTION}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1s", 1), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400), ("1h30m", 5400), ("1d2h3m4s", 93784),
        ("0h5m", 300), ("30d", 2592000),
    ],
)  # fmt: skip
def test_durations(written: str, seconds: int) -> None:
    policy = read_retry_file(f'[delays]\nbusy = ["{written}"]', name=NAME)
    assert policy.ladder(Outcome.BUSY) == (timedelta(seconds=seconds),)


WRONG_DURATIONS = [
    "", "s", "10", "10x", "-5m", "1.5h", "0s", "0h0m", "31d", "99999999999d", "30m1h", "1h 30m", "10 m", "10M", "1m1m",
    "+10m", "٣s", "10m ",
]  # fmt: skip


@pytest.mark.parametrize("written", WRONG_DURATIONS)
def test_what_is_no_duration(written: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_retry_file(f'max_attempts = 2\n\n[delays]\nbusy = ["10m", "{written}"]', name=NAME)
    assert raised.value.message.startswith(f"retries.toml, line 4: delays.busy holds '{written}'")
    assert "1h30m" in (raised.value.hint or "")


# text, start of the message, part of the hint
WRONG_FILES = [
    pytest.param("max_atempts = 3", "retries.toml, line 1: max_atempts is not known", "max_attempts", id="typo"),
    pytest.param("\n\n[delay]\nbusy = []", "retries.toml, line 3: delay is not known", "delays", id="wrong table"),
    pytest.param("max_attempts = 0", "retries.toml, line 1: max_attempts cannot be 0", "1 to 20", id="no attempts"),
    pytest.param("max_attempts = 21", "retries.toml, line 1: max_attempts cannot be 21", "1 to 20", id="too many"),
    pytest.param("max_attempts = 2.0", "retries.toml, line 1: max_attempts cannot be 2.0", "whole", id="a fraction"),
    pytest.param("max_attempts = true", "retries.toml, line 1: max_attempts cannot be True", "whole", id="a truth"),
    pytest.param('max_attempts = "4"', "retries.toml, line 1: max_attempts cannot be '4'", "whole", id="a text"),
    pytest.param("max_per_24h = -1", "retries.toml, line 1: max_per_24h cannot be -1", "0 is no cap", id="negative"),
    pytest.param("max_per_7d = []", "retries.toml, line 1: max_per_7d cannot be []", "0 is no cap", id="a list"),
    pytest.param("delays = 5", "retries.toml, line 1: delays is not a table", "[delays]", id="no table"),
    pytest.param(
        'max_attempts = 2\n[delays]\nbusy = ["1m"]\nringing = ["1m"]',
        "retries.toml, line 4: delays.ringing is not an outcome",
        "busy, no_answer, rejected",
        id="no outcome",
    ),
    pytest.param(
        '[delays]\nunwanted = ["1m"]',
        "retries.toml, line 2: delays.unwanted is never called again",
        "busy, no_answer",
        id="never again",
    ),
    pytest.param("[delays]\nbusy = []", "retries.toml, line 2: delays.busy cannot be []", "at least one", id="empty"),
    pytest.param('delays.busy = "5m"', "retries.toml, line 1: delays.busy cannot be '5m'", "a list", id="one text"),
    pytest.param("[delays]\nbusy = [600]", "retries.toml, line 2: delays.busy holds 600", "10m", id="a bare number"),
    pytest.param('delays = {busy = ["x"]}', "retries.toml: delays.busy holds 'x'", "10m", id="an inline table"),
    pytest.param('"delays" . "busy" = ["x"]', "retries.toml, line 1: delays.busy holds 'x'", "10m", id="a quoted key"),
    pytest.param("max_attempts = ", "retries.toml is not TOML: Invalid value (at", "quotes", id="no TOML"),
    pytest.param("[delays]\nbusy = [10m]", "retries.toml is not TOML:", "quotes", id="no quotes"),
    pytest.param("max_attempts = 2\nmax_attempts = 3", "retries.toml is not TOML:", "toml", id="twice"),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG_FILES)
def test_a_wrong_file_is_told_with_its_place_and_the_way_out(text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_retry_file(text, name=NAME)
    assert raised.value.message.startswith(message)
    assert hint in (raised.value.hint or "")


def test_every_outcome_that_can_be_called_again_may_have_delays() -> None:
    for outcome in set(Outcome) - {Outcome.UNWANTED, Outcome.BLOCKED}:
        assert read_retry_file(f'[delays]\n{outcome} = ["7m"]', name=NAME).ladder(outcome) == (timedelta(minutes=7),)
