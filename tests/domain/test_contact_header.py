"""The header of a contact file: which column holds the number, and what cannot be used."""

from collections.abc import Iterator

import pytest

from dialer.domain.contact_header import read_header
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

ANN = "+14155550101"


def lines_of(text: str) -> Iterator[str]:
    return iter(text.splitlines(keepends=True))


def refusal(text: str, phone_column: str | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as raised:
        read_header(lines_of(text), phone_column=phone_column, name="list.csv")
    return raised.value


@pytest.mark.parametrize(
    ("header", "phone", "delimiter"),
    [
        pytest.param("phone,name", "phone", ",", id="comma"),
        pytest.param("name;phone", "phone", ";", id="semicolon"),
        pytest.param("name\tphone\tcity", "phone", "\t", id="tab"),
        pytest.param("name|phone", "phone", "|", id="pipe"),
        pytest.param("phone", "phone", ",", id="one column"),
        pytest.param("name, first;phone", "phone", ";", id="comma inside a name"),
        pytest.param('"name; first",phone', "phone", ",", id="semicolon inside quotes"),
        pytest.param("\ufeffPhone,name", "Phone", ",", id="byte order mark"),
        pytest.param("PHONE NUMBER,name", "PHONE NUMBER", ",", id="upper case"),
        pytest.param("Phone_Number,name", "Phone_Number", ",", id="underscore"),
        pytest.param("Numéro de téléphone;nom", "Numéro de téléphone", ";", id="French"),
        pytest.param("nombre,Número", "Número", ",", id="Spanish"),
        pytest.param("Name;Telefonnummer", "Telefonnummer", ";", id="German"),
        pytest.param("имя;Телефон", "Телефон", ";", id="Russian"),
        pytest.param("MSISDN,x", "MSISDN", ",", id="MSISDN"),
        pytest.param("name , cell ", "cell", ",", id="blanks around names"),
        pytest.param('"mobile\nphone",name', "mobile\nphone", ",", id="line break in a name"),
    ],
)
def test_the_header_is_recognised(header: str, phone: str, delimiter: str) -> None:
    found = read_header(lines_of(header + "\n"), phone_column=None, name="list.csv")
    assert (found.phone, found.delimiter) == (phone, delimiter)


def test_unnamed_columns_get_a_name_and_trailing_ones_go() -> None:
    header = read_header(lines_of(",phone,,city,,\n"), phone_column=None, name="list.csv")
    assert header.columns == ("column_1", "phone", "column_3", "city")


@pytest.mark.parametrize("asked", ["work line", "Work Line", "WORK_LINE"])
def test_a_phone_column_may_be_named(asked: str) -> None:
    found = read_header(lines_of("phone,Work Line\n"), phone_column=asked, name="list.csv")
    assert found.phone == "Work Line"


@pytest.mark.parametrize(
    ("text", "phone_column", "message", "hint"),
    [
        pytest.param("", None, "list.csv is empty", "its first line", id="empty"),
        pytest.param("\n \n\n", None, "list.csv is empty", "its first line", id="only blank lines"),
        pytest.param("sep=;\n", None, "list.csv is empty", "its first line", id="only a separator line"),
        pytest.param("name,city", None, "its columns are 'name', 'city'", "--phone-column NAME", id="no phone"),
        pytest.param("phone,mobile", None, "'phone', 'mobile' may each", "--phone-column 'phone'", id="two"),
        pytest.param("phone,name,Name", None, "two columns named 'Name'", "rename", id="a name twice"),
        pytest.param(f"{ANN},Ann", None, "begins with a number", "phone,name", id="no header"),
        pytest.param("nmae,phones", "phone", "no column 'phone'", "--phone-column 'phones'", id="nearest name"),
        pytest.param('"phone,name', None, "line 1: the header cannot be read", "", id="open quote"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(text: str, phone_column: str | None, message: str, hint: str) -> None:
    refused = refusal(text, phone_column)
    assert message in refused.message
    assert hint in (refused.hint or "")


def test_a_file_without_header_is_refused_without_repeating_a_number() -> None:
    assert ANN not in refusal(f"{ANN},Ann\n").message
