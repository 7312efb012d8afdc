"""What must always hold.  Pure: the sentences and how a count is judged; ``ledger/audit`` does the counting."""

from dataclasses import dataclass
from enum import StrEnum


class Invariant(StrEnum):
    """Each value is the stable name used in logs, JSON and metrics."""

    ROWS = "rows"
    CALL_JOBS = "call_jobs"
    OPEN_ATTEMPTS = "open_attempts"
    SLOTS = "slots"
    COUNTERS = "counters"
    COUNTED = "counted"
    FINISHED = "finished"


SENTENCES: dict[Invariant, str] = {
    Invariant.ROWS: "rows in the files = rejected + duplicates + contacts",
    Invariant.CALL_JOBS: "every contact has one call job: waiting + queued + in progress + finished",
    Invariant.OPEN_ATTEMPTS: "a call job in progress has one open attempt, every other has none",
    Invariant.SLOTS: "every open attempt holds a call slot",
    Invariant.COUNTERS: "the outcome counters sum up to the attempts that ended",
    Invariant.COUNTED: "a call job's count is the number of its attempts that counted",
    Invariant.FINISHED: "a call job is finished if and only if it has a finish reason",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One invariant, looked at.

    Attributes:
        left, right: the two sides, where it is an equation of numbers.
        broken: what breaks it, named one by one; the first hundred.
    """

    invariant: Invariant
    left: int
    right: int
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.broken

    @property
    def sentence(self) -> str:
        return SENTENCES[self.invariant]


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Every invariant, looked at in one snapshot of the ledger."""

    checked: tuple[Checked, ...]

    @property
    def clean(self) -> bool:
        return all(check.holds for check in self.checked)
