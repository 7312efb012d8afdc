"""Bytes become lines, or are refused with the line at fault."""

import pytest

from dialer.domain.csv_lines import decode_lines
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


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
