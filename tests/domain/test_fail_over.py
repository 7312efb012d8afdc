"""Whether the next trunk may be asked at once: every rule of the tables, by what is known of the phone."""

from dataclasses import replace

import pytest

from dialer.domain.fail_over import may_fail_over
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import InDoubt, classify, rang_decides
from dialer.domain.sip_code import SIP_CODES

pytestmark = pytest.mark.unit


def sip(code: int, status: str = "", *, rang: bool | None = None, seconds: float = 0.2) -> LineResult:
    return LineResult(
        reply=Reply.REFUSED,
        http_status=412,
        twirp_code="failed_precondition",
        message=f"INVITE failed: sip status: {code}: {status}",
        sip_code=code,
        sip_status=status or None,
        seconds=seconds,
        rang=rang,
    )


def said(message: str, *, http: int = 412, twirp: str = "failed_precondition", rang: bool | None = None) -> LineResult:
    return LineResult(reply=Reply.REFUSED, http_status=http, twirp_code=twirp, message=message, seconds=0.1, rang=rang)


def goes_on(result: LineResult) -> bool:
    verdict = classify(result)
    return not isinstance(verdict, InDoubt) and may_fail_over(verdict, result)


NEVER_RANG_AT_ALL = [
    pytest.param(said("transaction failed to complete (0 intermediate responses)"), id="nothing answered the INVITE"),
    pytest.param(said("dial tcp 192.0.2.1:5060: connection refused"), id="connection refused"),
    pytest.param(said("max auth retry attempts reached"), id="a wrong password"),
    pytest.param(said("failed to resolve target: no such host"), id="no such host"),
    pytest.param(said("sip trunk does not exist", twirp="not_found", http=404), id="no such trunk in LiveKit"),
    pytest.param(sip(402, "Payment Required"), id="402"),
    pytest.param(sip(403, "Account suspended"), id="the account is suspended"),
    pytest.param(sip(503, "Trunk CPS limit exceeded"), id="too many calls per second"),
    pytest.param(sip(486, "Channel limit exceeded"), id="all channels are taken"),
]


@pytest.mark.parametrize("result", NEVER_RANG_AT_ALL)
def test_an_invite_that_was_not_taken_may_go_through_another_trunk(result: LineResult) -> None:
    assert goes_on(result)
    assert not goes_on(replace(result, rang=True)), "whatever the rule: a phone was seen ringing"
    assert not goes_on(replace(result, marked=True)), "we have hung up"


ONE_SERVERS = sorted(
    {300, 305, 380, 400, 401, 402, 405, 406, 407, 408, 409, *range(411, 418), 420, 421, 422, 423, 424, 425, 428, 429}
    | {430, 436, 437, 438, 439, 440, 469, 470, 481, 482, 483, 488, 489, 491, 493, 494}
    | {500, 501, 502, 503, 504, 505, 513, 555, 580}
)


@pytest.mark.parametrize("code", sorted(SIP_CODES))
def test_a_code_of_one_server_needs_to_be_known_not_to_have_rung(code: int) -> None:
    assert goes_on(sip(code, rang=False)) is (code in ONE_SERVERS)
    assert not goes_on(sip(code, rang=True))
    assert goes_on(sip(code)) is (code == 402), "by time alone nobody is called a second time within seconds"


@pytest.mark.parametrize("code", [c for c in range(600, 700) if c in SIP_CODES or c in (601, 699)])
def test_after_a_6xx_nobody_is_called_again_whatever_words_are_beside_it(code: int) -> None:
    for words in ("", "Trunk CPS limit exceeded", "Account suspended", "Channel limit"):
        assert not goes_on(sip(code, words, rang=False))


NOT_ANOTHER_TRUNKS = [
    pytest.param(said("no response from servers", http=503, twirp="unavailable"), id="no SIP node"),
    pytest.param(said("", http=429, twirp="resource_exhausted"), id="LiveKit's quota"),
    pytest.param(said("", http=401, twirp="unauthenticated"), id="our key"),
    pytest.param(said("no such field", http=400, twirp="invalid_argument"), id="a request that LiveKit does not take"),
    pytest.param(said("update room failed", http=500, twirp="internal"), id="a room that was not joined"),
    pytest.param(said("sip request timed out", http=408, twirp="deadline_exceeded"), id="a ring timeout"),
    pytest.param(said("transaction failed to complete (2 intermediate responses)"), id="it fell silent after ringing"),
    pytest.param(said("read tcp: connection reset by peer"), id="the connection broke with the INVITE out"),
    pytest.param(said("no common audio codec"), id="somebody picked up, and nobody could be heard"),
    pytest.param(LineResult(reply=Reply.LOST, message="reset"), id="in doubt"),
    pytest.param(LineResult(reply=Reply.NOT_SENT, message="refused"), id="nothing was sent"),
    pytest.param(LineResult(reply=Reply.ANSWERED, http_status=200), id="somebody picked up"),
]


@pytest.mark.parametrize("result", NOT_ANOTHER_TRUNKS)
@pytest.mark.parametrize("rang", [None, False], ids=["not known to have rung", "known not to have rung"])
def test_another_trunk_would_change_nothing_or_call_somebody_twice(result: LineResult, rang: bool | None) -> None:
    assert not goes_on(replace(result, rang=rang))


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_where_it_decides_whether_the_phone_rang_the_news_is_waited_for(code: int) -> None:
    assert rang_decides(sip(code))
