"""What a look into a room means, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialer.domain.attempt import AttemptState
from dialer.domain.doubt import Adopt, End, Finding, KeepLooking, OpenAttempt, RemoveGhost, judge_look, judge_no_answer
from dialer.domain.fence import Fence
from dialer.domain.outcome import Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FENCE = Fence()


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


DIALING = OpenAttempt(
    attempt_id=UUID(int=1),
    state=AttemptState.DIALING,
    claimed_at=ago(400),
    ringing_timeout=timedelta(seconds=30),
    talk_limit=timedelta(seconds=3600),
    now=NOW,
    looked_at=ago(8),
)
TALKING = replace(DIALING, state=AttemptState.ANSWERED, answered_at=ago(200), claimed_at=ago(210))


def see(attempt: OpenAttempt, *, present: bool = False, status: str | None = None) -> Finding:
    return judge_look(attempt, present=present, status=status, fence=FENCE)


@pytest.mark.parametrize("status", ["active", "automation", "hangup"])
def test_a_callee_who_picked_up_makes_the_attempt_answered(status: str) -> None:
    assert isinstance(see(DIALING, present=True, status=status), Adopt)


@pytest.mark.parametrize("status", ["dialing", "ringing", None])
def test_a_callee_who_has_not_picked_up_is_waited_for(status: str | None) -> None:
    found = see(replace(DIALING, empty_since=ago(100)), present=True, status=status)

    assert isinstance(found, KeepLooking)
    assert (found.attempt.seen_at, found.attempt.empty_since) == (NOW, None)


@pytest.mark.parametrize(
    ("age", "seen", "counts"),
    [
        pytest.param(95, False, False, id="before the fence is over"),
        pytest.param(96, False, True, id="when the fence is over"),
        pytest.param(40, True, True, id="earlier, once the callee was seen"),
    ],
)
def test_from_when_on_an_empty_room_counts(age: float, seen: bool, counts: bool) -> None:
    attempt = replace(DIALING, claimed_at=ago(age), seen_at=ago(10) if seen else None)

    found = see(attempt)

    assert isinstance(found, KeepLooking)
    assert (found.attempt.empty_since is not None) is counts


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        pytest.param({"empty_since": ago(240)}, True, id="empty for 240 s"),
        pytest.param({"empty_since": ago(239)}, False, id="empty for 239 s"),
        pytest.param({"empty_since": None}, False, id="empty for the first time"),
        pytest.param({"empty_since": ago(300), "looked_at": ago(21)}, False, id="a gap between the looks"),
        pytest.param({"empty_since": ago(300), "looked_at": None}, False, id="never looked at before"),
    ],
)
def test_how_long_a_room_must_be_empty(changes: dict[str, datetime | None], over: bool) -> None:
    assert isinstance(see(replace(DIALING, **changes)), End) is over  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attempt", "outcome", "counted", "rang"),
    [
        pytest.param(DIALING, Outcome.UNKNOWN, True, False, id="nobody knows"),
        pytest.param(replace(DIALING, seen_status="ringing"), Outcome.UNKNOWN, True, True, id="it was seen ringing"),
        pytest.param(replace(DIALING, mark="cancelled"), Outcome.CANCELLED, False, False, id="hung up before it rang"),
        pytest.param(
            replace(DIALING, mark="cancelled", seen_status="ringing"), Outcome.CANCELLED, True, True, id="hung up on it"
        ),
        pytest.param(replace(TALKING, doubt_since=ago(300)), Outcome.ANSWERED, True, True, id="it had been picked up"),
    ],
)
def test_what_doubt_becomes_when_it_is_over(attempt: OpenAttempt, outcome: Outcome, counted: bool, rang: bool) -> None:
    found = see(replace(attempt, empty_since=ago(300), claimed_at=ago(700)))

    assert isinstance(found, End)
    assert (found.verdict.outcome, found.verdict.counted, found.verdict.rang) == (outcome, counted, rang)
    assert found.talk is None


def test_an_answered_call_is_over_at_the_second_look_that_finds_it_gone() -> None:
    first = see(TALKING)
    assert isinstance(first, KeepLooking)
    assert isinstance(see(replace(first.attempt, now=NOW + timedelta(seconds=4.9))), KeepLooking)

    over = see(replace(first.attempt, now=NOW + timedelta(seconds=5)))

    assert isinstance(over, End)
    assert (over.verdict.outcome, over.talk) == (Outcome.ANSWERED, timedelta(seconds=200))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"livekit_forgot": True}, "livekit_forgot", id="the sentinel room is another one"),
        pytest.param({"livekit_away_at": ago(10)}, "livekit_was_away", id="livekit was away since it was answered"),
        pytest.param(
            {"livekit_away_at": ago(10), "seen_at": ago(20)}, "livekit_was_away", id="and since it was last seen"
        ),
    ],
)
def test_a_call_that_livekit_may_have_forgotten_is_in_doubt(changes: dict[str, object], rule: str) -> None:
    found = see(replace(TALKING, empty_since=ago(6), **changes))  # type: ignore[arg-type]

    assert isinstance(found, KeepLooking)
    assert found.attempt.doubt_rule == rule


def test_a_call_seen_after_livekit_was_away_can_be_believed_to_be_over() -> None:
    attempt = replace(TALKING, livekit_away_at=ago(100), seen_at=ago(20), empty_since=ago(6))

    assert isinstance(see(attempt), End)


def test_livekit_away_takes_back_that_the_room_was_empty() -> None:
    assert judge_no_answer(replace(DIALING, empty_since=ago(200))).empty_since is None


def test_a_call_listed_longer_than_it_can_last_is_a_ghost() -> None:
    longest = 96 + 30 + 3600 + 171

    assert isinstance(see(replace(TALKING, claimed_at=ago(longest)), present=True, status="active"), KeepLooking)
    assert isinstance(see(replace(TALKING, claimed_at=ago(longest + 1)), present=True, status="active"), RemoveGhost)
