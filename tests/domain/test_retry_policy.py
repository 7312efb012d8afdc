"""The default policy of retries, and one of one's own."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Outcome
from dialer.domain.retry import (
    DEFAULT_POLICY,
    Finish,
    Postpone,
    RetryPolicy,
    policy_from_json,
    policy_to_json,
)
from dialer.domain.retry_policy import doubling
from dialer.errors import InvalidInput
from tests.domain.retrying import (
    BUSY,
    CONGESTION,
    INVALID,
    NO_ANSWER,
    NOON,
    REJECTED,
    SYSTEM,
    TRUNK,
    UNAVAILABLE,
    UNKNOWN,
    ended,
    h,
    m,
    past,
    s,
    step,
    wait,
)

pytestmark = pytest.mark.unit


def test_the_default_policy() -> None:
    default = (DEFAULT_POLICY.max_attempts, DEFAULT_POLICY.max_per_24h, DEFAULT_POLICY.max_per_7d)
    assert default == (4, 3, 7)


def test_doubling_ends_with_the_longest_once() -> None:
    assert doubling(s(5), s(20)) == (s(5), s(10), s(20))
    assert doubling(s(5), s(19)) == (s(5), s(10), s(19))


def test_own_delays_replace_the_ladder_and_leave_the_others() -> None:
    policy = RetryPolicy(max_attempts=100, max_per_24h=0, max_per_7d=0, delays={BUSY: (s(3), s(6)), TRUNK: (s(7),)})
    assert [wait(ended(BUSY), [past(BUSY)] * times, policy) for times in range(4)] == [s(3), s(6), s(6), s(6)]
    assert wait(ended(TRUNK, counted=False), [past(TRUNK, counted=False)] * 3, policy) == s(7)
    assert wait(ended(NO_ANSWER), policy=policy) == h(2)


def test_unknown_waits_the_longest_of_the_ringing_ladders_or_its_own() -> None:
    demo = {outcome: (s(3), s(6), s(12)) for outcome in (BUSY, NO_ANSWER, UNAVAILABLE)}
    assert wait(ended(UNKNOWN), policy=RetryPolicy(delays=demo)) == s(12)
    assert wait(ended(UNKNOWN), policy=RetryPolicy(delays={**demo, UNKNOWN: (s(99),)})) == s(99)


@pytest.mark.parametrize("outcome", [BUSY, NO_ANSWER, UNAVAILABLE])
def test_unknown_waits_as_long_as_the_longest_of_them_wherever_it_is(outcome: Outcome) -> None:
    short: dict[Outcome, tuple[timedelta, ...]] = dict.fromkeys((BUSY, NO_ANSWER, UNAVAILABLE), (s(3),))
    assert wait(ended(UNKNOWN), policy=RetryPolicy(delays={**short, outcome: (s(50), s(40))})) == s(50)


def test_so_many_delays_so_many_times_a_rejected_or_404_number_is_called_again() -> None:
    policy = RetryPolicy(delays={REJECTED: (s(1), s(2)), INVALID: (s(3), s(4))})
    assert wait(ended(REJECTED), [past(REJECTED)], policy) == s(2)
    assert step(ended(REJECTED), [past(REJECTED)] * 2, policy=policy) == Finish(reason=FinishReason.EXHAUSTED)
    not_found = past(INVALID, counted=False)
    assert wait(ended(INVALID, counted=False), [not_found], policy) == s(4)
    after = step(ended(INVALID, counted=False), [not_found] * 2, policy=policy)
    assert after == Finish(reason=FinishReason.INVALID_NUMBER)


def test_full_jitter_is_for_the_outcomes_that_the_policy_names() -> None:
    plain = RetryPolicy(delays={CONGESTION: (s(30),)}, full_jitter=frozenset())
    assert step(ended(CONGESTION, counted=False), policy=plain, chance=0.0) == Postpone(until=NOON + s(24))


POLICIES = [
    pytest.param(DEFAULT_POLICY, id="default"),
    pytest.param(
        RetryPolicy(
            max_attempts=7,
            max_per_24h=0,
            max_per_7d=2,
            jitter=0.1,
            delays={BUSY: (s(1.5), h(48)), UNKNOWN: (h(1),)},
            full_jitter=frozenset({TRUNK, SYSTEM}),
        ),
        id="all of it changed",
    ),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_comes_back_from_json_as_it_went(policy: RetryPolicy) -> None:
    assert policy_from_json(json_round_trip(policy_to_json(policy))) == policy


def json_round_trip(stored: dict[str, object]) -> dict[str, object]:
    back: dict[str, object] = json.loads(json.dumps(stored))
    return back


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        pytest.param({"max_attempts": 0}, "max_attempts must be at least 1", id="no attempts"),
        pytest.param({"max_per_24h": -1}, "a cap must be at least 1", id="negative cap a day"),
        pytest.param({"max_per_7d": -1}, "a cap must be at least 1", id="negative cap a week"),
        pytest.param({"jitter": 1.0}, "jitter must be at least 0", id="jitter down to nothing"),
        pytest.param({"delays": {BUSY: ()}}, "the delays of busy must be", id="empty ladder"),
        pytest.param({"delays": {BUSY: (m(1), m(0))}}, "the delays of busy must be", id="no delay"),
    ],
)
def test_an_impossible_policy_is_refused(numbers: dict[str, Any], message: str) -> None:  # Any: wrong values
    with pytest.raises(InvalidInput, match=message):
        RetryPolicy(**numbers)


def test_one_attempt_is_a_policy() -> None:
    assert step(ended(BUSY), policy=RetryPolicy(max_attempts=1)) == Finish(reason=FinishReason.EXHAUSTED)
