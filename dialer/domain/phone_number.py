"""A phone number as people write it, made into E.164 or refused with a reason.  Pure.

What a spreadsheet has damaged is refused, never reconstructed: a guessed digit rings at a stranger's.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult

from dialer.errors import InvalidInput


class NumberProblemCode(StrEnum):
    """Why a text is not a number we may call.  Values are stored and exported: never rename one."""

    MISSING = "missing"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID_COUNTRY = "invalid_country"
    NOT_POSSIBLE = "not_possible"
    NOT_VALID = "not_valid"
    SCIENTIFIC = "scientific"
    FLOAT_SUFFIX = "float_suffix"
    MULTIPLE_NUMBERS = "multiple_numbers"
    EMERGENCY = "emergency"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A valid number.

    Attributes:
        e164: ``+`` and 7 to 15 digits.
        extension: digits to send once the call is answered; never part of what is dialed.
        region: ISO 3166 alpha-2; None for numbers of no country, as +800.
    """

    e164: str
    extension: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class NumberProblem:
    """Why a text is refused.  ``message`` holds no digit of it, so that it may be logged."""

    code: NumberProblemCode
    message: str


_MESSAGES = {
    NumberProblemCode.MISSING: "there is no number",
    NumberProblemCode.NOT_A_NUMBER: "this is not a phone number",
    NumberProblemCode.TOO_SHORT: "too few digits",
    NumberProblemCode.TOO_LONG: "too many digits; does it lack the + before its country code?",
    NumberProblemCode.INVALID_COUNTRY: "which country? begin the number with + and its country code, or give --country",
    NumberProblemCode.NOT_POSSIBLE: "numbers of this country have another length; is the area code missing?",
    NumberProblemCode.NOT_VALID: "this number is not in use in its country's numbering plan",
    NumberProblemCode.SCIENTIFIC: "a spreadsheet has shortened the number and its digits are lost: "
    "export the column as text",
    NumberProblemCode.FLOAT_SUFFIX: "the number was exported as a decimal ('.0'): export the column as text",
    NumberProblemCode.MULTIPLE_NUMBERS: "more than one number in one cell: give each its own row",
    NumberProblemCode.EMERGENCY: "emergency numbers are never called",
    NumberProblemCode.PREMIUM: "premium-rate, shared-cost, pager, voicemail, satellite: never called",
}

_PARSE_FAULTS = {
    NumberParseException.INVALID_COUNTRY_CODE: NumberProblemCode.INVALID_COUNTRY,
    NumberParseException.NOT_A_NUMBER: NumberProblemCode.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberProblemCode.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: NumberProblemCode.TOO_SHORT,
    NumberParseException.TOO_LONG: NumberProblemCode.TOO_LONG,
}

_LENGTH_FAULTS = {
    ValidationResult.INVALID_COUNTRY_CODE: NumberProblemCode.INVALID_COUNTRY,
    ValidationResult.TOO_SHORT: NumberProblemCode.TOO_SHORT,
    ValidationResult.TOO_LONG: NumberProblemCode.TOO_LONG,
}

_COSTLY = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
}
_SATELLITE_CODES = {870, 881}
_NO_COUNTRY = "001"  # what phonenumbers calls the region of +800, +870 and the like

_NANP = re.compile(r"\+1[2-9][0-9]{9}")
_CLEAN = re.compile(r"\+?[0-9]{7,15}")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_EXCEL_TEXT = re.compile(r'=\s*"(.*)"')
_NOTHING = {"null", "none", "nil", "n/a", "na", "nan", "#n/a", "#value!", "#ref!"}
_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d+")
_FLOAT = re.compile(r"\+?\d{5,}[.,]0+")
_SEPARATORS = re.compile(r"[/;,|&\n]|(?<=\d)\s*\+|\s(?:or|and|und|oder|y|o|et|ou)\s", re.IGNORECASE)
_ENDINGS = re.compile(r"\D*(?:\d[\s()./-]*){7,}/\s*\d{1,4}")  # "736-5000/01": a second one, by its last digits
_EXTENSION = re.compile(r"(?:;ext=|extn?|extension|x|int|anexo|доб)\W*\d{1,15}#?$", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")

# The emergency numbers of any phone without a SIM (3GPP TS 22.101): refused whatever the country.
_EMERGENCY_ANYWHERE = {"000", "08", "110", "112", "118", "119", "911", "999"}
_SHORT_CODE_DIGITS = 6

_COUNTRY_SLIPS = {"UK": "GB", "EN": "GB", "USA": "US", "EL": "GR"}


def parse_number(text: str, *, country: str | None) -> PhoneNumber | NumberProblem:
    """Read one cell.

    Args:
        country: as ``check_country`` returns it; for numbers written without a country code.

    Returns:
        What ``phonenumbers`` calls valid, numbers kept for fiction (+1 415 555 0123) included.
    """
    if _NANP.fullmatch(text):  # parsing such a text takes as long as judging it, and can yield nothing else
        return _judge(phonenumbers.PhoneNumber(country_code=1, national_number=int(text[2:])))
    if not _CLEAN.fullmatch(text):
        text = _undress(text)
        if code := _find_damage(text, country):
            return _problem(code)
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as fault:
        return _problem(_PARSE_FAULTS[fault.error_type])
    if _has_lettered_digits(text, number):
        return _problem(NumberProblemCode.NOT_A_NUMBER)
    return _judge(number)


def mask(number: str) -> str:
    """``+1415***0123`` for logs and screens; of numbers under 11 digits at most half stays readable."""
    digits = "".join(character for character in number if character.isdecimal())
    kept = 4 if len(digits) >= 11 else len(digits) // 4
    plus = "+" if number.lstrip().startswith("+") else ""
    return f"{plus}{digits[:kept]}***{digits[len(digits) - kept :]}"


def check_country(text: str) -> str:
    """The country in the form ``parse_number`` takes.

    Raises:
        InvalidInput: it is not the two-letter code of a country with phone numbers.
    """
    country = text.strip().upper()
    if country in phonenumbers.SUPPORTED_REGIONS:
        return country
    meant = _COUNTRY_SLIPS.get(country) or _main_country(country.lstrip("+"))
    hint = f"did you mean {meant}?" if meant else "use the two letters of ISO 3166, as US, GB or DE"
    raise InvalidInput(f"{text!r} is not a country code", hint=hint)


def _undress(text: str) -> str:
    """Take off what spreadsheets and people put around a number; no digit is touched."""
    text = _INVISIBLE.sub("", text).strip()
    if wrapped := _EXCEL_TEXT.fullmatch(text):
        text = wrapped[1]
    return text.strip("\"' \t\u00a0")


def _find_damage(text: str, country: str | None) -> NumberProblemCode | None:
    digits = phonenumbers.normalize_digits_only(text)
    if text.casefold() in _NOTHING or not any(character.isalnum() for character in text):
        return NumberProblemCode.MISSING
    if _SCIENTIFIC.fullmatch(text):
        return NumberProblemCode.SCIENTIFIC
    if _FLOAT.fullmatch(text):
        return NumberProblemCode.FLOAT_SUFFIX
    if _is_emergency(digits, country):
        return NumberProblemCode.EMERGENCY
    if _ENDINGS.fullmatch(text) or _holds_two_numbers(text):
        return NumberProblemCode.MULTIPLE_NUMBERS
    return None


def _holds_two_numbers(text: str) -> bool:
    parts = [part for part in _SEPARATORS.split(text) if not part.lstrip().casefold().startswith("ext")]
    return sum(len(phonenumbers.normalize_digits_only(part)) >= 7 for part in parts) > 1


def _is_emergency(digits: str, country: str | None) -> bool:
    if len(digits) > _SHORT_CODE_DIGITS:
        return False
    return digits in _EMERGENCY_ANYWHERE or (country is not None and phonenumbers.is_emergency_number(digits, country))


def _has_lettered_digits(text: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether ``phonenumbers`` dialed letters, as in '212736 John'.  Only 1-800-FLOWERS may."""
    if text.isascii() and not any(character.isalpha() for character in text):
        return False
    after_first_digit = re.sub(r"^\D*", "", _EXTENSION.sub("", text))
    is_lettered = _LETTER.search(after_first_digit) is not None
    return is_lettered and phonenumbers.number_type(number) != PhoneNumberType.TOLL_FREE


def _judge(number: phonenumbers.PhoneNumber) -> PhoneNumber | NumberProblem:
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != ValidationResult.IS_POSSIBLE:
        return _problem(_LENGTH_FAULTS.get(length, NumberProblemCode.NOT_POSSIBLE))
    region = phonenumbers.region_code_for_number(number)
    kind = phonenumbers.number_type(number) if region else PhoneNumberType.UNKNOWN
    if region is None or kind == PhoneNumberType.UNKNOWN or _is_short_code(number, region):
        return _problem(NumberProblemCode.NOT_VALID)
    if kind in _COSTLY or number.country_code in _SATELLITE_CODES:
        return _problem(NumberProblemCode.PREMIUM)
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if len(e164) > 16:  # some plans allow more than E.164's 15 digits; no carrier takes them
        return _problem(NumberProblemCode.TOO_LONG)
    return PhoneNumber(e164, number.extension, None if region == _NO_COUNTRY else region)


def _is_short_code(number: phonenumbers.PhoneNumber, region: str) -> bool:
    is_long = (number.national_number or 0) >= 10**_SHORT_CODE_DIGITS
    return not is_long and phonenumbers.is_valid_short_number_for_region(number, region)


def _main_country(calling_code: str) -> str | None:
    if not calling_code.isascii() or not calling_code.isdecimal() or len(calling_code) > 3:
        return None
    region = phonenumbers.region_code_for_country_code(int(calling_code))
    return region if region in phonenumbers.SUPPORTED_REGIONS else None


def _problem(code: NumberProblemCode) -> NumberProblem:
    return NumberProblem(code, _MESSAGES[code])
