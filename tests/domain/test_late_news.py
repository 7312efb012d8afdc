"""What the callee's leaving corrects in an attempt that was settled without it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from dialer.actions.settle_attempt import evidence_of
from dialer.domain.late_news import Leaving, judge_late, leaving_of
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.news import NewsItem
from dialer.domain.outcome import Verdict, classify
from dialer.domain.reclassification import KeptAttempt, Undecided, judge_again

pytestmark = pytest.mark.unit

ID = UUID(int=1)
RANG, SILENT = Leaving(rang=True, picked_up=False), Leaving(rang=False, picked_up=False)
PICKED_UP = Leaving(rang=True, picked_up=True)


def settled(code: int | None, *, seconds: float = 1.0, rang: bool | None = None, message: str = "") -> KeptAttempt:
    """An attempt as it was judged by this answer of the line."""
    result = LineResult(reply=Reply.REFUSED, sip_code=code, seconds=seconds, rang=rang, message=message)
    verdict = classify(result)
    assert isinstance(verdict, Verdict)
    return KeptAttempt(
        id=ID,
        number="+12125550100",
        outcome=verdict.outcome.value,
        blame=verdict.blame.value,
        rule=verdict.rule,
        counted=verdict.counted,
        evidence=dict(evidence_of(result)),
    )


@pytest.mark.parametrize(
    ("attempt", "left", "before", "after"),
    [
        pytest.param(settled(480), RANG, ("unavailable", True), ("no_answer", True), id="480 rang"),
        pytest.param(
            settled(480, seconds=9), SILENT, ("no_answer", True), ("unavailable", True), id="480 took long, silent"
        ),
        pytest.param(settled(408), RANG, ("trunk_failure", False), ("no_answer", True), id="408 rang: it counts"),
        pytest.param(
            settled(408, seconds=9),
            SILENT,
            ("no_answer", True),
            ("trunk_failure", True),
            id="408 silent: goes on counting",
        ),
        pytest.param(settled(503), RANG, ("trunk_failure", False), ("trunk_failure", True), id="503 rang: it counts"),
        pytest.param(settled(403), RANG, ("rejected", False), ("rejected", True), id="403 rang: it counts"),
        pytest.param(settled(503, seconds=9), SILENT, ("trunk_failure", True), None, id="503 silent: has counted"),
        pytest.param(settled(480), SILENT, ("unavailable", True), None, id="480 silent, as it was judged"),
        pytest.param(settled(480, rang=True), RANG, ("no_answer", True), None, id="480 was known to have rung"),
        pytest.param(settled(603), RANG, ("rejected", True), None, id="603: rejected either way"),
        pytest.param(settled(486), RANG, ("busy", True), None, id="486: busy either way"),
        pytest.param(settled(486), PICKED_UP, ("busy", True), ("answered", True), id="it was answered"),
        pytest.param(settled(503), PICKED_UP, ("trunk_failure", False), ("answered", True), id="answered: it counts"),
        pytest.param(
            replace(settled(480), rule="of_old"), RANG, ("unavailable", True), None, id="judged by something else"
        ),
        pytest.param(
            replace(settled(480), evidence={}), RANG, ("unavailable", True), None, id="no evidence, as after a doubt"
        ),
        pytest.param(
            replace(settled(486), outcome="answered"), PICKED_UP, ("answered", True), None, id="known to be answered"
        ),
    ],
)
def test_what_is_corrected(
    attempt: KeptAttempt, left: Leaving, before: tuple[str, bool], after: tuple[str, bool] | None
) -> None:
    assert (attempt.outcome, attempt.counted) == before
    verdict = judge_late(attempt, left)
    assert (verdict and (verdict.outcome.value, verdict.counted)) == after


def test_an_attempt_that_was_answered_after_all_is_not_judged_by_its_answer_again() -> None:
    verdict = judge_late(attempt := settled(486), PICKED_UP)
    assert verdict is not None
    assert judge_again(replace(attempt, outcome=verdict.outcome.value, rule=verdict.rule)) == Undecided()


def item(status: str, *, identity: str = str(ID), event: str = "participant_left") -> NewsItem:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return NewsItem(
        event=event, kind="SIP", identity=identity, reason="", call_status=status, created_at=at, received_at=at
    )


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([item("active", event="participant_joined")], None, id="it has not left"),
        pytest.param([item("ringing", identity="agent-1")], None, id="somebody else left"),
        pytest.param([item("dialing")], SILENT, id="it never rang"),
        pytest.param([item("dialing"), item("ringing")], RANG, id="of two leavings one knows that it rang"),
        pytest.param([item("active")], PICKED_UP, id="picked up"),
        pytest.param([item("hangup"), item("dialing")], PICKED_UP, id="hung up"),
    ],
)
def test_what_a_leaving_tells(items: list[NewsItem], expected: Leaving | None) -> None:
    assert leaving_of(items, str(ID)) == expected
