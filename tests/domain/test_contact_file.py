"""What becomes of each row of a contact file."""

import tracemalloc
from collections.abc import Iterator

import pytest

from dialer.domain.contact_file import ContactRow, read_contacts, read_rows
from dialer.domain.contact_header import read_header
from dialer.domain.csv_lines import decode_lines
from dialer.domain.phone_number import PhoneNumber
from dialer.domain.rejected_rows import RejectedRow
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


def test_the_header_is_judged_before_the_first_row_is_asked_for() -> None:
    with pytest.raises(InvalidInput):
        read_contacts(iter(["name\n"]), country=None, phone_column=None, name="list.csv")


def test_a_separator_line_of_excel_is_obeyed() -> None:
    rows = rows_of(f"sep=;\nname;phone\nAnn, Lee;{ANN}\n")
    assert rows == [ContactRow(line=3, number=PhoneNumber(ANN, region="US"), data={"name": "Ann, Lee"})]


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
