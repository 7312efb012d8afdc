"""What a benchmark says: a table in which every figure stands beside its floor, and the bounds that were broken."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Report:
    """One benchmark's table.  ``rows``: a name and its cells; ``broken``: one sentence for each bound not kept."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def row(self, name: str, *cells: str) -> None:
        """Add one line to the table."""
        self.rows.append((name, *cells))

    def bound(self, kept: bool, sentence: str) -> None:
        """Note a bound: kept or broken, it is printed."""
        self.notes.append(f"{'kept' if kept else 'BROKEN'}: {sentence}")
        if not kept:
            self.broken.append(sentence)

    def text(self) -> str:
        """The report, fit for a terminal."""
        lines = [self.title, *_aligned([("", *self.columns), *self.rows]), *(f"  {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def milliseconds(seconds: float) -> str:
    """Of CPU, for one call."""
    return f"{seconds * 1000:.3f} ms"


def ratio(ours: float, floor: float) -> str:
    """How many times the floor."""
    return f"{ours / floor:.2f} x"


def singly(values: Sequence[float]) -> str:
    """The single runs behind a median, CPU a call."""
    return f"{' / '.join(f'{value * 1000:.3f}' for value in values)} ms"


def mib(size: float) -> str:
    """Memory of a process."""
    return f"{size / 1024**2:.1f} MiB"


def kib(size: float) -> str:
    """Memory of one call."""
    return f"{size / 1024:.1f} KiB"


def percent(share: float) -> str:
    """A share of a limit."""
    return f"{share * 100:.1f} %"
