"""The columns of a contact file that the dialer itself reads, beside the phone column.  Pure.

``time_zone`` says where the contact lives; ``display_name``, ``dtmf``, ``header:NAME`` and ``attribute:NAME`` change
how the contact is dialed (``domain.dial_options``).  An empty cell says nothing.
"""

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dialer.domain.dial_checks import (
    MOST_METADATA_BYTES,
    check_attribute_name,
    check_attributes,
    check_display_name,
    check_dtmf,
    check_header_name,
    check_header_value,
)
from dialer.domain.dial_options import dial_column
from dialer.domain.time_zones import check_zone
from dialer.errors import InvalidInput

_ZONE_COLUMN = "timezone"
#: An agent is told, beside the columns, which call this is.
_MOST_DATA_BYTES = MOST_METADATA_BYTES - 4096
#: Characters of a row that cannot be too large as JSON, whatever they are.
_SURELY_SMALL = _MOST_DATA_BYTES // 8


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """Which columns of a file are read by the dialer, by their names in the file.

    Attributes:
        dial: column → kind and name, as ``dial_column`` tells them.
    """

    zone: str | None
    dial: Mapping[str, tuple[str, str]]


NO_COLUMNS = OwnColumns(None, {})


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with a row.  ``column`` is empty when it is the row; ``code`` is stable."""

    column: str
    code: str
    message: str


def fold(name: str) -> str:
    """Without case, accents, spaces and punctuation."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if letter.isalnum())


def find_columns(columns: Sequence[str], file: str) -> OwnColumns:
    """The dialer's own columns among those of a file.

    Raises:
        InvalidInput: one cannot be sent under its name, or two mean the same: no row of the file can be right.
    """
    zones = [column for column in columns if fold(column) == _ZONE_COLUMN]
    dial = {column: key for column in columns if (key := dial_column(column))}
    for column, (kind, name) in dial.items():
        _check_name(file, column, kind, name)
    _refuse_doubles(file, zones, dial)
    return OwnColumns(zones[0] if zones else None, dial) if zones or dial else NO_COLUMNS


def _check_name(file: str, column: str, kind: str, name: str) -> None:
    check = {"header": check_header_name, "attribute": check_attribute_name}.get(kind)
    try:
        if check:
            check(name)
    except InvalidInput as error:
        raise InvalidInput(f"{file}, column {column!r}: {error.message}", hint=error.hint) from error


def _refuse_doubles(file: str, zones: list[str], dial: Mapping[str, tuple[str, str]]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for column, (kind, name) in dial.items():
        key = kind, name.casefold() if kind == "header" else name
        if key in seen:
            zones = [seen[key], column]
        seen[key] = column
    if len(zones) > 1:
        raise InvalidInput(
            f"{file}: the columns {zones[0]!r} and {zones[1]!r} mean the same", hint="rename or remove one of them"
        )


def zone_of(data: Mapping[str, str], own: OwnColumns) -> str:
    """The contact's time zone as its column says, which ``find_problem`` has accepted; empty: it says nothing."""
    text = data[own.zone].strip() if own.zone else ""
    zone = _zone(text) if text else ""
    assert isinstance(zone, str)
    return zone


def find_problem(data: Mapping[str, str], own: OwnColumns) -> CellProblem | None:
    """What is wrong with the cells of these columns, or with the row's size; the first thing."""
    if sum(map(len, data.values())) > _SURELY_SMALL and (problem := _too_large(data)):
        return problem
    if own is NO_COLUMNS:
        return None
    if own.zone and (text := data[own.zone].strip()) and isinstance(fault := _zone(text), InvalidInput):
        return _problem(own.zone, "bad_time_zone", fault)
    return _find_in_dial(data, own.dial)


def _too_large(data: Mapping[str, str]) -> CellProblem | None:
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if size <= _MOST_DATA_BYTES:
        return None
    return CellProblem("", "data_too_large", f"the row has {size:,} bytes, an agent can be told {_MOST_DATA_BYTES:,}")


@lru_cache(maxsize=1024)
def _zone(text: str) -> str | InvalidInput:
    try:
        return check_zone(text)
    except InvalidInput as error:
        return error


def _find_in_dial(data: Mapping[str, str], dial: Mapping[str, tuple[str, str]]) -> CellProblem | None:
    attributes: dict[str, str] = {}
    for column, (kind, name) in dial.items():
        value = data[column]
        if not value:
            continue
        try:
            if kind == "attribute":
                attributes[name] = value
                check_attributes(attributes)
            elif kind == "header":
                check_header_value(name, value)
            else:
                _CHECKS[kind](value)
        except InvalidInput as error:
            return _problem(column, f"bad_{kind}", error)
    return None


_CHECKS: dict[str, Callable[[str], str]] = {"display_name": check_display_name, "dtmf": check_dtmf}


def _problem(column: str, code: str, error: InvalidInput) -> CellProblem:
    return CellProblem(column, code, f"{error.message}: {error.hint}" if error.hint else error.message)
