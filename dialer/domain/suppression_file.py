"""A file of numbers that are never called, read as a stream: every row becomes an entry or a rejection.  Pure.

It is read as a contact file is.  Beside the phone column, ``reason``, ``until`` and ``prefix`` mean something; other
columns are passed over, so that an exported contact file can be given as it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dialer.domain.contact_columns import NO_COLUMNS, fold
from dialer.domain.contact_file import ContactRow, read_rows
from dialer.domain.contact_header import Header, read_header
from dialer.domain.phone_number import NumberProblem
from dialer.domain.rejected_rows import RejectedRow
from dialer.domain.suppression import (
    NewSuppression,
    SuppressionSource,
    check_reason,
    find_pattern,
    is_bare_prefix,
    read_until,
)
from dialer.errors import InvalidInput

_YES = {"true", "yes", "y", "1", "x"}
_NO = {"", "false", "no", "n", "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What holds for the rows of a file that do not say otherwise.

    Attributes:
        country: of numbers written without a country code.
        now: aware; an end before it is refused.
    """

    country: str | None
    campaign_id: int | None
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class _Columns:
    phone: str
    reason: str | None
    until: str | None
    prefix: str | None


def read_suppressions(
    lines: Iterable[str], *, phone_column: str | None, name: str, defaults: Defaults
) -> Iterator[NewSuppression | RejectedRow]:
    """Read the header now, and the rows as they are asked for.

    Raises:
        InvalidInput: the header cannot be used; see ``contact_header.read_header``.
    """
    remaining = iter(lines)
    header = replace(read_header(remaining, phone_column=phone_column, name=name), own=NO_COLUMNS)
    columns = _columns(header)
    return (_entry(row, columns, defaults) for row in read_rows(remaining, header, country=defaults.country))


def _columns(header: Header) -> _Columns:
    by_fold = {fold(column): column for column in header.columns if column != header.phone}
    return _Columns(header.phone, by_fold.get("reason"), by_fold.get("until"), by_fold.get("prefix"))


def _entry(row: ContactRow | RejectedRow, columns: _Columns, defaults: Defaults) -> NewSuppression | RejectedRow:
    """A row that the contact file refuses for its number may still be one that is not to be called."""
    if isinstance(row, RejectedRow) and row.column != columns.phone:
        return row
    data = row.data
    is_prefix = _is_yes(data[columns.prefix]) if columns.prefix else False
    if is_prefix is None:
        assert columns.prefix is not None
        return _rejected(row, columns, columns.prefix, "bad_prefix", "neither yes nor no")
    pattern = _pattern(row, is_prefix, defaults)
    if isinstance(pattern, NumberProblem):
        return _rejected(row, columns, columns.phone, pattern.code, _advice(row, pattern))
    return _checked(row, columns, pattern, is_prefix=is_prefix, defaults=defaults)


def _is_yes(cell: str) -> bool | None:
    word = cell.strip().casefold()
    return True if word in _YES else False if word in _NO else None


def _pattern(row: ContactRow | RejectedRow, is_prefix: bool, defaults: Defaults) -> str | NumberProblem:
    if isinstance(row, ContactRow):
        return row.number.e164
    return find_pattern(row.value, is_prefix=is_prefix, country=defaults.country)


def _advice(row: ContactRow | RejectedRow, problem: NumberProblem) -> str:
    is_prefix = isinstance(row, RejectedRow) and is_bare_prefix(row.value) is not None
    return f"{problem.message}; for a prefix, a column 'prefix' has to say yes" if is_prefix else problem.message


def _checked(
    row: ContactRow | RejectedRow, columns: _Columns, pattern: str, *, is_prefix: bool, defaults: Defaults
) -> NewSuppression | RejectedRow:
    until = row.data[columns.until].strip() if columns.until else ""
    try:
        ends_at = read_until(until, now=defaults.now) if until else None
    except InvalidInput as error:
        assert columns.until is not None
        return _rejected(row, columns, columns.until, "bad_until", f"{error.message}: {error.hint}")
    reason = row.data[columns.reason] if columns.reason else ""
    try:
        reason = check_reason(reason) or defaults.reason
    except InvalidInput as error:
        assert columns.reason is not None
        return _rejected(row, columns, columns.reason, "bad_reason", f"{error.message}: {error.hint}")
    return NewSuppression(
        pattern=pattern,
        is_prefix=is_prefix,
        campaign_id=defaults.campaign_id,
        reason=reason,
        source=SuppressionSource.FILE,
        ends_at=ends_at,
    )


def _rejected(row: ContactRow | RejectedRow, columns: _Columns, column: str, code: str, message: str) -> RejectedRow:
    """The row with its number, which a ``ContactRow`` keeps apart."""
    data = row.data
    if isinstance(row, ContactRow):
        data = {columns.phone: row.number.e164, **data}
    return RejectedRow(line=row.line, column=column, value=data.get(column, ""), code=code, message=message, data=data)
