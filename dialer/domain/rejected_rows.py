"""Rows of a file that cannot be used, and the error file: mended, it can be imported again.  Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dialer.domain.results_file import results_csv

REPORT_COLUMNS = ("_line", "_column", "_value", "_code", "_message")


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedRow:
    """A row that cannot be called.

    Attributes:
        column: whose cell is at fault; empty when it is the row.
        value: the cell, or what of the row could not be put into columns.
        code: a ``NumberProblemCode``, ``bad_column_count``, ``bad_quotes``, ``cell_too_long``, or one of
            ``contact_columns``; stable.
        data: the cells as they were, the number among them.
    """

    line: int
    column: str
    value: str
    code: str
    message: str
    data: dict[str, str]


def write_rejected(rows: Iterable[RejectedRow], columns: Sequence[str] | None = None) -> Iterator[str]:
    """Lines of the error CSV: the columns as they came, then what is wrong with the row.

    Args:
        columns: of the contact file; None: those of the first row's ``data``.  What an earlier
            error file added is left out.
    """
    remaining = iter(rows)
    first = next(remaining, None)
    if columns is None:
        columns = list(first.data) if first else []
    kept = [column for column in columns if column not in REPORT_COLUMNS]
    reported = remaining if first is None else chain([first], remaining)
    return results_csv((_report(row) for row in reported), [*kept, *REPORT_COLUMNS])


def _report(row: RejectedRow) -> dict[str, str]:
    told = (str(row.line), row.column, row.value, row.code, row.message)
    return row.data | dict(zip(REPORT_COLUMNS, told, strict=True))
