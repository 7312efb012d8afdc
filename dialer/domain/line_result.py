"""What one dial told us, with all its evidence.  Written by ``telephony``, judged by ``outcome.classify``."""

from dataclasses import dataclass
from enum import StrEnum


class Reply(StrEnum):
    """What became of the POST of CreateSIPParticipant, seen from our socket."""

    ANSWERED = "answered"  #: HTTP 200: the callee picked up
    REFUSED = "refused"  #: an error answer that was read to its end
    NOT_SENT = "not_sent"  #: connect, TLS, DNS failed or the gate was shut: not a byte went out
    LOST = "lost"  #: the request went out and no answer came: timeout, reset, closed


@dataclass(frozen=True, kw_only=True, slots=True)
class LineResult:
    """The evidence of one dial.

    Attributes:
        reply: what became of the POST.
        http_status: of the answer; None without one.
        twirp_code: ``code`` of a Twirp error body, as ``resource_exhausted``; ``unknown`` when the body was none.
        message: ``msg`` of the error body, or the text of the transport fault.
        sip_code: ``sip_status_code`` of the error's meta, 300-699; None when there was none.
        sip_status: ``sip_status`` of the error's meta: reason phrase, body or provider text.
        seconds: from the socket write to the answer, as the line counts them (``time_scale`` applied).
        ringing_timeout_seconds: what was asked for.
        rang: True or False where it is known (a participant's last ``sip.callStatus``); None: judge by time.
        marked: we hung up or cancelled it ourselves before this answer came.
        sip_call_id: LiveKit's ``SCL_...`` of an answered call.
    """

    reply: Reply
    http_status: int | None = None
    twirp_code: str | None = None
    message: str | None = None
    sip_code: int | None = None
    sip_status: str | None = None
    seconds: float = 0.0
    ringing_timeout_seconds: float = 30.0
    rang: bool | None = None
    marked: bool = False
    sip_call_id: str | None = None
