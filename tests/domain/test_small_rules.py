"""The small rules: states, limits, the fence's sums."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.domain import attempt, call_job, campaign
from dialer.domain.attempt import AttemptState
from dialer.domain.call_job import CallJobState
from dialer.domain.campaign import CampaignState
from dialer.domain.fence import Fence, Leases, scaled
from dialer.domain.trunk import check_caller_id, check_limits
from dialer.errors import InvalidInput, InvariantBroken

pytestmark = pytest.mark.unit


def test_what_is_over_stays_over_but_for_a_promise_that_comes_late() -> None:
    assert set(call_job.MOVES[CallJobState.FINISHED]) == {CallJobState.WAITING}
    assert attempt.MOVES[AttemptState.ENDED] == {}
    assert campaign.MOVES[CampaignState.CANCELLED] == {}


def test_a_move_that_is_not_in_the_table_is_a_bug() -> None:
    call_job.check_move(CallJobState.QUEUED, CallJobState.IN_PROGRESS)
    attempt.check_move(AttemptState.DIALING, AttemptState.ENDED)
    with pytest.raises(InvariantBroken):
        call_job.check_move(CallJobState.WAITING, CallJobState.IN_PROGRESS)
    with pytest.raises(InvariantBroken):
        attempt.check_move(AttemptState.ENDED, AttemptState.DIALING)
    with pytest.raises(InvariantBroken):
        campaign.check_move(CampaignState.DRAFT, CampaignState.PAUSED)


def test_every_state_has_its_row_of_moves() -> None:
    assert set(call_job.MOVES) == set(CallJobState)
    assert set(attempt.MOVES) == set(AttemptState)
    assert set(campaign.MOVES) == set(CampaignState)


def test_livekit_refuses_a_post_after_85_seconds_and_a_call_shows_after_96() -> None:
    assert Fence().accepted_until == timedelta(seconds=85)
    assert Fence().visible_after == timedelta(seconds=96)


def test_the_tokens_end_hangs_on_the_whole_second_of_the_claim() -> None:
    claimed_at = datetime(2026, 11, 24, 12, 0, 0, 999_999, tzinfo=UTC)
    assert Fence().token_end(claimed_at) == int(datetime(2026, 11, 24, 12, 0, 15, tzinfo=UTC).timestamp())


def test_bounds_are_scaled_all_together() -> None:
    assert scaled(Fence(), 0.1).visible_after == timedelta(seconds=9.6)
    assert scaled(Leases(), 0.1).slot == timedelta(seconds=3)


@pytest.mark.parametrize("text", ["*", "hello", "4155550100", "+1", "+1415555010x", ""])
def test_a_caller_id_that_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_caller_id(text)


def test_a_caller_id_is_kept_without_its_decoration() -> None:
    assert check_caller_id("+1 (415) 555-0100") == "+14155550100"
    assert check_caller_id(None) is None


@pytest.mark.parametrize(("rate", "calls"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0), (1, -5)])
def test_a_limit_with_which_nothing_could_be_dialed_is_refused(rate: float, calls: int) -> None:
    with pytest.raises(InvalidInput):
        check_limits(calls_per_second=rate, max_concurrent_calls=calls)


def test_half_a_call_per_second_is_a_limit() -> None:
    check_limits(calls_per_second=0.5, max_concurrent_calls=1)
