"""What follows an attempt: ladders, limits, caps and chance."""

from datetime import timedelta

import pytest

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Outcome, Verdict
from dialer.domain.retry import (
    DEFAULT_POLICY,
    Finish,
    NextStep,
    PastAttempt,
    Postpone,
    RetryAt,
    RetryPolicy,
    next_step,
)
from tests.domain.retrying import (
    ANSWERED,
    BUSY,
    CANCELLED,
    CONFIG,
    CONGESTION,
    INVALID,
    MIDDLE,
    NO_ANSWER,
    NO_CAPS,
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


# -- ladders ----------------------------------------------------------------------------------------------------

COUNTED_LADDERS = [
    pytest.param(BUSY, [m(10), m(20), m(60), h(24), h(24)], id="busy"),
    pytest.param(NO_ANSWER, [h(2), h(4), h(24), h(24)], id="no_answer"),
    pytest.param(UNAVAILABLE, [h(1), h(4), h(24), h(24)], id="unavailable"),
    pytest.param(UNKNOWN, [h(24), h(24)], id="unknown waits the longest"),
]


@pytest.mark.parametrize(("outcome", "delays"), COUNTED_LADDERS)
def test_a_counted_outcome_climbs_its_ladder(outcome: Outcome, delays: list[timedelta]) -> None:
    for times, delay in enumerate(delays):
        history = [past(outcome)] * times
        assert step(ended(outcome), history, policy=NO_CAPS) == RetryAt(due_at=NOON + delay)


UNCOUNTED_LADDERS = [
    pytest.param(CONGESTION, [s(10), s(20), s(40), s(60), s(60)], 1.0, id="congestion, at most"),
    pytest.param(CONGESTION, [s(2), s(4), s(8), s(12), s(12)], 0.0, id="congestion, at least"),
    pytest.param(TRUNK, [s(30), s(60), m(2), m(4), m(8), m(15), m(15)], MIDDLE, id="trunk_failure"),
    pytest.param(SYSTEM, [s(5), s(10), s(20), s(40), s(80), s(160), m(5), m(5)], MIDDLE, id="system_error"),
    pytest.param(CONFIG, [m(1), m(2), m(4), m(8), m(15), m(15)], MIDDLE, id="config_error"),
    pytest.param(CANCELLED, [s(2), s(4), s(8), s(16), s(32), s(60), s(60)], MIDDLE, id="cancelled"),
]


@pytest.mark.parametrize(("outcome", "delays", "chance"), UNCOUNTED_LADDERS)
@pytest.mark.parametrize("sent", [True, False])
def test_an_uncounted_outcome_is_postponed_ever_longer(
    outcome: Outcome, delays: list[timedelta], chance: float, sent: bool
) -> None:
    for times, delay in enumerate(delays):
        history = [past(outcome, counted=False, sent=sent)] * times
        after = step(ended(outcome, counted=False, sent=sent), history, chance=chance)
        assert after == Postpone(until=NOON + delay)


def test_doubling_starts_again_after_another_outcome() -> None:
    trunk, congestion = past(TRUNK, counted=False), past(CONGESTION, counted=False)
    assert wait(ended(TRUNK, counted=False), [trunk, trunk]) == m(2)
    assert wait(ended(TRUNK, counted=False), [trunk, trunk, congestion]) == s(30)
    assert wait(ended(TRUNK, counted=False), [trunk, congestion, trunk]) == s(60)


def test_a_failing_trunk_in_between_does_not_set_the_contacts_ladder_back() -> None:
    assert wait(ended(BUSY), [past(BUSY), past(TRUNK, counted=False)]) == m(20)
    assert wait(ended(BUSY), [past(BUSY), past(NO_ANSWER)]) == m(20)


@pytest.mark.parametrize("outcome", [CONGESTION, TRUNK, SYSTEM, CONFIG, CANCELLED])
def test_a_phone_that_rang_before_we_failed_waits_like_no_answer(outcome: Outcome) -> None:
    assert step(ended(outcome)) == RetryAt(due_at=NOON + h(2))
    assert wait(ended(outcome), [past(outcome)]) == h(4)
    assert wait(ended(outcome), [past(NO_ANSWER)]) == h(4)
    assert wait(ended(NO_ANSWER), [past(outcome), past(outcome, counted=False)]) == h(4)


def test_abandoned_is_called_again_after_a_day() -> None:
    assert step(ended(ANSWERED, abandoned=True)) == RetryAt(due_at=NOON + h(24))


# -- what ends a call job ---------------------------------------------------------------------------------------

FINISHES = [
    pytest.param(ended(ANSWERED), [], FinishReason.REACHED, id="answered"),
    pytest.param(ended(Outcome.UNWANTED), [], FinishReason.UNWANTED, id="unwanted"),
    pytest.param(ended(Outcome.BLOCKED, counted=False), [], FinishReason.EXHAUSTED, id="blocked"),
    pytest.param(ended(INVALID), [], FinishReason.INVALID_NUMBER, id="invalid for sure, at once"),
    pytest.param(
        ended(INVALID, counted=False), [past(INVALID, counted=False)], FinishReason.INVALID_NUMBER, id="404 twice"
    ),
    pytest.param(
        ended(INVALID, counted=False),
        [past(INVALID, counted=False), past(TRUNK, counted=False)],
        FinishReason.INVALID_NUMBER,
        id="404 twice, with a trunk failure in between",
    ),
    pytest.param(ended(REJECTED), [past(REJECTED)], FinishReason.EXHAUSTED, id="rejected twice"),
    pytest.param(
        ended(REJECTED, counted=False), [past(REJECTED)], FinishReason.EXHAUSTED, id="rejected, then by the network"
    ),
    pytest.param(ended(BUSY), [past(BUSY)] * 3, FinishReason.EXHAUSTED, id="fourth busy"),
    pytest.param(
        ended(NO_ANSWER), [past(BUSY), past(UNKNOWN), past(BUSY)], FinishReason.EXHAUSTED, id="fourth of any kind"
    ),
    pytest.param(ended(UNKNOWN), [past(BUSY)] * 3, FinishReason.UNKNOWN, id="unknown as the fourth"),
    pytest.param(ended(ANSWERED, abandoned=True), [past(BUSY)] * 3, FinishReason.EXHAUSTED, id="abandoned, fourth"),
    pytest.param(ended(ANSWERED), [past(BUSY)] * 3, FinishReason.REACHED, id="answered as the fourth"),
    pytest.param(ended(TRUNK), [past(BUSY)] * 3, FinishReason.EXHAUSTED, id="it rang and failed as the fourth"),
    pytest.param(
        ended(UNAVAILABLE, counted=False),
        [past(UNAVAILABLE, counted=False)] * 3,
        FinishReason.EXHAUSTED,
        id="redirected for the fourth time",
    ),
]


@pytest.mark.parametrize(("verdict", "history", "reason"), FINISHES)
def test_what_finishes_a_call_job(verdict: Verdict, history: list[PastAttempt], reason: FinishReason) -> None:
    assert step(verdict, history) == Finish(reason=reason)


GOES_ON = [
    pytest.param(ended(BUSY), [past(BUSY)] * 2, RetryAt(due_at=NOON + m(60)), id="third busy"),
    pytest.param(ended(REJECTED), [past(BUSY)], RetryAt(due_at=NOON + h(24)), id="rejected once"),
    pytest.param(ended(REJECTED, counted=False), [], Postpone(until=NOON + h(24)), id="refused by the network once"),
    pytest.param(ended(INVALID, counted=False), [], Postpone(until=NOON + h(24)), id="first 404"),
    pytest.param(
        ended(UNAVAILABLE, counted=False),
        [past(UNAVAILABLE, counted=False)] * 2,
        Postpone(until=NOON + h(24)),
        id="redirected for the third time",
    ),
    pytest.param(
        ended(BUSY),
        [past(TRUNK, counted=False)] * 5 + [past(BUSY)] * 2,
        RetryAt(due_at=NOON + m(60)),
        id="uncounted tries use up no attempt",
    ),
    pytest.param(
        ended(CANCELLED, counted=False, sent=False),
        [past(ANSWERED)] * 4,
        Postpone(until=NOON + s(2)),
        id="a call back beyond the last attempt, not sent",
    ),
    pytest.param(
        ended(TRUNK, counted=False),
        [past(ANSWERED)] * 4,
        Postpone(until=NOON + s(30)),
        id="a call back beyond the last attempt, and the trunk failed",
    ),
]


@pytest.mark.parametrize(("verdict", "history", "expected"), GOES_ON)
def test_what_leaves_another_attempt(verdict: Verdict, history: list[PastAttempt], expected: NextStep) -> None:
    assert step(verdict, history) == expected


@pytest.mark.parametrize("outcome", [CONGESTION, TRUNK, SYSTEM, CONFIG])
def test_the_tenth_uncounted_try_in_a_day_that_was_sent_fails_the_call_job(outcome: Outcome) -> None:
    nine = [past(outcome, counted=False, ago=h(23))] * 9
    assert step(ended(outcome, counted=False), nine) == Finish(reason=FinishReason.FAILED)
    assert isinstance(step(ended(outcome, counted=False), nine[1:]), Postpone)
    mixed = [past(TRUNK, counted=False, ago=h(1)), past(CONGESTION, counted=False, ago=h(1))] * 5
    assert step(ended(outcome, counted=False), mixed[1:]) == Finish(reason=FinishReason.FAILED)


def test_uncounted_tries_older_than_a_day_and_counted_ones_are_not_among_the_ten() -> None:
    old = [past(TRUNK, counted=False, ago=h(24))] * 9
    assert isinstance(step(ended(TRUNK, counted=False), old), Postpone)
    counted = [past(BUSY, ago=h(1))] * 9
    assert isinstance(step(ended(TRUNK, counted=False), counted, policy=NO_CAPS), Postpone)


def test_nine_uncounted_tries_in_a_day_fail_neither_a_counted_attempt_nor_one_that_was_not_sent() -> None:
    nine = [past(TRUNK, counted=False, ago=h(1))] * 9
    assert step(ended(BUSY), nine) == RetryAt(due_at=NOON + m(10))
    assert isinstance(step(ended(SYSTEM, counted=False, sent=False), nine), Postpone)


@pytest.mark.parametrize("outcome", [SYSTEM, CANCELLED, CONFIG, CONGESTION])
def test_what_was_never_sent_ends_no_call_job(outcome: Outcome) -> None:
    for_hours = [past(outcome, counted=False, sent=False, ago=h(1))] * 1000
    assert isinstance(step(ended(outcome, counted=False, sent=False), for_hours), Postpone)
    # and it is not held against the next try that is sent
    assert isinstance(step(ended(TRUNK, counted=False), for_hours), Postpone)


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("outcome", Outcome)
def test_the_same_outcome_over_and_over_ends_one_day(outcome: Outcome, counted: bool) -> None:
    now, history = NOON, list[PastAttempt]()
    for _ in range(50):
        verdict = ended(outcome, counted=counted, abandoned=True)
        after = next_step(verdict, history=history, policy=DEFAULT_POLICY, now=now, chance=MIDDLE)
        if isinstance(after, Finish):
            return
        history.append(PastAttempt(outcome=outcome, counted=counted, sent=True, rule="a_rule", at=now))
        now = after.due_at if isinstance(after, RetryAt) else after.until
    pytest.fail(f"{outcome} is tried for ever")


# -- caps -------------------------------------------------------------------------------------------------------

CAPS = RetryPolicy(max_attempts=20, max_per_24h=3, max_per_7d=4)
BARRIERS = [
    pytest.param([past(BUSY, ago=h(1))], m(20), id="the second in a day: no cap"),
    pytest.param([past(BUSY, ago=h(5)), past(BUSY, ago=h(1))], h(19), id="the third: 24 h after the first"),
    pytest.param([past(BUSY, ago=h(1)), past(BUSY, ago=h(5))], h(19), id="in whatever order they are told"),
    pytest.param(
        [past(NO_ANSWER, ago=h(30)), past(BUSY, ago=h(5)), past(BUSY, ago=h(1))],
        timedelta(days=7) - h(30),
        id="the fourth in a week: 7 days after the first",
    ),
    pytest.param(
        [past(BUSY, ago=h(5), counted=False), past(BUSY, ago=h(1))], m(20), id="what was not counted is not capped"
    ),
    pytest.param([past(BUSY, ago=h(24)), past(BUSY, ago=h(1))], m(60), id="24 h ago is over"),
    pytest.param([past(BUSY, ago=h(23.5)), past(BUSY, ago=h(1))], m(60), id="open again before it is due"),
]


@pytest.mark.parametrize(("history", "delay"), BARRIERS)
def test_caps_move_the_moment_to_when_the_window_is_open(history: list[PastAttempt], delay: timedelta) -> None:
    assert step(ended(BUSY), history, policy=CAPS) == RetryAt(due_at=NOON + delay)


def test_caps_hold_back_a_postponed_call_too() -> None:
    three = [past(NO_ANSWER, ago=h(hours)) for hours in (20, 10, 1)]
    assert step(ended(TRUNK, counted=False), three, policy=CAPS) == Postpone(until=NOON + h(4))


def test_caps_hold_back_no_call_that_was_due_and_not_sent() -> None:
    three = [past(NO_ANSWER, ago=h(hours)) for hours in (20, 10, 1)]
    assert step(ended(CANCELLED, counted=False, sent=False), three, policy=CAPS) == Postpone(until=NOON + s(2))


def test_zero_is_no_cap() -> None:
    assert wait(ended(BUSY), [past(BUSY, ago=m(1))] * 30) == h(24)


# -- chance -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chance", "delay"),
    [
        pytest.param(0.0, m(8), id="80 % at least"),
        pytest.param(0.25, m(9), id="a quarter"),
        pytest.param(0.5, m(10), id="the middle"),
        pytest.param(1.0, m(12), id="120 % at most"),
    ],
)
def test_a_delay_is_spread_by_a_fifth(chance: float, delay: timedelta) -> None:
    assert step(ended(BUSY), chance=chance) == RetryAt(due_at=NOON + delay)


def test_without_jitter_chance_changes_nothing() -> None:
    assert step(ended(BUSY), policy=RetryPolicy(jitter=0.0), chance=0.9) == RetryAt(due_at=NOON + m(10))


def test_the_next_step_lies_in_the_future_even_for_the_shortest_delay() -> None:
    policy = RetryPolicy(delays={CONGESTION: (timedelta(microseconds=1),), BUSY: (timedelta(microseconds=1),)})
    for verdict in (ended(BUSY), ended(CONGESTION, counted=False)):
        assert wait(verdict, policy=policy) > timedelta(0)
