"""What becomes of each row of a contact file."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest

from dialer.domain.contact_file import (
    ContactRow,
    RejectedRow,
    decode_lines,
    read_contacts,
    read_header,
    read_rows,
    write_rejected,
)
from dialer.domain.phone_number import PhoneNumber
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

ANN, BOB, CID = "+14155550101", "+14155550102", "+14155550103"


def lines_of(text: str) -> Iterator[str]:
    return iter(text.splitlines(keepends=True))


def rows_of(
    text: str, *, country: str | None = None, phone_column: str | None = None
) -> list[ContactRow | RejectedRow]:
    return list(read_contacts(lines_of(text), country=country, phone_column=phone_column, name="list.csv"))


def told(rows: list[ContactRow | RejectedRow]) -> list[tuple[int, str]]:
    """Line and what became of it: the number, or the code."""
    return [(row.line, row.number.e164 if isinstance(row, ContactRow) else row.code) for row in rows]


def refusal(text: str, phone_column: str | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as raised:
        read_header(lines_of(text), phone_column=phone_column, name="list.csv")
    return raised.value


# Header


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


def test_a_separator_line_of_excel_is_obeyed() -> None:
    rows = rows_of(f"sep=;\nname;phone\nAnn, Lee;{ANN}\n")
    assert rows == [ContactRow(line=3, number=PhoneNumber(ANN, region="US"), data={"name": "Ann, Lee"})]


def test_unnamed_columns_get_a_name_and_trailing_ones_go() -> None:
    header = read_header(lines_of(",phone,,city,,\n"), phone_column=None, name="list.csv")
    assert header.columns == ("column_1", "phone", "column_3", "city")


@pytest.mark.parametrize("asked", ["work line", "Work Line", "WORK_LINE"])
def test_a_phone_column_may_be_named(asked: str) -> None:
    rows = rows_of(f"phone,Work Line\n{ANN},{BOB}\n", phone_column=asked)
    assert rows == [ContactRow(line=2, number=PhoneNumber(BOB, region="US"), data={"phone": ANN})]


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


def test_the_header_is_judged_before_the_first_row_is_asked_for() -> None:
    with pytest.raises(InvalidInput):
        read_contacts(iter(["name\n"]), country=None, phone_column=None, name="list.csv")


# Rows


def test_a_row_keeps_its_other_columns() -> None:
    assert rows_of(f"name,phone,city\nAnn,{ANN},Oslo\n") == [
        ContactRow(line=2, number=PhoneNumber(ANN, region="US"), data={"name": "Ann", "city": "Oslo"})
    ]


def test_a_country_reads_national_numbers() -> None:
    assert told(rows_of("phone\n(212) 736-5000\n", country="US")) == [(2, "+12127365000")]


def test_a_bad_number_is_rejected_with_all_its_cells() -> None:
    assert rows_of("name,phone\nAnn,1.2E10\n") == [
        RejectedRow(
            line=2,
            column="phone",
            value="1.2E10",
            code="scientific",
            message="a spreadsheet has shortened the number and its digits are lost: export the column as text",
            data={"name": "Ann", "phone": "1.2E10"},
        )
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"phone,a,b\n{ANN}\n", [(2, ANN)], id="missing cells are empty"),
        pytest.param(f"a,phone\nx\n{ANN}\n", [(2, "missing"), (3, "missing")], id="the number is missing"),
        pytest.param(f"phone,a\n{ANN},x,,\n", [(2, ANN)], id="empty cells too many"),
        pytest.param(f"phone,a\n{ANN},x,y\n", [(2, "bad_column_count")], id="cells too many"),
        pytest.param(f"phone\n\n{ANN}\n  \n{BOB}\n\n", [(3, ANN), (5, BOB)], id="blank lines"),
        pytest.param(f"phone,a,b\n{ANN}\n,,\n{BOB}\n", [(2, ANN), (4, BOB)], id="rows of empty cells"),
        pytest.param(f"\n\nphone\n{ANN}\n", [(4, ANN)], id="blank lines before the header"),
        pytest.param(f"phone\r\n{ANN}\r\n{BOB}", [(2, ANN), (3, BOB)], id="CRLF and no end of the last line"),
        pytest.param(f'phone,a\n{ANN},"1\n2\n3"\n{BOB},\n', [(2, ANN), (5, BOB)], id="line breaks in a cell"),
        pytest.param(f'"ph\none",a\n{ANN},\n', [(3, ANN)], id="line break in the header"),
        pytest.param(f'a,phone\n"say ""hi""", "{ANN}"\n', [(2, ANN)], id="blank before a quote"),
        pytest.param(f'phone,a\n{ANN},5" pipe\n', [(2, ANN)], id="quote inside a cell"),
        pytest.param(f"phone\n{ANN}\n{ANN}\n", [(2, ANN), (3, ANN)], id="doubles are the ledger's business"),
    ],
)
def test_every_row_is_answered_with_its_physical_line(text: str, expected: list[tuple[int, str]]) -> None:
    phone_column = "ph\none" if text.startswith('"ph') else None
    assert told(rows_of(text, phone_column=phone_column)) == expected


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param(f'{ANN},"5 inch', "bad_quotes", id="never closed"),
        pytest.param(f'{ANN},"5" inch', "bad_quotes", id="text after the closing quote"),
        pytest.param(f"{ANN},{'x' * 140_000}", "cell_too_long", id="a cell too long"),
    ],
)
@pytest.mark.parametrize("after", [1, 20_000], ids=["few rows after it", "many rows after it"])
def test_a_broken_row_takes_no_other_along(broken: str, code: str, after: int) -> None:
    rows = rows_of(f"phone,a\n{BOB},\n{broken}\n" + f"{CID},x\n" * after)
    assert told(rows) == [(2, BOB), (3, code), *((line, CID) for line in range(4, 4 + after))]


def test_a_broken_row_says_what_it_held() -> None:
    (row,) = rows_of(f'phone,a\n{ANN},"x" y\n')
    assert isinstance(row, RejectedRow)
    assert (row.value, row.data) == (f'{ANN},"x" y', {"phone": "", "a": ""})


def test_rows_can_be_read_after_a_look_at_the_header() -> None:
    lines = lines_of(f"phone,a\n{ANN},x\n")
    header = read_header(lines, phone_column=None, name="list.csv")
    assert told(list(read_rows(lines, header, country=None))) == [(2, ANN)]


def test_a_long_file_is_never_held_in_memory() -> None:
    chunk = "".join(f"{BOB},{'x' * 1000}\n" for _ in range(64)).encode()
    chunks = (b"phone,a\n" if turn == 0 else chunk for turn in range(100))
    tracemalloc.start()
    try:
        rows = read_contacts(decode_lines(chunks, "list.csv"), country=None, phone_column=None, name="list.csv")
        assert sum(1 for _ in rows) == 99 * 64
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # the file has 6 MB
    finally:
        tracemalloc.stop()


# Bytes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_however_the_bytes_arrive(size: int) -> None:
    data = "\ufeffphone\r\nZoë\rlast\u2028one\n\n\r\nend".encode()
    chunks = (data[at : at + size] for at in range(0, len(data), size))
    assert list(decode_lines(chunks, "list.csv")) == ["phone\n", "Zoë\n", "last\u2028one\n", "\n", "\n", "end"]


@pytest.mark.parametrize(
    ("chunks", "line"),
    [
        pytest.param([b"phone\nAnn\nZo\xeb\n"], 3, id="cp1252"),
        pytest.param([b"phone\r\nAnn\r\n", b"x\0y\r\n"], 3, id="NUL"),
        pytest.param(["phone\n".encode("utf-16")], 1, id="UTF-16"),
        pytest.param([b"PK\x03\x04\x14\0\0\0"], 1, id="xlsx"),
        pytest.param([b"phone\nZo\xc3"], 2, id="cut in the middle of a letter"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(chunks: list[bytes], line: int) -> None:
    with pytest.raises(InvalidInput, match=f"list.csv, line {line} is not UTF-8") as raised:
        list(decode_lines(chunks, "list.csv"))
    assert "CSV UTF-8" in (raised.value.hint or "")


def test_a_line_without_end_is_refused() -> None:
    endless = (b"phone\n" if turn == 0 else b"x" * 65536 for turn in range(1000))
    with pytest.raises(InvalidInput, match="line 2 is longer than 1 MiB"):
        list(decode_lines(endless, "list.csv"))


# The error file


def test_the_error_file_can_be_mended_and_imported_again() -> None:
    rows = [row for row in rows_of('name,phone\n"=cmd()",123\nBob,\n') if isinstance(row, RejectedRow)]

    text = "".join(write_rejected(rows))

    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {
            "name": "'=cmd()",
            "phone": "123",
            "_line": "2",
            "_column": "phone",
            "_value": "123",
            "_code": "invalid_country",
            "_message": rows[0].message,
        },
        {
            "name": "Bob",
            "phone": "",
            "_line": "3",
            "_column": "phone",
            "_value": "",
            "_code": "missing",
            "_message": "there is no number",
        },
    ]
    again = [row for row in rows_of(text) if isinstance(row, RejectedRow)]
    assert next(write_rejected(again)) == "name,phone,_line,_column,_value,_code,_message\r\n"


def test_the_error_file_of_no_rows_is_a_header() -> None:
    assert list(write_rejected([], ["phone"])) == ["phone,_line,_column,_value,_code,_message\r\n"]
