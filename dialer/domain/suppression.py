"""Numbers, and what numbers begin with, that are never called: how they are written down.  Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from dialer.domain.phone_number import NumberProblem, NumberProblemCode, mask, parse_number
from dialer.errors import InvalidInput

LONGEST_REASON = 500

_FEWEST_PREFIX_DIGITS = 2
_FEWEST_NUMBER_DIGITS = 7
_MOST_DIGITS = 15
_BETWEEN_DIGITS = re.compile(r"[\s().\-\u00a0\u2010-\u2015]")
_DIGITS = re.compile(r"\+([0-9]+)")
#: A day is over everywhere when it is over at UTC-12.
_LAST_ZONE = timedelta(hours=12)


class SuppressionSource(StrEnum):
    """Who put an entry on the list.  Values are stored and exported: never rename one."""

    OPERATOR = "operator"  #: ``dialer suppression add``
    FILE = "file"  #: ``dialer suppression import``
    AGENT = "agent"  #: a person asked for it on the phone
    LINE = "line"  #: the network answered that the call is unwanted (607)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSuppression:
    """What is to go on the list.

    Attributes:
        pattern: ``+`` and digits, as ``read_pattern`` returns it.
        is_prefix: every number that begins so; else this one number.
        campaign_id: for this campaign only; None: for all.
        ends_at: aware; None: without an end.
        attempt_id: in which it was asked for.
    """

    pattern: str
    is_prefix: bool = False
    campaign_id: int | None = None
    reason: str = ""
    source: SuppressionSource = SuppressionSource.OPERATOR
    ends_at: datetime | None = None
    attempt_id: UUID | None = None


def read_pattern(text: str, *, is_prefix: bool, country: str | None) -> str:
    """A number, or what numbers begin with, as ``+`` and digits.

    A number need not be one that may be called: a premium-rate one, or one of an older numbering plan, is taken as it
    is written when it begins with ``+``.

    Args:
        country: as ``check_country`` returns it; for numbers written without a country code.

    Raises:
        InvalidInput: it is not a number, or so short a prefix that it would stop more than one country.
    """
    found = find_pattern(text, is_prefix=is_prefix, country=country)
    if isinstance(found, NumberProblem):
        prefix = is_bare_prefix(text)
        hint = f"to suppress every number that begins with {prefix}, add --prefix" if prefix else _HINT[is_prefix]
        raise InvalidInput(f"{text.strip()[:60] if prefix else mask(text)}: {found.message}", hint=hint)
    return found


_HINT = {
    False: "write it with + and country code, as +14155550100",
    True: "write + and 2 to 15 digits, as +4930; with fewer, most of a continent would not be called",
}


def find_pattern(text: str, *, is_prefix: bool, country: str | None) -> str | NumberProblem:
    """As ``read_pattern``, for cells of a file: what is wrong is a value."""
    written = _DIGITS.fullmatch(_BETWEEN_DIGITS.sub("", text))
    if is_prefix:
        return _as_written(written, _FEWEST_PREFIX_DIGITS, _NO_PREFIX)
    number = parse_number(text, country=country)
    if not isinstance(number, NumberProblem):
        return number.e164
    return _as_written(written, _FEWEST_NUMBER_DIGITS, number)


_NO_PREFIX = NumberProblem(NumberProblemCode.NOT_A_NUMBER, "a prefix is + and 2 to 15 digits, the country code first")


def _as_written(written: re.Match[str] | None, fewest: int, otherwise: NumberProblem) -> str | NumberProblem:
    if written is None or not fewest <= len(written[1]) <= _MOST_DIGITS or written[1].startswith("0"):
        return otherwise
    return f"+{written[1]}"


def is_bare_prefix(text: str) -> str | None:
    """The text as a prefix, when it can be one and is too short for a number."""
    prefix = find_pattern(text, is_prefix=True, country=None)
    return prefix if isinstance(prefix, str) and len(prefix) <= _FEWEST_NUMBER_DIGITS else None


def read_until(text: str, *, now: datetime) -> datetime:
    """The end of a suppression: a moment with its offset, or a day, which lasts until it is over everywhere on earth.

    Raises:
        InvalidInput: it is neither, or it has passed.
    """
    until = _moment(text.strip())
    if until is None:
        raise InvalidInput(
            f"{text[:60]!r} is neither a day nor a time with its offset",
            hint="write 2026-12-31, or 2026-12-31T18:00+01:00",
        )
    if until <= now:
        raise InvalidInput(f"{text[:60]!r} has passed", hint="name a day or a moment that is still to come")
    return until


def _moment(text: str) -> datetime | None:
    try:
        if len(text) <= len("2026-12-31"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC) + _LAST_ZONE
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def check_reason(text: str) -> str:
    """The reason on one line.

    Raises:
        InvalidInput: it is too long to be one.
    """
    reason = " ".join(text.replace("\0", " ").split())
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"the reason has {len(reason):,} characters", hint=f"at most {LONGEST_REASON} are kept: shorten it"
        )
    return reason
