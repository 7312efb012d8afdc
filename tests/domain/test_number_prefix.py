"""What numbers begin with, as operators write it."""

import pytest

from dialer.domain.number_prefix import calling_code, parse_prefix
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "digits"),
    [("+44", "+44"), (" +44 (20) ", "+4420"), ("DE", "+49"), ("gb", "+44"), ("US", "+1"), ("+1-212", "+1212")],
)
def test_a_prefix_is_digits_or_a_country(text: str, digits: str) -> None:
    assert parse_prefix(text).digits == digits


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        pytest.param("GB", "GB stands for +44, which GG, IM, JE share: their numbers are meant too", id="few share it"),
        pytest.param("CA", "CA stands for +1, which US, AG, AI, AS and 20 more share", id="many share it"),
        pytest.param("DE", None, id="nobody does"),
        pytest.param("+44", None, id="digits are what was meant"),
    ],
)
def test_a_shared_calling_code_is_pointed_out(text: str, notice: str | None) -> None:
    found = parse_prefix(text).notice
    assert found is None if notice is None else found is not None and found.startswith(notice)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("44", "'44' is not what numbers begin with"),
        ("+", "'+' is not a country code"),
        ("+0", "'+0' is not what"),
        ("+1234567890123456", "is not what"),
        ("UK", "'UK' is not a country code"),
        ("", "'' is not what"),
        ("+4x", "is not what"),
    ],
)
def test_what_is_neither_is_refused_with_a_way_out(text: str, part: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_prefix(text)
    assert part in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("beginning", "code"), [("+493", "+49"), ("+121", "+1"), ("+358", "+358"), ("+999", "+999"), ("+7", "+7")]
)
def test_calling_code(beginning: str, code: str) -> None:
    assert calling_code(beginning) == code
