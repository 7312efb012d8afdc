"""What numbers begin with, as an operator gives it: ``+44``, or a country, which stands for its calling code.  Pure."""

import re
from dataclasses import dataclass

import phonenumbers

from dialer.domain.phone_number import check_country
from dialer.errors import InvalidInput

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_BETWEEN_DIGITS = re.compile(r"[\s().-]")
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class NumberPrefix:
    """What numbers begin with.

    Attributes:
        digits: ``+`` and digits.
        notice: which other countries share the calling code of the one that was named; None: none do.
    """

    digits: str
    notice: str | None = None


def parse_prefix(text: str) -> NumberPrefix:
    """Read ``+44``, ``+44 20`` or ``GB``.

    Raises:
        InvalidInput: it is neither.
    """
    digits = _BETWEEN_DIGITS.sub("", text)
    if _PREFIX.fullmatch(digits):
        return NumberPrefix(digits)
    if any(character.isdecimal() for character in text) or not text.strip():
        raise InvalidInput(
            f"{text.strip()[:40]!r} is not what numbers begin with",
            hint="write + and digits, as +44 or +4420, or a country, as GB",
        )
    country = check_country(text)
    code = phonenumbers.country_code_for_region(country)
    return NumberPrefix(f"+{code}", _shared(country, code))


def _shared(country: str, code: int) -> str | None:
    others = [other for other in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code] if other != country]
    if not others:
        return None
    named = ", ".join(others[:_MOST_NAMED])
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return f"{country} stands for +{code}, which {named}{more} share: their numbers are meant too"


def calling_code(beginning: str) -> str:
    """``+49`` of ``+4930``: the country code that a number begins with; what is none stays as it is."""
    digits = beginning.lstrip("+")
    for length in (1, 2, 3):
        if digits[:length].isdecimal() and int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return f"+{digits[:length]}"
    return beginning
