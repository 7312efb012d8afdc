"""A contact file, read as a stream: every row becomes a contact or a rejection that says why.  Pure.

Line numbers are physical lines, counted from 1, of the line where a row begins.
"""

import csv
import difflib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dialer.domain.contact_columns import NO_COLUMNS, OwnColumns, find_columns, find_problem, fold, zone_of
from dialer.domain.phone_number import NumberProblem, PhoneNumber, parse_number
from dialer.domain.results_file import results_csv
from dialer.errors import InvalidInput

DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE_BYTES = 1 << 20
_HINT_TEXT = "save the list as 'CSV UTF-8'; spreadsheets and UTF-16 files cannot be read"
REPORT_COLUMNS = ("_line", "_column", "_value", "_code", "_message")

_EXCEL_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_LOOKS_LIKE_A_NUMBER = re.compile(r"\W*\+?\(?\d[\d\s().-]{5,}")

_PHONE_WORDS = """
    phone, phone number, phone no, telephone, telephone number, tel, tel no, mobile, mobile phone, mobile number,
    mobile no, cell, cell phone, cell number, cellular, number, contact number, contact phone, msisdn, e164,
    telefon, telefonnummer, telefonnr, tel nr, mobil, mobilnummer, mobiltelefon, handy, handynummer, rufnummer, nummer,
    teléfono, número, número de teléfono, teléfono móvil, móvil, celular, numéro, téléphone portable, portable,
    numéro de téléphone, telefone, telemóvel, telefono, cellulare, numero di telefono, telefoon, telefoonnummer,
    puhelin, puhelinnumero, numer telefonu, телефон, номер телефона, номер, 电话, 手机, 手机号, 電話番号
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The columns of a file.

    Attributes:
        columns: their names, unique whatever their case; an unnamed one is ``column_3``.
        phone: which of them holds the number.
        line: the last physical line of the header; the rows begin after it.
        own: the columns that the dialer reads itself.
    """

    columns: tuple[str, ...]
    phone: str
    delimiter: str
    line: int
    own: OwnColumns = NO_COLUMNS


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactRow:
    """A row that can be called; ``data`` holds its other columns, ``zone`` what a column says of its time zone."""

    line: int
    number: PhoneNumber
    data: dict[str, str]
    zone: str = ""


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


def decode_lines(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """The lines of a UTF-8 file, each with its ``\\n``; CR and CRLF end lines too, a BOM is dropped.

    Raises:
        InvalidInput: it is not UTF-8 text.  Lines of the chunks before may have been handed out by then.
    """
    for lines_before, block in _whole_lines(chunks, name):
        text = _decode(block, name, lines_before)
        if lines_before == 0:
            text = text.removeprefix("\ufeff")
        lines = text.split("\n")
        yield from (line + "\n" for line in lines[:-1])
        if lines[-1]:
            yield lines[-1]


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


def read_header(lines: Iterator[str], *, phone_column: str | None, name: str) -> Header:
    """Take the header off ``lines``: its delimiter, its names, its one phone column.

    Raises:
        InvalidInput: the file is empty, a name comes twice, no single column is the phone column, or a column
            names a header or an attribute that cannot be set.
    """
    source = _Lines(lines)
    first = source.skip_blank()
    told = _EXCEL_SEPARATOR.fullmatch(first)
    if told:
        first = source.skip_blank()
    if not first:
        raise InvalidInput(f"{name} is empty", hint="its first line has to name the columns, one of them phone")
    source.put_back([first])
    try:
        delimiter = told[1] if told else _sniff(first, phone_column)
        cells = next(_reader(source, delimiter))
    except csv.Error as fault:
        raise InvalidInput(f"{name}, line {source.count}: the header cannot be read: {fault}") from fault
    columns = _name_columns(cells, name)
    phone = _choose(columns, phone_column, name) if phone_column else _recognise(columns, name)
    own = find_columns([column for column in columns if column != phone], name)
    return Header(columns=columns, phone=phone, delimiter=delimiter, line=source.count, own=own)


def read_rows(lines: Iterator[str], header: Header, *, country: str | None) -> Iterator[ContactRow | RejectedRow]:
    """The rows after ``header``.  Rows without any content are skipped and not counted."""
    source = _Lines(lines, count=header.line)
    reader = _reader(source, header.delimiter)
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


class _Lines:
    """Physical lines, counted, of which a row that cannot be read gives back all but its first.

    A quote that is never closed would otherwise take the rows after it along.
    """

    def __init__(self, lines: Iterator[str], *, count: int = 0) -> None:
        self.count = count
        self._lines = lines
        self._returned: deque[str] = deque()
        self._row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.count += 1
        self._row.append(line)
        return line

    def begin_row(self) -> int:
        self._row.clear()
        return self.count + 1

    def give_up_row(self) -> list[str]:
        row = self._row.copy()
        self.put_back(row[1:])
        return row

    def put_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))
        self.count -= len(lines)

    def skip_blank(self) -> str:
        """The next line with content; empty at the end."""
        return next((line for line in self if line.strip("\ufeff \t\r\n")), "")


def _whole_lines(chunks: Iterable[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Blocks that end where a line ends, each with the count of lines before it."""
    lines, rest = 0, b""
    for chunk in chunks:
        rest += chunk
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1  # a CR at the very end may be half a CRLF
        if not end and len(rest) > LONGEST_LINE_BYTES:
            raise InvalidInput(f"{name}, line {lines + 1} is longer than 1 MiB", hint=_HINT_TEXT)
        if end:
            block = _end_lines_with_lf(rest[:end])
            yield lines, block
            lines, rest = lines + block.count(b"\n"), rest[end:]
    if rest:
        yield lines, _end_lines_with_lf(rest)


def _end_lines_with_lf(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _decode(block: bytes, name: str, lines_before: int) -> str:
    try:
        text = block.decode()
        wrong = block.find(b"\0")
    except UnicodeDecodeError as fault:
        text, wrong = "", fault.start
    if wrong >= 0:
        line = lines_before + block.count(b"\n", 0, wrong) + 1
        raise InvalidInput(f"{name}, line {line} is not UTF-8 text (byte 0x{block[wrong]:02x})", hint=_HINT_TEXT)
    return text


def _reader(source: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    # strict: without it an unclosed quote takes all rows to the end of the file, silently
    return csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)


def _sniff(header: str, phone_column: str | None) -> str:
    wanted = {fold(phone_column)} if phone_column else _PHONE_NAMES

    def fitness(delimiter: str) -> tuple[bool, int]:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
        return any(fold(cell) in wanted for cell in cells), len(cells)

    return max(DELIMITERS, key=fitness)


_PHONE_NAMES = frozenset(fold(name) for name in _PHONE_WORDS.split(","))


def _name_columns(cells: list[str], name: str) -> tuple[str, ...]:
    names = [cell.strip("\ufeff \t\r\n") for cell in cells]
    while names and not names[-1]:
        names.pop()
    columns = tuple(column or f"column_{place}" for place, column in enumerate(names, 1))
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            raise InvalidInput(f"{name} has two columns named {column!r}", hint="rename or remove one of them")
        seen.add(column.casefold())
    return columns


def _recognise(columns: tuple[str, ...], name: str) -> str:
    found = [column for column in columns if fold(column) in _PHONE_NAMES]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(
            f"{name}: {_listed(found)} may each be the phone column",
            hint=f"say which one: --phone-column {found[0]!r}",
        )
    if any(_LOOKS_LIKE_A_NUMBER.fullmatch(column) for column in columns):
        raise InvalidInput(
            f"{name} begins with a number where the names of the columns should be",
            hint="add a first line that names the columns, as: phone,name",
        )
    raise InvalidInput(
        f"{name} has no phone column; its columns are {_listed(columns)}",
        hint="name the column of the numbers: --phone-column NAME",
    )


def _choose(columns: tuple[str, ...], phone_column: str, name: str) -> str:
    if phone_column in columns:
        return phone_column
    by_fold = {fold(column): column for column in columns}
    if fold(phone_column) in by_fold:
        return by_fold[fold(phone_column)]
    near = difflib.get_close_matches(fold(phone_column), by_fold, n=1)
    raise InvalidInput(
        f"{name} has no column {phone_column!r}; its columns are {_listed(columns)}",
        hint=f"did you mean --phone-column {by_fold[near[0]]!r}?" if near else None,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")


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


def _unreadable(source: _Lines, header: Header, fault: csv.Error) -> RejectedRow:
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


def _report(row: RejectedRow) -> dict[str, str]:
    told = (str(row.line), row.column, row.value, row.code, row.message)
    return row.data | dict(zip(REPORT_COLUMNS, told, strict=True))
