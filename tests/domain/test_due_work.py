"""In which order a campaign's due work is let out."""

import pytest

from dialer.domain.due_work import NewShare, Work, WorkKind, by_kind

pytestmark = pytest.mark.unit

PROMISED, RETRY, NEW, OLDEST = WorkKind.PROMISED, WorkKind.RETRY, WorkKind.NEW, WorkKind.OLDEST


@pytest.mark.parametrize(
    ("jobs", "due", "counts"),
    [
        pytest.param(4, {PROMISED: 9, RETRY: 9, NEW: 9}, {PROMISED: 4}, id="promised calls back first"),
        pytest.param(9, {PROMISED: 1, RETRY: 9, NEW: 9}, {PROMISED: 1, RETRY: 6, NEW: 2}, id="a quarter for new ones"),
        pytest.param(8, {RETRY: 2, NEW: 9}, {RETRY: 2, NEW: 6}, id="what retries leave is theirs too"),
        pytest.param(8, {RETRY: 9}, {RETRY: 8}, id="no new ones: all for retries"),
        pytest.param(8, {NEW: 3}, {NEW: 3}, id="no more than there are"),
        pytest.param(8, {RETRY: 9, NEW: 1}, {RETRY: 7, NEW: 1}, id="new ones that do not fill their quarter"),
        pytest.param(8, {}, {}, id="nothing is due"),
    ],
)
def test_retries_first(jobs: int, due: dict[WorkKind, int], counts: dict[WorkKind, int]) -> None:
    assert by_kind(jobs, due, retries_first=True, share=NewShare()) == counts


def test_the_oldest_of_both_when_retries_do_not_go_first() -> None:
    due = {PROMISED: 1, RETRY: 9, NEW: 9}
    assert by_kind(9, due, retries_first=False, share=NewShare()) == {PROMISED: 1, OLDEST: 8}


def test_one_by_one_every_fourth_is_a_new_one() -> None:
    share = NewShare()
    found = [list(by_kind(1, {RETRY: 9, NEW: 9}, retries_first=True, share=share)) for _ in range(8)]
    assert found == [[RETRY], [RETRY], [RETRY], [NEW]] * 2


def test_nothing_is_owed_to_new_ones_of_a_time_when_none_was_due() -> None:
    share = NewShare()
    for _ in range(100):
        by_kind(1, {RETRY: 9}, retries_first=True, share=share)
    assert by_kind(1, {RETRY: 9, NEW: 9}, retries_first=True, share=share) == {RETRY: 1}


def test_work_is_taken_until_there_is_none() -> None:
    work = Work(campaign_id=1, route="", due={RETRY: 2, NEW: 3})
    assert [work.take(RETRY, 5), work.take(OLDEST, 2), work.take(OLDEST, 9), work.take(PROMISED, 1)] == [2, 2, 1, 0]
    assert work.jobs == 0
