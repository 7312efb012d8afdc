"""Every exception of the dialer.

DialerError
├── OperatorError              the operator can mend it
│   ├── NotFound               the named thing is not there
│   ├── Conflict               it is there, and does not allow this now
│   └── InvalidInput           what was given cannot be used
├── LineError                  LiveKit or the carrier failed
│   └── LineUnavailable        nothing was sent: safe to try again
├── StoreUnavailable           ledger or Redis does not answer: stop dialing
└── InvariantBroken            a bug in this program: page someone

Busy, no answer and the like are values (``domain.outcome``), not exceptions.
"""


class DialerError(Exception):
    """Base of all.  ``code`` is stable: the API, the CLI and the logs use it."""

    code = "dialer_error"


class OperatorError(DialerError):
    """The operator can mend it; the message says what is wrong, and ``hint`` what to do."""

    code = "operator_error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFound(OperatorError):
    """The named thing is not there."""

    code = "not_found"


class Conflict(OperatorError):
    """The thing is there, and its state does not allow what was asked."""

    code = "conflict"


class InvalidInput(OperatorError):
    """What was given cannot be used."""

    code = "invalid_input"


class LineError(DialerError):
    """LiveKit or the carrier failed."""

    code = "line_error"


class LineUnavailable(LineError):
    """Nothing was sent: safe to try again."""

    code = "line_unavailable"


class StoreUnavailable(DialerError):
    """Ledger or Redis does not answer: nothing may be dialed."""

    code = "store_unavailable"


class InvariantBroken(DialerError):
    """A bug in this program."""

    code = "invariant_broken"
