"""The breaker of a trunk or an account: its states and who may move it.  Pure.

Other packages import these from ``dialer.domain.breaker``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialer.errors import InvariantBroken


class BreakerState(StrEnum):
    """Whether calls go out.  Values are stored in the ledger: never rename one."""

    CLOSED = "closed"  #: all go out
    OPEN = "open"  #: none; a probe goes out at ``probe_at``
    HALF_OPEN = "half_open"  #: one probe is under way, until ``probe_at`` at most
    HELD = "held"  #: none, until a person lets it go or asks for a probe


_State = BreakerState
MOVES: dict[BreakerState, dict[BreakerState, str]] = {
    _State.CLOSED: {
        _State.OPEN: "its calls fail",
        _State.HELD: "its settings or account are at fault, or a storm shows that it is refused altogether",
    },
    _State.OPEN: {
        _State.HALF_OPEN: "the feeder releases a probe",
        _State.HELD: "calls that were under way show that its settings are at fault, or a storm",
        _State.CLOSED: "a person says that it is well",
    },
    _State.HALF_OPEN: {
        _State.HALF_OPEN: "the probe was lost, and the feeder releases another",
        _State.OPEN: "the probe failed, or told nothing",
        _State.HELD: "the probe of a held one failed, or two probes met the same fault of settings",
        _State.CLOSED: "the probe succeeded, or a person says that it is well",
    },
    _State.HELD: {
        _State.HALF_OPEN: "a person asked for a probe, and the feeder releases it",
        _State.CLOSED: "a person says that it is well",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaker:
    """The breaker at one moment.  Times are the ledger's.

    Attributes:
        reason: what happened and what to do; empty while closed.
        rule: of the result or storm that decided.
        since: when it was closed, opened or held; probes do not change it.
        openings: times it opened in a row, each soon after it had closed; 0: held, it never probes by itself.
        opened_at: when it last left ``CLOSED``.
        probe_at: open: when the next probe may go out; half open: when the one under way counts as lost; held: set
            when a person has asked for a probe.
        closed_at: the ramp begins here; results of calls begun before it are no longer looked at.
    """

    state: BreakerState = BreakerState.CLOSED
    reason: str = ""
    rule: str = ""
    since: datetime | None = None
    openings: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def needs_a_person(self) -> bool:
        """It is held, or would be again if its probe failed."""
        return self.state is not BreakerState.CLOSED and self.openings == 0


def check_move(before: BreakerState, after: BreakerState) -> None:
    """Raise ``InvariantBroken`` unless a breaker may go from ``before`` to ``after``."""
    if after not in MOVES[before]:
        raise InvariantBroken(f"a breaker cannot go from {before} to {after}")
