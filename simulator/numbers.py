"""What each number does when it is dialed.  Pure.

In ``+1 AAA 555 0NNN`` (AAA: any three digits), and in the recordings' ``+1 555 010 0NNN``, NNN decides: 000 to 009
are in the table below, 2RD answers after R seconds and hangs up D seconds later (0: never), 300 to 699 is that
final response at once.  Every other number belongs to somebody: see ``consumers``.
"""

import re
from dataclasses import dataclass
from typing import Final

from simulator import says
from simulator.says import Says

SIMULATED: Final = "Simulated"  #: the phrase of a final response that has no customary one

PHRASES: Final = {
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    410: "Gone",
    480: "Temporarily Unavailable",
    484: "Address Incomplete",
    486: "Busy Here",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    607: "Unwanted",
    608: "Rejected",
}

ANSWERED: Final = 200
CPS_LIMIT_PHRASE: Final = "Trunk CPS limit exceeded. Region: us1"
CHANNEL_LIMIT_PHRASE: Final = "User channel limit exceeded D1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What the carrier makes of one INVITE.  All times in seconds of life, before ``--speed``.

    Attributes:
        code: the final response; ``ANSWERED``, 300 to 699, or 0: there will be none.
        final_after_seconds: from the INVITE to the final response.
        rings_after_seconds: from the INVITE to "180 Ringing"; None: it never rings.
        talk_seconds: from the answer to the callee hanging up; None: the callee never does.
        replies: how many responses there are to an INVITE that gets no final one.
        says: what an agent hears from whoever answers.
        connects: False: nobody takes the connection, and no INVITE gets through.
    """

    code: int = 0
    phrase: str = ""
    final_after_seconds: float = 0.0
    rings_after_seconds: float | None = None
    talk_seconds: float | None = None
    replies: int = 0
    says: Says | None = None
    connects: bool = True

    @property
    def is_silent(self) -> bool:
        """Neither rings nor ends: the SIP node will give up by itself."""
        return not self.code and self.rings_after_seconds is None


def final(code: int, phrase: str = "", *, after_seconds: float = 0.0) -> Fate:
    """A final response that comes without ringing."""
    return Fate(code=code, phrase=phrase or PHRASES.get(code, SIMULATED), final_after_seconds=after_seconds)


def ring_then(code: int, *, ring_seconds: float, rings_after_seconds: float = 0.0) -> Fate:
    """Ringing, then a final response other than an answer."""
    return Fate(
        code=code,
        phrase=PHRASES.get(code, SIMULATED),
        final_after_seconds=rings_after_seconds + ring_seconds,
        rings_after_seconds=rings_after_seconds,
    )


def answer(*, ring_seconds: float, talk_seconds: float | None, rings_after_seconds: float = 0.0) -> Fate:
    """Ringing, then somebody or something takes the call."""
    return Fate(
        code=ANSWERED,
        phrase="OK",
        final_after_seconds=rings_after_seconds + ring_seconds,
        rings_after_seconds=rings_after_seconds if ring_seconds > 0 else None,
        talk_seconds=talk_seconds,
        says=says.NOTHING,
    )


RINGS_FOREVER: Final = Fate(rings_after_seconds=0.0)
SILENCE: Final = Fate()
TRYING_THEN_SILENCE: Final = Fate(replies=1)
NOT_A_NUMBER: Final = final(404)
CPS_LIMIT: Final = final(503, CPS_LIMIT_PHRASE)
CHANNEL_LIMIT: Final = final(403, CHANNEL_LIMIT_PHRASE)

_SCRIPTS: Final = {
    0: RINGS_FOREVER,
    1: ring_then(480, ring_seconds=5),
    2: ring_then(486, ring_seconds=2),
    3: ring_then(603, ring_seconds=3),
    4: final(603, "Network Blocked"),
    5: final(503, "CPS Limit reached P05"),
    6: CPS_LIMIT,
    7: CHANNEL_LIMIT,
    8: SILENCE,
    9: TRYING_THEN_SILENCE,
}
_DIGITS: Final = re.compile(r"\+[0-9]+")
_SCRIPTED: Final = re.compile(r"\+1(?:[0-9]{3}555|555010)0([0-9]{3})")


def is_dialable(number: str) -> bool:
    """The carrier knows nothing but ``+`` and digits."""
    return _DIGITS.fullmatch(number) is not None


def scripted_fate(number: str) -> Fate | None:
    """The fate written into the number's last three digits; None: the number has none of its own."""
    match = _SCRIPTED.fullmatch(number)
    return None if match is None else fate_of_digits(int(match.group(1)))


def fate_of_digits(digits: int) -> Fate | None:
    """What these three digits stand for; None: nothing."""
    if 200 <= digits <= 299:
        ring_seconds, talk_seconds = divmod(digits - 200, 10)
        return answer(ring_seconds=ring_seconds, talk_seconds=talk_seconds or None)
    if 300 <= digits <= 699:
        return final(digits)
    return _SCRIPTS.get(digits)
