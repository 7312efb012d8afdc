"""The error file: what it says, and that it can be imported again."""

import csv
import io

import pytest

from dialer.domain.rejected_rows import RejectedRow, write_rejected
from tests.domain.test_contact_file import rows_of

pytestmark = pytest.mark.unit


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
