"""The columns of a contact file that the dialer reads: zones, names, tones, headers, attributes."""

import csv
from collections.abc import Iterator

import pytest

from dialer.domain.contact_file import ContactRow, read_contacts
from dialer.domain.rejected_rows import RejectedRow
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

ANN = "+14155550101"


def rows_of(text: str) -> list[ContactRow | RejectedRow]:
    lines: Iterator[str] = iter(text.splitlines(keepends=True))
    return list(read_contacts(lines, country=None, phone_column=None, name="list.csv"))


@pytest.mark.parametrize("column", ["time_zone", "timezone", "Time Zone", "TIME-ZONE"])
def test_a_zone_is_read(column: str) -> None:
    rows = rows_of(f"phone,{column}\n{ANN},europe/berlin\n{ANN},\n{ANN}\n")
    assert [row.zone for row in rows if isinstance(row, ContactRow)] == ["Europe/Berlin", "", ""]
    assert isinstance(rows[0], ContactRow)
    assert rows[0].data == {column: "europe/berlin"}, "the agent gets the cell as it was"


@pytest.mark.parametrize(
    ("column", "value", "code", "part"),
    [
        pytest.param("time_zone", "Europe/Berln", "bad_time_zone", "did you mean Europe/Berlin?", id="zone"),
        pytest.param("dtmf", "1-2", "bad_dtmf", "0-9 * # A-D", id="tones"),
        pytest.param("display_name", "A\\B", "bad_display_name", "no quotes, backslashes", id="name"),
        pytest.param("header:X-Plan", "a\tb", "bad_header", "the value of the header X-Plan", id="header"),
        pytest.param("attribute:plan", "x" * 70_000, "bad_attribute", "70,004 bytes", id="attribute"),
    ],
)
def test_a_bad_cell_is_a_refused_row(column: str, value: str, code: str, part: str) -> None:
    good, bad = rows_of(f"phone,{column}\n{ANN},\n{ANN},{value}\n")
    assert isinstance(good, ContactRow)
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.column, bad.value, bad.code) == (3, column, value, code)
    assert part in bad.message


def test_a_row_that_no_agent_can_be_told_is_refused_with_its_size() -> None:
    columns = [f"c{place}" for place in range(9)]
    cells = ["ä" * 60_000 for _ in columns]
    text = f"phone,{','.join(columns)}\n{ANN},{','.join(cells)}\n{ANN},{','.join(cells[:4])}\n"
    assert len(cells[0]) < csv.field_size_limit()
    large, small = rows_of(text)
    assert isinstance(large, RejectedRow)
    assert (large.code, large.column) == ("data_too_large", "")
    assert "the row has 1,080," in large.message
    assert isinstance(small, ContactRow)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        pytest.param("phone,header:Via", "column 'header:Via': the header Via is not ours", id="a header of SIP's own"),
        pytest.param("phone,header:X Plan", "is not the name of a header", id="no header name"),
        pytest.param("phone,header:", "is not the name of a header", id="header without name"),
        pytest.param("phone,attribute:sip.x", "are set by LiveKit", id="an attribute of LiveKit's"),
        pytest.param("phone,attribute:", "an attribute needs a name", id="attribute without name"),
        pytest.param("phone,time_zone,timezone", "'time_zone' and 'timezone' mean the same", id="two zones"),
        pytest.param("phone,header:X-A,header: x-a", "mean the same", id="one header twice"),
    ],
)
def test_a_column_that_cannot_be_right_refuses_the_file(header: str, part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        rows_of(f"{header}\n{ANN},x\n")
    assert part in raised.value.message
    assert raised.value.message.startswith("list.csv")
    assert raised.value.hint
