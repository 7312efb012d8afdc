"""The header of a contact file: its delimiter, its names, its one phone column, in the words people use.  Pure."""

import csv
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dialer.domain.contact_columns import NO_COLUMNS, OwnColumns, find_columns, fold
from dialer.domain.csv_lines import CountedLines, csv_reader
from dialer.errors import InvalidInput

DELIMITERS = (",", ";", "\t", "|")

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


def read_header(lines: Iterator[str], *, phone_column: str | None, name: str) -> Header:
    """Take the header off ``lines``: its delimiter, its names, its one phone column.

    Raises:
        InvalidInput: the file is empty, a name comes twice, no single column is the phone column, or a column
            names a header or an attribute that cannot be set.
    """
    source = CountedLines(lines)
    first = source.skip_blank()
    told = _EXCEL_SEPARATOR.fullmatch(first)
    if told:
        first = source.skip_blank()
    if not first:
        raise InvalidInput(f"{name} is empty", hint="its first line has to name the columns, one of them phone")
    source.put_back([first])
    try:
        delimiter = told[1] if told else _sniff(first, phone_column)
        cells = next(csv_reader(source, delimiter))
    except csv.Error as fault:
        raise InvalidInput(f"{name}, line {source.count}: the header cannot be read: {fault}") from fault
    columns = _name_columns(cells, name)
    phone = _choose(columns, phone_column, name) if phone_column else _recognise(columns, name)
    own = find_columns([column for column in columns if column != phone], name)
    return Header(columns=columns, phone=phone, delimiter=delimiter, line=source.count, own=own)


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
