"""Where the owner of a call waits for the news whether the phone rang (``protocol.md`` 6)."""

import pytest

from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import rang_decides

pytestmark = pytest.mark.unit


def refused(code: int | None = None, message: str = "INVITE failed", rang: bool | None = None) -> LineResult:
    return LineResult(
        reply=Reply.REFUSED,
        http_status=500,
        twirp_code="unknown",
        message=message,
        sip_code=code,
        seconds=1.0,
        rang=rang,
    )


@pytest.mark.parametrize("code", [402, 403, 408, 480, 500, 502, 503, 504, 580, 603])
def test_it_decides(code: int) -> None:
    assert rang_decides(refused(code))


@pytest.mark.parametrize("code", [301, 404, 410, 484, 486, 600, 604, 607])
def test_it_decides_nothing(code: int) -> None:
    assert not rang_decides(refused(code))


def test_what_is_known_already_is_not_waited_for() -> None:
    assert not rang_decides(refused(480, rang=False))


def test_an_answer_that_says_nothing_was_dialed_is_believed_only_if_it_did_not_ring() -> None:
    assert rang_decides(refused(message="twirp error unavailable: no response from servers"))


def test_nobody_waits_for_a_call_that_was_picked_up_or_never_sent() -> None:
    assert not rang_decides(LineResult(reply=Reply.ANSWERED, seconds=1.0))
    assert not rang_decides(LineResult(reply=Reply.NOT_SENT, seconds=1.0))
