"""What becomes of a phone number as people and spreadsheets write it."""

import random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from dialer.domain.phone_number import (
    NumberProblem,
    NumberProblemCode,
    PhoneNumber,
    check_country,
    mask,
    parse_number,
)
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

OFFICE = PhoneNumber("+12127365000", region="US")
NOT_CALLED = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
}


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        pytest.param("+12127365000", None, OFFICE, id="E.164"),
        pytest.param("+12127365000", "DE", OFFICE, id="E.164 of another country than the file's"),
        pytest.param("(212) 736-5000", "US", OFFICE, id="national"),
        pytest.param("212.736.5000", "US", OFFICE, id="with dots"),
        pytest.param("0012127365000", "DE", OFFICE, id="international prefix of Germany"),
        pytest.param("  +1 212 736 5000\n", None, OFFICE, id="white space around"),
        pytest.param("'+12127365000", None, OFFICE, id="apostrophe that made a text of it"),
        pytest.param('="+12127365000"', None, OFFICE, id="formula that made a text of it"),
        pytest.param("=2127365000", "US", OFFICE, id="rest of a formula"),
        pytest.param("\u202a+12127365000\u202c", None, OFFICE, id="marks of direction"),
        pytest.param("+1\u00a0212\u00a0736\u00a05000", None, OFFICE, id="no-break spaces"),
        pytest.param("+１２１２７３６５０００", None, OFFICE, id="full-width digits"),  # noqa: RUF001
        pytest.param("٢١٢٧٣٦٥٠٠٠", "US", OFFICE, id="Arabic digits"),
        pytest.param("Mobile: 2127365000", "US", OFFICE, id="a word before it"),
        pytest.param("1-800-FLOWERS", "US", PhoneNumber("+18003569377", region="US"), id="toll-free word"),
        pytest.param("2079460018", "GB", PhoneNumber("+442079460018", region="GB"), id="leading zero lost"),
        pytest.param("+44 (0)20 7946 0018", None, PhoneNumber("+442079460018", region="GB"), id="(0)"),
        pytest.param("030/1234567", "DE", PhoneNumber("+49301234567", region="DE"), id="German slash"),
        pytest.param("+80012345678", None, PhoneNumber("+80012345678"), id="a number of no country"),
    ],
)
def test_a_number_becomes_e164(text: str, country: str | None, expected: PhoneNumber) -> None:
    assert parse_number(text, country=country) == expected


@pytest.mark.parametrize(
    "text",
    [
        "212-736-5000 x123",
        "212-736-5000 ext. 123",
        "+1 212 736 5000;ext=123",
        "tel:+1-212-736-5000;ext=123",
        "212-736-5000,,123#",
        "+1 212 736 5000 #123",
    ],
)
def test_an_extension_is_kept_apart(text: str) -> None:
    assert parse_number(text, country="US") == PhoneNumber("+12127365000", extension="123", region="US")


@pytest.mark.parametrize("area", [212, 415, 512, 650, 312, 907])
def test_numbers_kept_for_fiction_are_accepted(area: int) -> None:
    for last in range(100, 200):
        number = f"+1{area}5550{last}"
        assert parse_number(number, country=None) == PhoneNumber(number, region="US")


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        pytest.param("", "US", "missing", id="empty"),
        pytest.param(" - ", "US", "missing", id="dash"),
        pytest.param("NULL", "US", "missing", id="NULL"),
        pytest.param("n/a", "US", "missing", id="n/a"),
        pytest.param("Ann Lee", "US", "not_a_number", id="a name"),
        pytest.param("ann@example.com", "US", "not_a_number", id="a mail address"),
        pytest.param("212736 John", "US", "not_a_number", id="letters would become digits"),
        pytest.param("2127365000 (home)", "US", "not_a_number", id="a word after it"),
        pytest.param("=2127365000+1", "US", "not_a_number", id="a formula that computes"),
        pytest.param("+1212", None, "too_short", id="too short"),
        pytest.param("+121273650001", None, "too_long", id="one digit too many"),
        pytest.param("+499999999999999999", None, "too_long", id="over fifteen digits"),
        pytest.param("12127365000", None, "invalid_country", id="a spreadsheet ate the plus"),
        pytest.param("+9991234567", None, "invalid_country", id="no such country code"),
        pytest.param("736-5000", "US", "not_possible", id="area code missing"),
        pytest.param("+15551234567", None, "not_valid", id="area code 555"),
        pytest.param("+15550100123", None, "not_valid", id="a recording's number"),
        pytest.param("+447700900123", None, "not_valid", id="British drama number"),
        pytest.param("1.55512E+10", "US", "scientific", id="scientific"),
        pytest.param("1,55512e10", "US", "scientific", id="scientific with a comma"),
        pytest.param("15551234567.0", "US", "float_suffix", id="decimal"),
        pytest.param("+12127365000 / 2127365001", "US", "multiple_numbers", id="slash between two"),
        pytest.param("+12127365000 +12127365001", None, "multiple_numbers", id="blank between two"),
        pytest.param("2127365000; 2127365001", "US", "multiple_numbers", id="semicolon between two"),
        pytest.param("tel 2127365000 or tel 2127365001", "US", "multiple_numbers", id="or between two"),
        pytest.param("Tel. 212-736-5000/01", "US", "multiple_numbers", id="second by its last digits"),
        pytest.param("030/1234567/68", "DE", "multiple_numbers", id="German slash and a second ending"),
        pytest.param("911", "US", "emergency", id="911"),
        pytest.param("tel:112", "DE", "emergency", id="112"),
        pytest.param("999", None, "emergency", id="emergency whatever the country"),
        pytest.param("+19002345678", None, "premium", id="premium rate"),
        pytest.param("+870773111632", None, "premium", id="satellite"),
    ],
)
def test_what_cannot_be_called_has_a_stable_code(text: str, country: str | None, code: str) -> None:
    result = parse_number(text, country=country)
    assert isinstance(result, NumberProblem)
    assert result.code == code


def test_a_problem_does_not_repeat_the_number() -> None:
    result = parse_number("+15551234567", country=None)
    assert isinstance(result, NumberProblem)
    assert not any(character.isdigit() for character in result.message)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_no_emergency_number_of_any_country_passes(region: str) -> None:
    codes = [text for text in map(str, range(1000)) if phonenumbers.is_emergency_number(text, region)]
    for text in codes:
        result = parse_number(text, country=region)
        assert isinstance(result, NumberProblem)
        assert result.code == NumberProblemCode.EMERGENCY


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_each_country_s_example_reads_the_same_in_every_form(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)

    result = parse_number(e164, country=None)

    assert isinstance(result, PhoneNumber)
    assert result.e164 == e164
    assert result == parse_number(international, country=None) == parse_number(national, country=region)


def test_the_fast_path_agrees_with_phonenumbers() -> None:
    chance = random.Random(7)
    areas = [*range(200, 1000), 212, 416, 441, 500, 555, 800, 809, 876, 900]
    for _ in range(3000):
        text = f"+1{chance.choice(areas)}{chance.randrange(10**7):07d}"
        slow = phonenumbers.parse(text, None)
        is_called = phonenumbers.is_valid_number(slow) and phonenumbers.number_type(slow) not in NOT_CALLED
        expected = PhoneNumber(text, region=phonenumbers.region_code_for_number(slow)) if is_called else None
        result = parse_number(text, country=chance.choice([None, "US", "DE"]))
        assert (result if isinstance(result, PhoneNumber) else None) == expected
        # A blank takes the same digits around the fast path.
        assert parse_number(f"{text[:5]} {text[5:]}", country=None) == result


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+14155550123", "+1415***0123"),
        ("+442079460018", "+4420***0018"),
        ("+1 415 555 0123", "+1415***0123"),
        ("4155550123", "41***23"),
        ("+6834000", "+6***0"),
        ("911", "***"),
        ("Ann Lee", "***"),
        ("", "***"),
    ],
)
def test_a_number_is_masked(number: str, masked: str) -> None:
    assert mask(number) == masked


@pytest.mark.parametrize("text", ["US", "us", " Us\n"])
def test_a_country_is_two_letters_of_any_case(text: str) -> None:
    assert check_country(text) == "US"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("UK", "did you mean GB?"),
        ("USA", "did you mean US?"),
        ("+49", "did you mean DE?"),
        ("44", "did you mean GB?"),
        ("Germany", "use the two letters of ISO 3166, as US, GB or DE"),
        ("800", "use the two letters of ISO 3166, as US, GB or DE"),
        ("", "use the two letters of ISO 3166, as US, GB or DE"),
    ],
)
def test_what_is_no_country_is_refused_with_a_way_out(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_country(text)
    assert raised.value.hint == hint
