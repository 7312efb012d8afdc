"""The words of the classifier: outcome, blame, verdict, doubt, and what one row of its tables says.  Pure.

Other packages import these from ``dialer.domain.outcome``; this file keeps the tables free of an import cycle.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How the attempt ended on the line.  Values are stored and exported: never rename one."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    INVALID_NUMBER = "invalid_number"
    UNWANTED = "unwanted"
    BLOCKED = "blocked"
    CONGESTION = "congestion"
    TRUNK_FAILURE = "trunk_failure"
    CONFIG_ERROR = "config_error"
    SYSTEM_ERROR = "system_error"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Blame(StrEnum):
    """Whose doing the outcome is."""

    CONTACT = "contact"
    NUMBER = "number"
    CALLER_ID = "caller_id"
    TRUNK = "trunk"
    CONFIG = "config"
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How one attempt is judged.

    Attributes:
        counted: it uses up one of the contact's attempts.
        rule: the name of the rule that decided, stable: it is stored with the attempt.
        sent: an INVITE may have gone out.
        rang: the phone rang, as far as it is known or judged by time.
        abandoned: it was picked up and we had already hung up.
    """

    outcome: Outcome
    blame: Blame
    counted: bool
    rule: str
    sent: bool = True
    rang: bool = False
    abandoned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class InDoubt:
    """No usable answer: the attempt stays open until LiveKit has been asked (``domain.doubt``)."""

    rule: str


class Counts(StrEnum):
    """Whether an attempt uses up one of the contact's attempts."""

    ALWAYS = "always"
    IF_RANG = "if_rang"
    NEVER = "never"


class Ring(StrEnum):
    """How a row learns whether the phone rang."""

    KNOWN_OR_TIME = "known_or_time"  #: as a participant's last status says; without one, by the time it took
    KNOWN = "known"  #: only as a participant's last status says: the row itself speaks against ringing
    SURELY = "surely"  #: it was picked up
    NEVER = "never"  #: no INVITE reached a phone


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What one row of the classifier's tables says.

    Attributes:
        when_rang: the row to use instead when the phone rang; None: the same row.
    """

    outcome: Outcome
    blame: Blame
    counts: Counts
    ring: Ring = Ring.KNOWN_OR_TIME
    sent: bool = True
    abandoned: bool = False
    when_rang: "Ruling | None" = None
