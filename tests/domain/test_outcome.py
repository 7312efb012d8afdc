"""How dials are judged: every recorded answer, every error without a code, every row of the tables."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import Blame, InDoubt, Outcome, Verdict, classify

pytestmark = pytest.mark.unit

COUNTED, FREE = True, False
RECORDED: list[dict[str, Any]] = json.loads(  # Any: bodies as LiveKit sent them
    (Path(__file__).parent / "recorded" / "answers.json").read_text(encoding="utf-8")
)

# What a running LiveKit answered: outcome, counted, rule.  No participant's status is known here: time decides.
RECORDED_VERDICTS: dict[str, tuple[str, bool, str]] = {
    "ring for ever": ("no_answer", COUNTED, "ring_timeout"),
    "ring 5 s then 480": ("no_answer", COUNTED, "sip_480"),
    "ring 2 s then 486": ("busy", COUNTED, "sip_486"),
    "ring 3 s then 603": ("rejected", COUNTED, "sip_603"),
    "603 Network Blocked": ("blocked", FREE, "phrase_blocked"),
    "503 CPS (Telnyx)": ("congestion", FREE, "phrase_cps_limit"),
    "503 CPS (Twilio)": ("congestion", FREE, "phrase_cps_limit"),
    "403 channel limit": ("congestion", FREE, "phrase_channel_limit"),
    "no answer to INVITE at all": ("no_answer", COUNTED, "ring_timeout"),
    "100 then silence": ("no_answer", COUNTED, "ring_timeout"),
    "ring 3 s, answer, BYE from us": ("answered", COUNTED, "answered"),
    "final 301": ("invalid_number", COUNTED, "sip_301"),
    "final 302": ("unavailable", FREE, "sip_302"),
    "final 400": ("config_error", FREE, "sip_400"),
    "final 401": ("config_error", FREE, "carrier_login"),
    "final 402": ("config_error", FREE, "sip_402"),
    "final 403": ("rejected", FREE, "sip_403"),
    "final 404": ("invalid_number", FREE, "sip_404"),
    "final 405": ("config_error", FREE, "sip_405"),
    "final 406": ("config_error", FREE, "sip_406"),
    "final 407": ("config_error", FREE, "carrier_login"),
    "final 408": ("trunk_failure", FREE, "sip_408"),
    "final 410": ("invalid_number", COUNTED, "sip_410"),
    "final 413": ("config_error", FREE, "sip_413"),
    "final 415": ("config_error", FREE, "sip_415"),
    "final 420": ("config_error", FREE, "sip_420"),
    "final 421": ("config_error", FREE, "sip_421"),
    "final 422": ("config_error", FREE, "sip_422"),
    "final 428": ("config_error", FREE, "sip_428"),
    "final 436": ("config_error", FREE, "sip_436"),
    "final 437": ("config_error", FREE, "sip_437"),
    "final 438": ("config_error", FREE, "sip_438"),
    "final 480": ("unavailable", COUNTED, "sip_480"),
    "final 481": ("trunk_failure", FREE, "sip_481"),
    "final 482": ("trunk_failure", FREE, "sip_482"),
    "final 483": ("trunk_failure", FREE, "sip_483"),
    "final 484": ("invalid_number", COUNTED, "sip_484"),
    "final 485": ("invalid_number", COUNTED, "sip_485"),
    "final 486": ("busy", COUNTED, "sip_486"),
    "final 488": ("config_error", FREE, "sip_488"),
    "final 500": ("trunk_failure", FREE, "sip_500"),
    "final 501": ("trunk_failure", FREE, "sip_501"),
    "final 502": ("trunk_failure", FREE, "sip_502"),
    "final 503": ("trunk_failure", FREE, "sip_503"),
    "final 504": ("trunk_failure", FREE, "sip_504"),
    "final 513": ("config_error", FREE, "sip_513"),
    "final 580": ("trunk_failure", FREE, "sip_580"),
    "final 600": ("busy", COUNTED, "sip_600"),
    "final 603": ("rejected", COUNTED, "sip_603"),
    "final 604": ("invalid_number", COUNTED, "sip_604"),
    "final 606": ("config_error", FREE, "sip_606"),
    "final 607": ("unwanted", COUNTED, "sip_607"),
    "final 608": ("blocked", FREE, "sip_608"),
}


def result_of(answer: dict[str, Any]) -> LineResult:
    """A recorded answer as the line hands it over."""
    body = answer["body"]
    meta = body.get("meta", {})
    return LineResult(
        reply=Reply.ANSWERED if answer["http"] == 200 else Reply.REFUSED,
        http_status=answer["http"],
        twirp_code=body.get("code"),
        message=body.get("msg"),
        sip_code=int(meta["sip_status_code"]) if "sip_status_code" in meta else None,
        sip_status=meta.get("sip_status"),
        seconds=answer["seconds"],
        ringing_timeout_seconds=12.0,
    )


def refused(code: int | None = None, phrase: str | None = None, **evidence: Any) -> LineResult:  # Any: any field
    """An error answer: with a SIP code, or with ``twirp``, ``http`` and ``message`` instead."""
    evidence = {"http_status": evidence.pop("http", 412), "twirp_code": evidence.pop("twirp", "unknown")} | evidence
    return LineResult(reply=Reply.REFUSED, sip_code=code, sip_status=phrase, **evidence)


def verdict_of(result: LineResult) -> Verdict:
    judged = classify(result)
    assert isinstance(judged, Verdict), judged
    return judged


def test_every_recorded_answer_has_its_row() -> None:
    assert {answer["carrier"] for answer in RECORDED} == set(RECORDED_VERDICTS)


@pytest.mark.parametrize("answer", [pytest.param(answer, id=answer["carrier"]) for answer in RECORDED])
def test_recorded_answers(answer: dict[str, Any]) -> None:
    verdict = verdict_of(result_of(answer))
    assert (verdict.outcome, verdict.counted, verdict.rule) == RECORDED_VERDICTS[answer["carrier"]]
    assert verdict.sent
    assert not verdict.abandoned


# -- codes ------------------------------------------------------------------------------------------------------

# code: (outcome, counted, blame) when it did not ring; the same when it rang.
CONFIG = (
    300, 305, 380, 400, 401, 402, 405, 406, 407, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 425, 429, 436, 437,
    438, 469, 470, 488, 489, 493, 494, 505, 513, 555, 606,
)  # fmt: skip
TRUNK = (409, 411, 412, 430, 439, 440, 481, 482, 483, 491, 500, 501, 502, 503, 504, 580)
CODES: dict[int, tuple[tuple[str, bool, str], tuple[str, bool, str]]] = {
    **dict.fromkeys(CONFIG, (("config_error", FREE, "config"), ("config_error", COUNTED, "config"))),
    **dict.fromkeys(TRUNK, (("trunk_failure", FREE, "trunk"), ("trunk_failure", COUNTED, "trunk"))),
    **dict.fromkeys((301, 410, 484, 485, 604), (("invalid_number", COUNTED, "number"),) * 2),
    **dict.fromkeys((486, 600), (("busy", COUNTED, "contact"),) * 2),
    **dict.fromkeys((433, 608), (("blocked", FREE, "caller_id"),) * 2),
    302: (("unavailable", FREE, "trunk"), ("unavailable", COUNTED, "trunk")),
    403: (("rejected", FREE, "unknown"), ("rejected", COUNTED, "contact")),
    404: (("invalid_number", FREE, "number"), ("invalid_number", FREE, "number")),
    408: (("trunk_failure", FREE, "trunk"), ("no_answer", COUNTED, "contact")),
    428: (("config_error", FREE, "caller_id"), ("config_error", COUNTED, "caller_id")),
    480: (("unavailable", COUNTED, "contact"), ("no_answer", COUNTED, "contact")),
    487: (("no_answer", COUNTED, "contact"), ("no_answer", COUNTED, "contact")),
    603: (("rejected", COUNTED, "contact"), ("rejected", COUNTED, "contact")),
    607: (("unwanted", COUNTED, "contact"), ("unwanted", COUNTED, "contact")),
}


@pytest.mark.parametrize("code", CODES)
def test_codes_of_the_table(code: int) -> None:
    for rang, expected in zip((False, True), CODES[code], strict=True):
        verdict = verdict_of(refused(code, "Simulated", rang=rang))
        assert (verdict.outcome, verdict.counted, verdict.blame) == expected
        assert (verdict.rule, verdict.rang, verdict.sent) == (f"sip_{code}", rang, True)


@pytest.mark.parametrize(
    ("code", "outcome", "rule"),
    [
        (201, "trunk_failure", "other_2xx"),
        (399, "config_error", "other_3xx"),
        (418, "trunk_failure", "other_4xx"),
        (599, "trunk_failure", "other_5xx"),
        (699, "rejected", "other_6xx"),
    ],
)
def test_a_code_in_no_table_is_judged_by_its_class(code: int, outcome: str, rule: str) -> None:
    verdict = verdict_of(refused(code, "Simulated", rang=False))
    assert (verdict.outcome, verdict.rule, verdict.counted) == (outcome, rule, outcome == "rejected")


def test_a_number_that_is_no_final_code_is_in_doubt() -> None:
    assert classify(refused(100)) == InDoubt(rule="no_final_code")
    assert classify(refused(700)) == InDoubt(rule="no_final_code")


@pytest.mark.parametrize("rang", [True, False, None])
def test_every_code_yields_one_verdict_whatever_http_and_twirp_say(rang: bool | None) -> None:
    wrappers = [
        (200, None), (400, "invalid_argument"), (401, "unauthenticated"), (404, "not_found"), (408, "canceled"),
        (408, "deadline_exceeded"), (412, "failed_precondition"), (429, "resource_exhausted"), (500, "internal"),
        (502, "unknown"), (503, "unavailable"), (504, "unknown"),
    ]  # fmt: skip
    for code in range(300, 700):
        bare = refused(code, "Simulated", rang=rang, seconds=1.0)
        judged = [classify(replace(bare, http_status=http, twirp_code=twirp)) for http, twirp in wrappers]
        assert all(verdict == verdict_of(bare) for verdict in judged), code


@pytest.mark.parametrize("code", range(300, 700))
def test_trunk_and_configuration_use_up_an_attempt_only_when_it_rang(code: int) -> None:
    for rang in (True, False):
        verdict = verdict_of(refused(code, rang=rang))
        if verdict.outcome in {Outcome.TRUNK_FAILURE, Outcome.CONFIG_ERROR, Outcome.CONGESTION}:
            assert verdict.counted is rang


OLD_LIVEKIT = [  # before 2025-11: livekit.md 0
    pytest.param(480, 503, "unavailable", "unavailable", id="480 was unavailable 503"),
    pytest.param(486, 503, "unavailable", "busy", id="486 was unavailable 503"),
    pytest.param(503, 503, "unavailable", "trunk_failure", id="503 was unavailable 503"),
    pytest.param(600, 503, "unavailable", "busy", id="600 was unavailable 503"),
    pytest.param(603, 503, "unavailable", "rejected", id="603 was unavailable 503"),
    pytest.param(501, 503, "unavailable", "trunk_failure", id="501 was unavailable 503"),
    pytest.param(401, 403, "permission_denied", "config_error", id="401 was permission_denied"),
    pytest.param(407, 403, "permission_denied", "config_error", id="407 was permission_denied"),
    pytest.param(404, 400, "invalid_argument", "invalid_number", id="404 was invalid_argument"),
    pytest.param(484, 400, "invalid_argument", "invalid_number", id="484 was invalid_argument"),
    pytest.param(500, 500, "internal", "trunk_failure", id="the rest was internal 500"),
    pytest.param(607, 500, "internal", "unwanted", id="607 was internal 500"),
]


@pytest.mark.parametrize(("code", "http", "twirp", "outcome"), OLD_LIVEKIT)
def test_old_livekit_is_judged_like_the_new_one(code: int, http: int, twirp: str, outcome: str) -> None:
    message = f"twirp error unknown: unexpected status from INVITE response: sip status: {code}: Simulated"
    in_meta = refused(code, "Simulated", http=http, twirp=twirp, message=message)
    in_text_only = refused(None, None, http=http, twirp=twirp, message=message)
    for result in (in_meta, in_text_only):
        assert (verdict_of(result).outcome, verdict_of(result).rule) == (outcome, f"sip_{code}")


def test_a_phrase_is_found_in_the_message_when_the_meta_has_none() -> None:
    message = "twirp error unknown: INVITE failed: sip status: 503: Trunk CPS limit exceeded. Region: us1"
    assert verdict_of(refused(503, None, message=message)).rule == "phrase_cps_limit"
    assert verdict_of(refused(None, None, message=message)).rule == "phrase_cps_limit"


def test_the_code_of_the_meta_goes_before_the_one_in_the_text() -> None:
    assert verdict_of(refused(486, message="sip status: 404: Not Found")).rule == "sip_486"


# -- whether it rang --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rang", "seconds", "outcome"),
    [
        pytest.param(None, 2.9, "unavailable", id="not known, fast: it did not ring"),
        pytest.param(None, 3.0, "no_answer", id="not known, 3 s: it rang"),
        pytest.param(True, 0.1, "no_answer", id="known to have rung, though fast"),
        pytest.param(False, 60.0, "unavailable", id="known not to have rung, though slow"),
    ],
)
def test_rang_is_judged_by_time_only_where_it_is_not_known(rang: bool | None, seconds: float, outcome: str) -> None:
    verdict = verdict_of(refused(480, rang=rang, seconds=seconds))
    assert (verdict.outcome, verdict.rang) == (outcome, outcome == "no_answer")


def test_a_late_503_has_rung_by_time_and_counts() -> None:
    assert verdict_of(refused(503, "Service Unavailable", seconds=9.0)).counted


def test_a_late_refusal_that_names_its_reason_has_not_rung_by_time() -> None:
    late = refused(503, "CPS Limit reached P05", seconds=9.0)
    assert (verdict_of(late).counted, verdict_of(late).rang) == (FREE, False)
    assert verdict_of(replace(late, rang=True)).counted


# -- phrases ----------------------------------------------------------------------------------------------------

PHRASES = [
    (503, "CPS Limit reached P05", "congestion", "trunk", "phrase_cps_limit"),
    (500, "Trunk CPS limit exceeded. Region: us1", "congestion", "trunk", "phrase_cps_limit"),
    (503, "calls per second exceeded", "congestion", "trunk", "phrase_cps_limit"),
    (503, "p05", "congestion", "trunk", "phrase_cps_limit"),
    (403, "Rate limit", "congestion", "trunk", "phrase_cps_limit"),
    (429, "Too Many Requests", "congestion", "trunk", "phrase_cps_limit"),
    (429, "throttled", "congestion", "trunk", "phrase_cps_limit"),
    (486, "cps_limit_reached", "congestion", "trunk", "phrase_cps_limit"),
    (403, "User channel limit exceeded D1", "congestion", "trunk", "phrase_channel_limit"),
    (403, "Forbidden D2", "congestion", "trunk", "phrase_channel_limit"),
    (403, "Forbidden D3", "congestion", "trunk", "phrase_channel_limit"),
    (403, "Forbidden D22", "congestion", "trunk", "phrase_channel_limit"),
    (500, "Trunk concurrent call limit exceeded", "congestion", "trunk", "phrase_channel_limit"),
    (480, "Out of capacity", "congestion", "trunk", "phrase_channel_limit"),
    (484, "User channel limit exceeded", "congestion", "trunk", "phrase_channel_limit"),
    (603, "Network Blocked", "blocked", "caller_id", "phrase_blocked"),
    (403, "Spam likely", "blocked", "caller_id", "phrase_blocked"),
    (603, "robocall", "blocked", "caller_id", "phrase_blocked"),
    (403, "32203 Call blocked as potential fraud", "blocked", "caller_id", "phrase_blocked"),
    (403, "fraud suspected", "blocked", "caller_id", "phrase_blocked"),
    (403, "32203", "blocked", "caller_id", "phrase_blocked"),
    (603, "Analytics", "blocked", "caller_id", "phrase_blocked"),
    (403, "Caller Origination Number is Invalid D35", "config_error", "caller_id", "phrase_caller_id"),
    (403, "caller origination number", "config_error", "caller_id", "phrase_caller_id"),
    (403, "number not verified", "config_error", "caller_id", "phrase_caller_id"),
    (403, "caller id blocked", "config_error", "caller_id", "phrase_caller_id"),
    (403, "CallerID rejected", "config_error", "caller_id", "phrase_caller_id"),
    (403, "Forbidden D36", "config_error", "caller_id", "phrase_caller_id"),
    (400, "Number unverified", "config_error", "caller_id", "phrase_caller_id"),
    (404, "SIP connection inactive D18", "config_error", "config", "phrase_account"),
    (404, "connection inactive", "config_error", "config", "phrase_account"),
    (404, "Account blocked D19", "config_error", "config", "phrase_account"),
    (403, "D38", "config_error", "config", "phrase_account"),
    (403, "Insufficient funds", "config_error", "config", "phrase_account"),
    (403, "balance too low", "config_error", "config", "phrase_account"),
    (403, "no credit", "config_error", "config", "phrase_account"),
    (403, "payment overdue", "config_error", "config", "phrase_account"),
    (403, "Account suspended", "config_error", "config", "phrase_account"),
    (404, "10001 account not active", "config_error", "config", "phrase_account"),
    (603, "MaxPeak Cost Exceeded", "config_error", "config", "phrase_account"),
    (603, "outgoing call barred", "config_error", "config", "phrase_account"),
    (400, "13224 Invalid phone number", "invalid_number", "number", "phrase_invalid_number"),
    (400, "13224", "invalid_number", "number", "phrase_invalid_number"),
    (400, "32101", "invalid_number", "number", "phrase_invalid_number"),
    (403, "Invalid destination D11", "invalid_number", "number", "phrase_invalid_number"),
    (400, "invalid number", "invalid_number", "number", "phrase_invalid_number"),
    (404, "Unallocated (unassigned)", "invalid_number", "number", "phrase_invalid_number"),
    (480, "not in service", "invalid_number", "number", "phrase_invalid_number"),
    (403, "No permission", "config_error", "config", "phrase_destination"),
    (403, "geo restricted", "config_error", "config", "phrase_destination"),
    (403, "D12", "config_error", "config", "phrase_destination"),
    (403, "rate per minute exceeds profile maximum D24", "config_error", "config", "phrase_destination"),
    (403, "destination not allowed", "config_error", "config", "phrase_destination"),
    (403, "Domestic Anchored Terms Not Met", "config_error", "config", "phrase_destination"),
    (403, "32205", "config_error", "config", "phrase_destination"),
]


@pytest.mark.parametrize(("code", "phrase", "outcome", "blame", "rule"), PHRASES)
def test_a_phrase_goes_before_the_code(code: int, phrase: str, outcome: str, blame: str, rule: str) -> None:
    verdict = verdict_of(refused(code, phrase, seconds=1.0))
    assert (verdict.outcome, verdict.blame, verdict.rule, verdict.counted) == (outcome, blame, rule, FREE)
    assert not verdict.rang


# The usual words of a code say no more than the code; neither does a body that quotes a number or a host.
PLAIN = [
    (402, "Payment Required"), (402, "SIP_STATUS_PAYMENT_REQUIRED"), (403, "Forbidden"), (404, "Not Found"),
    (405, "Method Not Allowed"), (405, "SIP_STATUS_METHOD_NOT_ALLOWED"), (413, "Request Entity Too Large"),
    (429, "Provide Referrer Identity"), (433, "Anonymity Disallowed"), (437, "Unsupported Credential"),
    (480, "Temporarily Unavailable"), (482, "Loop Detected"), (483, "Too Many Hops"),
    (483, "SIP_STATUS_TOO_MANY_HOPS"), (484, "Address Incomplete"), (486, "Busy Here"), (500, "INTERNAL_SERVER_ERROR"),
    (503, "Service Unavailable"), (503, "load balancer down"), (603, "Decline"), (604, "Does Not Exist Anywhere"),
    (404, "no user +15550110001 here"), (404, "sip:+4913224999@d1x.example"), (404, "George is not here"),
    (410, "number not in service"), (301, "invalid number"), (484, "Invalid phone number"), (485, "unallocated"),
    (604, "unallocated"), (607, "Unwanted: spam"), (607, "caller id blocked"), (486, None), (486, ""),
]  # fmt: skip


@pytest.mark.parametrize(("code", "phrase"), PLAIN)
def test_words_that_say_no_more_than_the_code_leave_it_to_the_code(code: int, phrase: str | None) -> None:
    assert verdict_of(refused(code, phrase)).rule == f"sip_{code}"


# -- without a code ---------------------------------------------------------------------------------------------

P = "twirp error unknown: "
SENT, UNSENT = True, False
ZERO = "transaction failed to complete (0 intermediate responses)"

# http, twirp, message, outcome, counted, sent, blame, rule
NO_CODE: list[tuple[int, str, str, str, bool, bool, str, str]] = [
    (401, "unknown", "invalid API key", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (401, "unknown", "invalid authorization token", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (401, "unknown", "invalid authorization token: token signature is invalid: signature is invalid",
     "config_error", FREE, UNSENT, "config", "livekit_login"),
    (401, "unknown", "", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (401, "unknown", "invalid authorization token: token has invalid claims: token is expired",
     "cancelled", FREE, UNSENT, "system", "token_expired"),
    (401, "unauthenticated", "permissions denied", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (403, "permission_denied", "permissions denied", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (403, "permission_denied", "something else", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (400, "unauthenticated", "something else", "config_error", FREE, UNSENT, "config", "livekit_login"),
    (404, "not_found", "something else", "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "invalid_argument", "missing sip callee number", "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "invalid_argument", "missing sip trunk id and sip number",
     "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "invalid_argument", "SipCallTo should be a phone number or SIP user, not a full SIP URI",
     "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "invalid_argument", "invalid header value for X-A: header X-A: value: char 13 not allowed",
     "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "invalid_argument", P + "invalid request URI: x", "config_error", FREE, UNSENT, "config", "request_refused"),
    (400, "malformed", "the json request could not be decoded",
     "config_error", FREE, UNSENT, "config", "request_refused"),
    (404, "bad_route", "no handler for path", "config_error", FREE, UNSENT, "config", "request_refused"),
    (404, "not_found", "requested sip trunk does not exist",
     "config_error", FREE, UNSENT, "config", "trunk_incomplete"),
    (412, "failed_precondition", P + "no numbers on outbound trunk",
     "config_error", FREE, UNSENT, "config", "trunk_incomplete"),
    (500, "internal", P + "sip not connected (redis required)",
     "system_error", FREE, UNSENT, "system", "livekit_failed"),
    (503, "unavailable", P + "no response from servers", "system_error", FREE, UNSENT, "system", "livekit_failed"),
    (503, "unavailable", P + "no servers available (received 3 responses)",
     "system_error", FREE, UNSENT, "system", "livekit_failed"),
    (503, "unavailable", P + "cpu exhausted", "system_error", FREE, UNSENT, "system", "livekit_failed"),
    (500, "unknown", P + "failed to listen on udp port", "system_error", FREE, UNSENT, "system", "livekit_failed"),
    (500, "internal", P + "update room failed: could not connect after timeout",
     "system_error", FREE, UNSENT, "system", "room_join_failed"),
    (500, "internal", P + "update room failed: dial tcp: lookup livekit: no such host",
     "system_error", FREE, UNSENT, "system", "room_join_failed"),
    (400, "invalid_argument", P + 'fail to resolve target for "h": lookup _sip._udp.h on 192.0.2.53:53: no such host',
     "config_error", FREE, UNSENT, "config", "trunk_host_unknown"),
    (400, "invalid_argument", P + "fail to resolve target", "config_error", FREE, UNSENT, "config",
     "trunk_host_unknown"),
    (412, "failed_precondition", P + "lookup h: no such host", "config_error", FREE, UNSENT, "config",
     "trunk_host_unknown"),
    (412, "failed_precondition", P + "connect: connection refused", "trunk_failure", FREE, SENT, "trunk",
     "trunk_unreachable"),
    (400, "invalid_argument", P + "address voip.example.com: missing port in address",
     "config_error", FREE, UNSENT, "config", "trunk_host_unknown"),
    (412, "failed_precondition", P + "transport<TCP> dial err=dial tcp :0->127.0.0.1:5998: connect: connection refused",
     "trunk_failure", FREE, SENT, "trunk", "trunk_unreachable"),
    (503, "unavailable", P + "dial tcp 192.0.2.1:5060: i/o timeout",
     "trunk_failure", FREE, SENT, "trunk", "trunk_unreachable"),
    (412, "failed_precondition", P + "write tcp 10.0.0.1:5060: broken pipe",
     "unknown", COUNTED, SENT, "unknown", "trunk_network"),
    (503, "unavailable", P + "read tcp 10.0.0.1:5060: connection reset by peer",
     "unknown", COUNTED, SENT, "unknown", "trunk_network"),
    (412, "failed_precondition", P + "EOF", "unknown", COUNTED, SENT, "unknown", "trunk_network"),
    *((500, "internal", P + text, "unknown", COUNTED, SENT, "unknown", "trunk_network") for text in (
        "broken pipe", "connection reset by peer", "i/o timeout", "use of closed network connection",
        "network is unreachable", "no route to host", "write udp 10.0.0.1:5060", "read tls 10.0.0.1:5061",
    )),
    (408, "canceled", P + "sip request timed out", "no_answer", COUNTED, SENT, "contact", "ring_timeout"),
    (408, "canceled", P + ZERO, "trunk_failure", FREE, SENT, "trunk", "transaction_silent"),
    (408, "canceled", P + "transaction failed to complete (2 intermediate responses)",
     "trunk_failure", COUNTED, SENT, "trunk", "transaction_unfinished"),
    (408, "canceled", P + "service shutting down", "cancelled", COUNTED, SENT, "system", "livekit_stopping"),
    (408, "canceled", P + "context canceled", "cancelled", COUNTED, SENT, "system", "livekit_stopping"),
    (412, "failed_precondition", P + "sip server required auth, but no username or password was provided",
     "config_error", FREE, SENT, "config", "carrier_login"),
    (412, "failed_precondition", P + "max auth retry attempts reached for SIP invite",
     "config_error", FREE, SENT, "config", "carrier_login"),
    (412, "failed_precondition", P + "no auth header in response",
     "config_error", FREE, SENT, "config", "carrier_login"),
    (412, "failed_precondition", P + "common audio codec not found",
     "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "no common encryption profiles",
     "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "no audio in sdp", "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "encryption required", "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "invalid audio address", "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "sdp: syntax error", "config_error", COUNTED, SENT, "config", "media_refused"),
    (412, "failed_precondition", P + "context deadline exceeded",
     "answered", COUNTED, SENT, "contact", "answered_at_timeout"),
    (429, "resource_exhausted", "quota exceeded", "congestion", FREE, UNSENT, "system", "livekit_quota"),
    (412, "resource_exhausted", "quota exceeded", "congestion", FREE, UNSENT, "system", "livekit_quota"),
    (429, "unknown", "Too Many Requests", "congestion", FREE, UNSENT, "system", "livekit_quota"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("http", "twirp", "message", "outcome", "counted", "sent", "blame", "rule"),
    [pytest.param(*row, id=f"{row[0]} {row[1]} {row[2].removeprefix(P)}"[:80]) for row in NO_CODE],
)
def test_errors_without_a_code(
    http: int, twirp: str, message: str, outcome: str, counted: bool, sent: bool, blame: str, rule: str
) -> None:
    late = refused(http=http, twirp=twirp, message=message, seconds=30.0)
    verdict = verdict_of(late)
    assert (verdict.outcome, verdict.counted, verdict.sent, verdict.blame) == (outcome, counted, sent, blame)
    assert verdict.rule == rule
    assert verdict.abandoned is (rule == "answered_at_timeout")
    assert verdict.rang is counted


DOUBTFUL = [
    (408, "deadline_exceeded", P + "request timed out", "rpc_deadline"),
    (408, "deadline_exceeded", P + "context deadline exceeded", "rpc_deadline"),
    (502, "unknown", "<html>502 Bad Gateway</html>", "gateway_gave_up"),
    (502, "unknown", "dial tcp: lookup livekit: no such host", "gateway_gave_up"),
    (504, "unknown", "", "gateway_gave_up"),
    (500, "unknown", "", "unlisted_answer"),
    (503, "unknown", "upstream connect error: connection refused", "unlisted_answer"),
    (503, "unavailable", P + "something new", "unlisted_answer"),
    (500, "internal", P + "something broke", "unlisted_answer"),
    (412, "failed_precondition", P + "something new", "unlisted_answer"),
    (408, "canceled", P + "request canceled", "unlisted_answer"),
    (408, "unknown", "<html>408 Request Timeout</html>", "unlisted_answer"),
    (404, "unknown", "<html>404 page not found</html>", "unlisted_answer"),
    (403, "unknown", "<html>Forbidden</html>", "unlisted_answer"),
    (409, "aborted", P + "something new", "unlisted_answer"),
    (400, "malformed", P + "something new", "unlisted_answer"),
]


@pytest.mark.parametrize(("http", "twirp", "message", "rule"), DOUBTFUL)
@pytest.mark.parametrize("marked", [False, True])
def test_what_does_not_surely_say_that_it_is_over_is_in_doubt(
    http: int, twirp: str, message: str, rule: str, marked: bool
) -> None:
    assert classify(refused(http=http, twirp=twirp, message=message, marked=marked)) == InDoubt(rule=rule)


@pytest.mark.parametrize("text", ["context deadline exceeded", "common audio codec not found"])
def test_what_was_picked_up_has_rung_however_fast(text: str) -> None:
    verdict = verdict_of(refused(twirp="failed_precondition", message=P + text, seconds=0.1, rang=False))
    assert (verdict.rang, verdict.counted) == (True, COUNTED)


def test_not_sent_is_a_system_error_that_counts_for_nothing() -> None:
    judged = verdict_of(LineResult(reply=Reply.NOT_SENT, message="cannot connect to host", seconds=9.0))
    assert judged == Verdict(
        outcome=Outcome.SYSTEM_ERROR, blame=Blame.SYSTEM, counted=False, rule="not_sent", sent=False
    )


@pytest.mark.parametrize("marked", [False, True])
def test_a_lost_reply_is_in_doubt(marked: bool) -> None:
    assert classify(LineResult(reply=Reply.LOST, message="timeout", marked=marked)) == InDoubt(rule="reply_lost")


def test_an_answer_that_says_nothing_was_dialed_is_in_doubt_when_the_phone_was_seen_ringing() -> None:
    result = refused(http=400, twirp="invalid_argument", message="fail to resolve target", rang=True)
    assert classify(result) == InDoubt(rule="rang_after_all")
    assert verdict_of(replace(result, rang=False)).outcome is Outcome.CONFIG_ERROR


def test_http_429_is_busy_with_a_code_and_livekits_quota_without() -> None:
    assert verdict_of(refused(486, "Busy Here", http=429, twirp="resource_exhausted")).outcome is Outcome.BUSY
    assert verdict_of(refused(http=429, twirp="resource_exhausted")).outcome is Outcome.CONGESTION


# -- our own doing ----------------------------------------------------------------------------------------------

RING_TIMEOUT = refused(http=408, twirp="canceled", message=P + "sip request timed out", seconds=12.0)


@pytest.mark.parametrize(
    ("evidence", "outcome", "counted"),
    [
        pytest.param({"marked": True}, "cancelled", COUNTED, id="we hung up, and by time it had rung"),
        pytest.param({"marked": True, "rang": True, "seconds": 0.5}, "cancelled", COUNTED, id="we hung up, it rang"),
        pytest.param({"marked": True, "rang": False}, "cancelled", FREE, id="we hung up, it never rang"),
        pytest.param({"marked": True, "seconds": 1.0}, "cancelled", FREE, id="we hung up at once"),
        pytest.param({"rang": True}, "no_answer", COUNTED, id="it rang out"),
        pytest.param({"rang": False}, "no_answer", COUNTED, id="it never rang: still no trunk failure"),
        pytest.param({"seconds": 1.0}, "no_answer", COUNTED, id="a short ringing timeout"),
    ],
)
def test_the_answer_of_a_ring_timeout(evidence: dict[str, Any], outcome: str, counted: bool) -> None:
    verdict = verdict_of(replace(RING_TIMEOUT, **evidence))
    assert (verdict.outcome, verdict.counted, verdict.rule) == (outcome, counted, "ring_timeout")
    assert verdict.rang is evidence.get("rang", evidence.get("seconds", 12.0) >= 3)


@pytest.mark.parametrize("marked", [False, True])
def test_answered_is_abandoned_when_we_were_hanging_up(marked: bool) -> None:
    verdict = verdict_of(LineResult(reply=Reply.ANSWERED, http_status=200, seconds=0.2, marked=marked))
    assert verdict == Verdict(
        outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="answered", rang=True, abandoned=marked
    )


def test_a_join_that_our_hang_up_killed_is_cancelled_and_no_fault_of_livekit() -> None:
    killed = refused(http=500, twirp="internal", message=P + "update room failed: connection closed", marked=True)
    assert (verdict_of(killed).outcome, verdict_of(killed).sent) == (Outcome.CANCELLED, False)


def test_our_mark_does_not_hide_what_the_carrier_said() -> None:
    assert verdict_of(refused(486, "Busy Here", marked=True)).outcome is Outcome.BUSY


@pytest.mark.parametrize(("seconds", "counted"), [(1.0, FREE), (5.0, COUNTED)])
def test_a_node_that_stops_uses_up_an_attempt_only_when_it_rang(seconds: float, counted: bool) -> None:
    stopped = refused(http=408, twirp="canceled", message=P + "service shutting down", seconds=seconds)
    assert verdict_of(stopped).counted is counted
