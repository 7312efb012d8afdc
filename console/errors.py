"""Faults as the command line tells them: a message, the way out and an exit code.  Never a traceback.

  0  done
  1  something that is needed does not answer (PostgreSQL, Redis, LiveKit), or a check found an error
  2  what was asked for cannot be done: wrong input, wrong state, no such thing
  3  a contact file is in, but some of its rows were refused
  4  the campaign that was watched is held
  5  the number that was called did not answer, or the trunk that was tried is not well
130  interrupted
"""

import json
import sys
from enum import IntEnum

from dialer.errors import DialerError, LineUnavailable, OperatorError, StoreUnavailable


class ExitCode(IntEnum):
    """What a command ends with.  Scripts rely on them: never renumber one."""

    DONE = 0
    UNAVAILABLE = 1
    REFUSED = 2
    ROWS_REFUSED = 3
    HELD = 4
    NOT_ANSWERED = 5
    INTERRUPTED = 130


_DOCTOR = "`dialer doctor` tries PostgreSQL, Redis and LiveKit one by one, and says what to do"


def exit_code_of(error: DialerError) -> ExitCode:
    return ExitCode.REFUSED if isinstance(error, OperatorError) else ExitCode.UNAVAILABLE


def hint_of(error: DialerError) -> str | None:
    """What to do about it."""
    if isinstance(error, OperatorError):
        return error.hint
    if error.code == "line_refused":
        return "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a key and secret of this LiveKit server"
    if error.code == "clocks_apart":
        return "switch on NTP on that machine; `dialer doctor` shows all clocks"
    if isinstance(error, LineUnavailable):
        return "check LIVEKIT_URL, and that this LiveKit server runs; `dialer doctor` tries it"
    if isinstance(error, StoreUnavailable):
        return _DOCTOR
    return None


def tell(error: DialerError, *, as_json: bool) -> None:
    """Write a fault to stderr."""
    hint = hint_of(error)
    if as_json:
        told = {"error": {"code": error.code, "message": str(error), "hint": hint}}
        sys.stderr.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    sys.stderr.write(_lines("error", str(error)))
    if hint:
        sys.stderr.write(_lines("hint", hint))


def _lines(label: str, text: str) -> str:
    first, *rest = text.strip().splitlines()
    return "".join([f"{label}: {first}\n", *(f"  {line.strip()}\n" for line in rest)])
