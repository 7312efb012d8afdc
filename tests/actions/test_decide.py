"""What a call job does next, by ladder, hours and promise."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.actions.settle_attempt import Decision, decide
from dialer.domain.call_job import FinishReason
from dialer.domain.calling_window import CallingHours, parse_weekdays, parse_window
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.domain.retry import MACHINE_ANSWERED, PastAttempt, RetryPolicy

pytestmark = pytest.mark.unit

BERLIN = CallingHours(
    windows=(parse_window("09:00-20:00", parse_weekdays("mon-fri")),),
    time_zone="Europe/Berlin",
    ringing_timeout=timedelta(seconds=30),
)
POLICY = RetryPolicy(jitter=0)
NO_ANSWER = Verdict(outcome=Outcome.NO_ANSWER, blame=Blame.CONTACT, counted=True, rule="ring_timeout", rang=True)
ANSWERED = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="gone", rang=True)
MACHINE = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule=MACHINE_ANSWERED, rang=True)


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    """In November 2026, when Berlin is UTC+1; the 24th is a Tuesday."""
    return datetime(2026, 11, day, hour - 1, minute, tzinfo=UTC)


def decided(
    verdict: Verdict, now: datetime, history: tuple[PastAttempt, ...] = (), callback_at: datetime | None = None
) -> Decision:
    return decide(
        verdict,
        history=history,
        policy=POLICY,
        hours=BERLIN,
        zones="",
        now=now,
        chance=0.5,
        callback_at=callback_at,
    )


def machine_at(moment: datetime) -> PastAttempt:
    return PastAttempt(outcome=Outcome.ANSWERED, counted=True, sent=True, rule=MACHINE_ANSWERED, at=moment)


def test_a_retry_inside_the_hours_is_due_when_the_ladder_says_and_closes_a_ringing_before_the_end() -> None:
    found = decided(NO_ANSWER, at(10))
    assert (found.due_in, found.not_before_in) == (timedelta(hours=2), None)
    assert found.open_until == at(20) - timedelta(seconds=30)


def test_closed_hours_do_not_count_in_the_ladder() -> None:
    found = decided(NO_ANSWER, at(19, 30))
    assert at(19, 30) + (found.due_in or timedelta()) == at(10, 30, day=25)


def test_a_call_back_comes_when_it_was_promised() -> None:
    found = decided(ANSWERED, at(10), callback_at=at(10, 7))
    assert (found.due_in, found.promised) == (timedelta(minutes=7), True)


def test_a_call_back_outside_the_hours_moves_to_their_opening_and_stays_promised() -> None:
    found = decided(ANSWERED, at(10), callback_at=at(22))
    assert at(10) + (found.due_in or timedelta()) == at(9, day=25)
    assert found.promised
    assert found.not_before_in == timedelta(hours=12)


def test_an_answered_call_without_a_promise_has_reached_its_person() -> None:
    assert decided(ANSWERED, at(10)).finish_reason is FinishReason.REACHED


def test_a_machine_is_asked_again_as_often_as_its_ladder_has_delays() -> None:
    first = decided(MACHINE, at(10))
    second = decided(MACHINE, at(15), (machine_at(at(10)),))
    third = decided(MACHINE, at(15, day=25), (machine_at(at(10)), machine_at(at(15))))
    assert (first.due_in, second.due_in) == (timedelta(hours=4), timedelta(hours=24))
    assert third.finish_reason is FinishReason.EXHAUSTED


def test_a_retry_for_which_the_hours_never_open_is_expired() -> None:
    hours = CallingHours(
        windows=BERLIN.windows, time_zone="Europe/Berlin", end_at=at(11), ringing_timeout=timedelta(seconds=30)
    )
    found = decide(NO_ANSWER, history=(), policy=POLICY, hours=hours, zones="", now=at(10), chance=0.5)
    assert (found.finish_reason, found.due_in) == (FinishReason.EXPIRED, None)
    assert found.not_before_in is not None, "hours that are edited at this moment may open for it after all"
