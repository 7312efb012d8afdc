"""The attempt: one INVITE for a call job.  Its states and who may move it.  Pure."""

from enum import StrEnum

from dialer.errors import InvariantBroken


class AttemptState(StrEnum):
    """Where an attempt stands.  Values are stored in the ledger: never rename one."""

    DIALING = "dialing"  #: claimed and committed; a phone may be ringing from here on
    ANSWERED = "answered"  #: picked up; the call goes on, its slots stay taken
    ENDED = "ended"  #: it is over and ``outcome`` says how.  Nothing leaves this state


MOVES: dict[AttemptState, dict[AttemptState, str]] = {
    AttemptState.DIALING: {
        AttemptState.ANSWERED: "the caller reads HTTP 200, or the rescuer finds the callee talking",
        AttemptState.ENDED: "the caller settles it, or the rescuer or the clerk ends its doubt",
    },
    AttemptState.ANSWERED: {
        AttemptState.ENDED: "the call is over: a webhook says so, or the callee is gone from its room",
    },
    AttemptState.ENDED: {},
}


def check_move(before: AttemptState, after: AttemptState) -> None:
    """Raise ``InvariantBroken`` unless an attempt may go from ``before`` to ``after``."""
    if after not in MOVES[before]:
        raise InvariantBroken(f"an attempt cannot go from {before} to {after}")
