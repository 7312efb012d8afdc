"""Rows on their way out: CSV that a spreadsheet may open without running it, and JSON as it is.  Pure."""

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from dialer.errors import InvariantBroken

DECIMALS = 3

# A cell that is nothing but a number cannot carry a formula, and an escaped one cannot be dialed.
_PURE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # OWASP's list, and its full-width twins


def safe_cell(value: object) -> str:
    """The text of a CSV cell; ``'`` goes before what a spreadsheet would run as a formula.

    Only texts can be formulas: -1.5 given as a number stays.
    """
    text = _text(value)
    if not isinstance(value, str | Mapping | list | tuple):
        return text
    return f"'{text}" if _FORMULA.match(text) and not _PURE_NUMBER.fullmatch(text) else text


def results_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> Iterator[str]:
    """Lines of RFC 4180, the header first.  What a row lacks is an empty cell."""
    writer = csv.writer(_Passing(), lineterminator="\r\n")
    yield _line(writer, columns)
    for row in rows:
        yield _line(writer, [row.get(column) for column in columns])


def results_json(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A JSON array, one row to a line; nothing is escaped but what JSON itself asks for."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


class _Passing:
    """A file for ``csv.writer`` that hands back what is written to it, so that nothing is kept."""

    def write(self, text: str) -> str:
        return text


class _Writer(Protocol):
    def writerow(self, row: Iterable[str], /) -> object: ...


def _line(writer: _Writer, values: Iterable[object]) -> str:
    return str(writer.writerow([safe_cell(value) for value in values]))


def _text(value: object) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return plain
    if isinstance(plain, float):
        return f"{plain:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    """``value`` in JSON's own types: moments with their offset, floats rounded, NaN as nothing."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        # Adding 0.0 makes -0.0 a 0.0.
        return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value)


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise InvariantBroken("a time without a zone was about to be exported")
    return value.isoformat(timespec="milliseconds")
