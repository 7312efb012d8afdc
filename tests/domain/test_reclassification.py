"""An ended attempt, judged again by its kept evidence."""

from typing import Any
from uuid import UUID

import pytest

from dialer.actions.settle_attempt import evidence_of
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import Outcome
from dialer.domain.reclassification import (
    Difference,
    KeptAttempt,
    NoEvidence,
    Same,
    Undecided,
    judge_again,
    line_result,
)

pytestmark = pytest.mark.unit

BUSY = LineResult(reply=Reply.REFUSED, http_status=429, sip_code=486, sip_status="Busy Here", seconds=1.5)


def kept(evidence: Any, *, outcome: str, rule: str, blame: str = "contact", counted: bool = True) -> KeptAttempt:
    return KeptAttempt(
        id=UUID(int=1),
        number="+12125550100",
        outcome=outcome,
        blame=blame,
        rule=rule,
        counted=counted,
        evidence=evidence,
    )


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(BUSY, id="busy"),
        pytest.param(LineResult(reply=Reply.ANSWERED, http_status=200, seconds=4, sip_call_id="SCL_x"), id="answered"),
        pytest.param(LineResult(reply=Reply.REFUSED, rang=False, marked=True, message="x"), id="marked"),
    ],
)
def test_what_settling_keeps_is_read_back_whole(result: LineResult) -> None:
    assert line_result(evidence_of(result)) == result


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param({}, id="none"),
        pytest.param({"last_seen_at": None, "doubt_rule": "x"}, id="of looks alone"),
        pytest.param({"reply": "of the future"}, id="a reply we do not know"),
        pytest.param({"reply": "refused", "sip_code": "486"}, id="a field of another type"),
    ],
)
def test_what_cannot_be_judged_is_no_evidence(evidence: dict[str, object]) -> None:
    assert judge_again(kept(evidence, outcome="busy", rule="sip_486")) == NoEvidence()


def test_fields_that_others_added_are_passed_over() -> None:
    found = judge_again(kept({**evidence_of(BUSY), "end_reason": "X"}, outcome="busy", rule="sip_486"))
    assert isinstance(found, Same | Difference)


def test_an_older_judgement_is_told_with_todays() -> None:
    found = judge_again(kept(evidence_of(BUSY), outcome="unknown", rule="sip_of_old", blame="unknown"))
    assert isinstance(found, Difference)
    assert found.verdict.outcome is Outcome.BUSY


def test_todays_own_judgement_is_the_same_and_its_count_is_looked_at_apart() -> None:
    difference = judge_again(kept(evidence_of(BUSY), outcome="unknown", rule="old"))
    assert isinstance(difference, Difference)
    verdict = difference.verdict
    now = {"outcome": verdict.outcome.value, "rule": verdict.rule, "blame": verdict.blame.value}
    assert judge_again(kept(evidence_of(BUSY), **now, counted=verdict.counted)) == Same(counts_otherwise=False)
    assert judge_again(kept(evidence_of(BUSY), **now, counted=not verdict.counted)) == Same(counts_otherwise=True)


def test_how_an_answered_call_was_found_to_be_over_is_no_difference() -> None:
    evidence = evidence_of(LineResult(reply=Reply.ANSWERED, seconds=4))
    assert judge_again(kept(evidence, outcome="answered", rule="gone_at_two_looks")) == Same(counts_otherwise=False)


def test_an_answer_that_decides_nothing_leaves_what_the_looks_decided() -> None:
    evidence = evidence_of(LineResult(reply=Reply.LOST, seconds=40))
    assert judge_again(kept(evidence, outcome="unknown", rule="doubt_over")) == Undecided()
