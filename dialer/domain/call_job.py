"""The call job: our duty to reach one contact.  Its states and who may move it.  Pure."""

from enum import StrEnum

from dialer.errors import InvariantBroken


class CallJobState(StrEnum):
    """Where a call job stands.  Values are stored in the ledger: never rename one."""

    WAITING = "waiting"  #: due at ``due_at``; the feeder takes it from here
    QUEUED = (
        "queued"  #: on the queue under a lease; a caller takes it, or the rescuer puts it back when the lease is over
    )
    IN_PROGRESS = "in_progress"  #: one attempt is open; only settling that attempt moves it on
    FINISHED = "finished"  #: no further attempt; ``finish_reason`` says why.  Only a late promise leads out of it


class FinishReason(StrEnum):
    """Why a call job needs no further attempt.  Values are stored and exported: never rename one."""

    REACHED = "reached"
    EXHAUSTED = "exhausted"
    SUPPRESSED = "suppressed"
    INVALID_NUMBER = "invalid_number"
    UNWANTED = "unwanted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    FAILED = "failed"


MOVES: dict[CallJobState, dict[CallJobState, str]] = {
    CallJobState.WAITING: {
        CallJobState.QUEUED: "the feeder releases it: it is due and the trunk has room",
        CallJobState.FINISHED: "its campaign is cancelled or over, its hours do not open, or its number is suppressed",
    },
    CallJobState.QUEUED: {
        CallJobState.IN_PROGRESS: "a caller claims it: the attempt is opened in the same transaction",
        CallJobState.WAITING: "the caller cannot use it now, or the rescuer finds its lease over",
        CallJobState.FINISHED: "its campaign is cancelled, no attempts are left, or its number is suppressed",
    },
    CallJobState.IN_PROGRESS: {
        CallJobState.WAITING: "its attempt ended and another is to follow",
        CallJobState.FINISHED: "its attempt ended and none is to follow",
    },
    CallJobState.FINISHED: {
        CallJobState.WAITING: "it was reached, and its agent reports a call back after the call was settled",
    },
}


def check_move(before: CallJobState, after: CallJobState) -> None:
    """Raise ``InvariantBroken`` unless a call job may go from ``before`` to ``after``."""
    if after not in MOVES[before]:
        raise InvariantBroken(f"a call job cannot go from {before} to {after}")
