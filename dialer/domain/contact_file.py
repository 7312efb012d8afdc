"""A contact file, read as a stream: every row becomes a contact or a rejection that says why.  Pure.

Line numbers are physical lines, counted from 1, of the line where a row begins.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dialer.domain.contact_columns import find_problem, zone_of
from dialer.domain.contact_header import Header, read_header
from dialer.domain.csv_lines import CountedLines, csv_reader
from dialer.domain.phone_number import NumberProblem, PhoneNumber, parse_number
from dialer.domain.rejected_rows import RejectedRow


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactRow:
    """A row that can be called; ``data`` holds its other columns, ``zone`` what a column says of its time zone."""

    line: int
    number: PhoneNumber
    data: dict[str, str]
    zone: str = ""


def read_contacts(
    lines: Iterable[str], *, country: str | None, phone_column: str | None, name: str
) -> Iterator[ContactRow | RejectedRow]:
    """Read the header now, and the rows as they are asked for.

    Args:
        country: of numbers written without a country code, as ``check_country`` returns it.
        phone_column: its name; None: recognise it.
        name: of the file, for messages.

    Raises:
        InvalidInput: the header cannot be used; see ``read_header``.
    """
    remaining = iter(lines)
    header = read_header(remaining, phone_column=phone_column, name=name)
    return read_rows(remaining, header, country=country)


def read_rows(lines: Iterator[str], header: Header, *, country: str | None) -> Iterator[ContactRow | RejectedRow]:
    """The rows after ``header``.  Rows without any content are skipped and not counted."""
    source = CountedLines(lines, count=header.line)
    reader = csv_reader(source, header.delimiter)
    while True:
        line = source.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            yield _unreadable(source, header, fault)
            continue
        if any(cells):
            yield _row(line, cells, header, country)


def _row(line: int, cells: list[str], header: Header, country: str | None) -> ContactRow | RejectedRow:
    columns = header.columns
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    data = dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))
    if len(cells) > len(columns):
        return RejectedRow(
            line=line,
            column="",
            value=header.delimiter.join(cells[len(columns) :]),
            code="bad_column_count",
            message=f"{len(cells)} cells under {len(columns)} columns: put a cell that holds the delimiter in quotes",
            data=data,
        )
    text = data[header.phone]
    number = parse_number(text, country=country)
    if isinstance(number, NumberProblem):
        return RejectedRow(
            line=line, column=header.phone, value=text, code=number.code, message=number.message, data=data
        )
    if problem := find_problem(data, header.own):
        return RejectedRow(
            line=line,
            column=problem.column,
            value=data.get(problem.column, ""),
            code=problem.code,
            message=problem.message,
            data=data,
        )
    del data[header.phone]
    return ContactRow(line=line, number=number, data=data, zone=zone_of(data, header.own))


def _unreadable(source: CountedLines, header: Header, fault: csv.Error) -> RejectedRow:
    row = source.give_up_row()
    is_long = len(row) == 1 and "field larger" in str(fault)
    return RejectedRow(
        line=source.count,
        column="",
        value=row[0].rstrip("\r\n")[:1000],
        code="cell_too_long" if is_long else "bad_quotes",
        message="a cell is too long" if is_long else "a quoted cell is not closed, or text follows its last quote",
        data=dict.fromkeys(header.columns, ""),
    )
