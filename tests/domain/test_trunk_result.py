"""What one call says about its trunk."""

from datetime import datetime
from uuid import UUID

import pytest

from dialer.domain.breaker import ResultKind, number_mark, result_kind
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import Verdict, classify
from dialer.domain.sip_code import SIP_CODES
from dialer.domain.trunk_result import in_order, last_row
from tests.domain.trunk_results import (
    CONGESTION,
    FAILURE,
    HARD,
    NOON,
    OK,
    SILENT,
    after,
    begun_in_turn,
    call,
    under_way,
)

pytestmark = pytest.mark.unit


def kind_of(result: LineResult) -> ResultKind:
    verdict = classify(result)
    assert isinstance(verdict, Verdict)
    return result_kind(verdict, result)


def answer(code: int, phrase: str = "", *, seconds: float = 0.3, rang: bool | None = None) -> LineResult:
    return LineResult(reply=Reply.REFUSED, sip_code=code, sip_status=phrase, seconds=seconds, rang=rang)


def text(message: str, twirp: str = "unknown", *, seconds: float = 0.3, rang: bool | None = None) -> LineResult:
    return LineResult(reply=Reply.REFUSED, message=message, twirp_code=twirp, seconds=seconds, rang=rang)


KINDS = [
    pytest.param(LineResult(reply=Reply.ANSWERED, seconds=9), OK, id="answered"),
    pytest.param(answer(486, seconds=4), OK, id="busy after a while"),
    pytest.param(answer(486, rang=True), OK, id="busy, known to have rung"),
    pytest.param(answer(486), SILENT, id="busy at once: perhaps the channels"),
    pytest.param(answer(480), SILENT, id="unavailable at once: perhaps the channels"),
    pytest.param(answer(603), SILENT, id="declined at once: perhaps the network"),
    pytest.param(answer(603, seconds=6), OK, id="declined after a while"),
    pytest.param(answer(603, "Network Blocked"), SILENT, id="blocked: about the caller ID"),
    pytest.param(answer(608), SILENT, id="608: about the caller ID"),
    pytest.param(answer(607), OK, id="unwanted: the person spoke"),
    pytest.param(answer(404), SILENT, id="404 is also no route"),
    pytest.param(answer(410), OK, id="410: the network knows the number"),
    pytest.param(answer(403), SILENT, id="403 without a reason"),
    pytest.param(answer(403, "User channel limit exceeded D1"), CONGESTION, id="channel limit"),
    pytest.param(answer(503, "CPS Limit reached P05"), CONGESTION, id="calls per second"),
    pytest.param(answer(429), CONGESTION, id="429, as a throttle"),
    pytest.param(answer(503), FAILURE, id="503"),
    pytest.param(answer(500, seconds=9), FAILURE, id="500, late"),
    pytest.param(answer(503, seconds=9, rang=True), SILENT, id="503 from a phone that rang"),
    pytest.param(answer(599), FAILURE, id="a 5xx in no table"),
    pytest.param(answer(408), FAILURE, id="408 without ringing"),
    pytest.param(answer(408, seconds=30), SILENT, id="408 after a long time: a phone, or nobody"),
    pytest.param(answer(408, seconds=30, rang=True), OK, id="408 after ringing"),
    pytest.param(answer(491), SILENT, id="491: two requests met"),
    pytest.param(answer(400), FAILURE, id="400"),
    pytest.param(answer(402), HARD, id="no balance"),
    pytest.param(answer(403, "account suspended"), HARD, id="account suspended"),
    pytest.param(answer(403, "Caller ID not verified"), HARD, id="caller ID refused"),
    pytest.param(answer(403, "geo permission D12"), SILENT, id="one destination is barred"),
    pytest.param(answer(488), HARD, id="codecs"),
    pytest.param(answer(302), SILENT, id="forwarded"),
    pytest.param(text("sip request timed out", seconds=30), SILENT, id="ring timeout, not known to have rung"),
    pytest.param(text("sip request timed out", seconds=30, rang=False), SILENT, id="ring timeout without ringing"),
    pytest.param(text("sip request timed out", seconds=30, rang=True), OK, id="ring timeout of a phone that rang"),
    pytest.param(text("failed to complete (0 intermediate responses)", seconds=32), FAILURE, id="silence"),
    pytest.param(text("transaction failed to complete (1)", seconds=32), FAILURE, id="silence after a 1xx"),
    pytest.param(text("connection refused", "failed_precondition"), FAILURE, id="refused"),
    pytest.param(text("broken pipe", "failed_precondition"), FAILURE, id="the connection broke"),
    pytest.param(text("no response from servers", "unavailable"), FAILURE, id="no SIP node"),
    pytest.param(LineResult(reply=Reply.NOT_SENT), SILENT, id="LiveKit away: not the trunk"),
    pytest.param(text("max auth retry"), HARD, id="login"),
    pytest.param(text("no such host", "invalid_argument"), HARD, id="host unknown"),
    pytest.param(text("sip trunk does not exist"), HARD, id="trunk unknown"),
    pytest.param(text("no common audio codec", "failed_precondition"), HARD, id="picked up without media"),
    pytest.param(text("", "resource_exhausted"), CONGESTION, id="LiveKit's quota"),
    pytest.param(text("", "unauthenticated"), SILENT, id="LiveKit's key: not the trunk"),
]


@pytest.mark.parametrize(("result", "kind"), KINDS)
def test_what_a_result_says_about_its_trunk(result: LineResult, kind: ResultKind) -> None:
    assert kind_of(result) is kind


@pytest.mark.parametrize("code", sorted(SIP_CODES))
@pytest.mark.parametrize(("seconds", "rang"), [(0.3, None), (0.3, True), (9.0, None), (9.0, False)])
def test_no_code_of_the_contact_speaks_against_the_trunk(code: int, seconds: float, rang: bool | None) -> None:
    result = answer(code, seconds=seconds, rang=rang)
    verdict = classify(result)
    assert isinstance(verdict, Verdict)
    if verdict.blame in ("contact", "number"):
        assert result_kind(verdict, result) in (OK, SILENT)


def test_a_mark_tells_numbers_apart_and_does_not_show_them() -> None:
    one, other = number_mark("+14155550100"), number_mark("+14155550101")
    assert one == number_mark("+14155550100") != other
    assert "555" not in one
    assert len(one) == 10


def test_a_result_that_was_noted_twice_counts_as_it_was_noted_last() -> None:
    silent, refused = begun_in_turn([call(FAILURE, rule="no_ringing"), call(FAILURE, code=503)])
    later = begun_in_turn([call(OK, seconds=20)])[0]

    assert in_order([refused, silent, later]) == [later, refused]
    assert in_order([refused, silent], since=after(0.1)) == [refused]


ROWS = [
    pytest.param([FAILURE] * 3, {}, [1, 2, 3], id="one after another"),
    pytest.param([FAILURE, OK, FAILURE, FAILURE], {}, [3, 4], id="since the last that went well"),
    pytest.param([FAILURE, FAILURE, OK], {}, [], id="the newest went well"),
    pytest.param([FAILURE] * 3, under_way(0.7), [3], id="one between them has taken longer and may ring"),
    pytest.param([FAILURE] * 3, under_way(-1, 1.5, 2), [1, 2, 3], id="older and younger ones do not stand between"),
]


@pytest.mark.parametrize(("kinds", "others", "expected"), ROWS)
def test_a_row_is_of_calls_that_were_begun_one_after_another(
    kinds: list[ResultKind], others: dict[UUID, datetime], expected: list[int]
) -> None:
    results = begun_in_turn([call(kind) for kind in kinds])
    row = last_row(results, lambda result: result.kind is FAILURE, under_way=others, now=after(3))
    assert [result.attempt_id.int for result in row] == expected


def test_a_call_that_is_not_slower_than_the_row_does_not_stand_in_it() -> None:
    results = begun_in_turn([call(FAILURE, seconds=32)] * 3)
    row = last_row(results, lambda result: result.kind is FAILURE, under_way=under_way(0.7), now=after(20))
    assert len(row) == 3


def test_a_call_that_was_called_off_does_not_end_a_row() -> None:
    results = begun_in_turn([call(FAILURE), call(SILENT), call(FAILURE), call(SILENT, code=404), call(FAILURE)])
    row = last_row(results, lambda result: result.kind is FAILURE, under_way={}, now=NOON)
    assert [result.attempt_id.int for result in row] == [5]
    assert len(last_row(results[:3], lambda result: result.kind is FAILURE, under_way={}, now=NOON)) == 2


def test_calls_of_the_row_that_are_not_settled_yet_do_not_stand_in_it() -> None:
    results = begun_in_turn([call(FAILURE)] * 3)
    unsettled = {result.attempt_id: result.begun_at for result in results}
    assert last_row(results, lambda result: result.kind is FAILURE, under_way=unsettled, now=after(9)) == results
