"""The lines of a CSV file as it is uploaded: UTF-8, read as a stream, counted.  Pure.

Line numbers are physical lines, counted from 1.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from dialer.errors import InvalidInput

LONGEST_LINE_BYTES = 1 << 20
_HINT_TEXT = "save the list as 'CSV UTF-8'; spreadsheets and UTF-16 files cannot be read"


def decode_lines(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """The lines of a UTF-8 file, each with its ``\\n``; CR and CRLF end lines too, a BOM is dropped.

    Raises:
        InvalidInput: it is not UTF-8 text.  Lines of the chunks before may have been handed out by then.
    """
    for lines_before, block in _whole_lines(chunks, name):
        text = _decode(block, name, lines_before)
        if lines_before == 0:
            text = text.removeprefix("\ufeff")
        lines = text.split("\n")
        yield from (line + "\n" for line in lines[:-1])
        if lines[-1]:
            yield lines[-1]


def csv_reader(source: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of each row."""
    # strict: without it an unclosed quote takes all rows to the end of the file, silently
    return csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)


class CountedLines:
    """Physical lines, counted, of which a row that cannot be read gives back all but its first.

    A quote that is never closed would otherwise take the rows after it along.
    """

    def __init__(self, lines: Iterator[str], *, count: int = 0) -> None:
        self.count = count
        self._lines = lines
        self._returned: deque[str] = deque()
        self._row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.count += 1
        self._row.append(line)
        return line

    def begin_row(self) -> int:
        self._row.clear()
        return self.count + 1

    def give_up_row(self) -> list[str]:
        row = self._row.copy()
        self.put_back(row[1:])
        return row

    def put_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))
        self.count -= len(lines)

    def skip_blank(self) -> str:
        """The next line with content; empty at the end."""
        return next((line for line in self if line.strip("\ufeff \t\r\n")), "")


def _whole_lines(chunks: Iterable[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Blocks that end where a line ends, each with the count of lines before it."""
    lines, rest = 0, b""
    for chunk in chunks:
        rest += chunk
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1  # a CR at the very end may be half a CRLF
        if not end and len(rest) > LONGEST_LINE_BYTES:
            raise InvalidInput(f"{name}, line {lines + 1} is longer than 1 MiB", hint=_HINT_TEXT)
        if end:
            block = _end_lines_with_lf(rest[:end])
            yield lines, block
            lines, rest = lines + block.count(b"\n"), rest[end:]
    if rest:
        yield lines, _end_lines_with_lf(rest)


def _end_lines_with_lf(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _decode(block: bytes, name: str, lines_before: int) -> str:
    try:
        text = block.decode()
        wrong = block.find(b"\0")
    except UnicodeDecodeError as fault:
        text, wrong = "", fault.start
    if wrong >= 0:
        line = lines_before + block.count(b"\n", 0, wrong) + 1
        raise InvalidInput(f"{name}, line {line} is not UTF-8 text (byte 0x{block[wrong]:02x})", hint=_HINT_TEXT)
    return text
