"""What a spreadsheet, or a program, finds in an export."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from dialer.domain.outcome import Outcome
from dialer.domain.results_file import results_csv, results_json, safe_cell
from dialer.errors import InvariantBroken

pytestmark = pytest.mark.unit

NOON = datetime(2025, 11, 3, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("=1+1", id="equals"),
        pytest.param("+1+1", id="plus"),
        pytest.param("-1+1", id="minus"),
        pytest.param("@SUM(A1)", id="at"),
        pytest.param("\t=1+1", id="tab"),
        pytest.param("\r=1+1", id="carriage return"),
        pytest.param("\n=1+1", id="line feed"),
        pytest.param("  =1+1", id="blanks before it"),
        pytest.param("＝1+1", id="full-width equals"),  # noqa: RUF001
        pytest.param("＋1+1", id="full-width plus"),  # noqa: RUF001
        pytest.param("－1+1", id="full-width minus"),  # noqa: RUF001
        pytest.param("＠SUM(A1)", id="full-width at"),  # noqa: RUF001
        pytest.param("+14155550123|calc", id="more than a number"),
        pytest.param("+14155550123\n", id="a number and a line feed"),
        pytest.param("+1415555012345678", id="too long for a number"),
        pytest.param("+0123456789", id="no country code begins with zero"),
    ],
)
def test_a_formula_is_made_harmless(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("+14155550123", "+14155550123", id="a pure number stays dialable"),
        pytest.param("Ann = Lee", "Ann = Lee", id="equals inside"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="None"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(-3, "-3", id="a negative number is no formula"),
        pytest.param(-1.5, "-1.5", id="a negative fraction"),
        pytest.param(21.0, "21", id="a whole float"),
        pytest.param(21.43999, "21.44", id="at most three decimals"),
        pytest.param(-0.0001, "0", id="no minus before zero"),
        pytest.param(1e22, "10000000000000000000000", id="no scientific notation"),
        pytest.param(float("nan"), "", id="NaN"),
        pytest.param(Decimal("0.0125"), "0.013", id="decimal"),
        pytest.param(NOON, "2025-11-03T12:00:00.250+00:00", id="UTC"),
        pytest.param(NOON.astimezone(timezone(timedelta(hours=-8))), "2025-11-03T04:00:00.250-08:00", id="local time"),
        pytest.param(date(2025, 11, 3), "2025-11-03", id="date"),
        pytest.param(UUID(int=1), "00000000-0000-0000-0000-000000000001", id="UUID"),
        pytest.param(Outcome.NO_ANSWER, "no_answer", id="enum"),
        pytest.param({"slot": 3}, '{"slot": 3}', id="mapping as JSON"),
    ],
)
def test_a_value_is_written_plainly(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_a_time_without_a_zone_is_a_bug() -> None:
    with pytest.raises(InvariantBroken):
        safe_cell(NOON.replace(tzinfo=None))


def test_csv_has_the_header_first_and_empty_cells_for_what_is_missing() -> None:
    lines = results_csv([{"number": "+14155550123", "seconds": 2.5, "extra": 1}, {}], ["number", "seconds"])
    assert list(lines) == ["number,seconds\r\n", "+14155550123,2.5\r\n", ",\r\n"]


def test_csv_survives_every_awkward_cell() -> None:
    cells = ['say "hi"', "a,b", "two\nlines", "two\r\nlines", "ends with \\", "ünïcödé 电话", "a;b\tc"]
    text = "".join(results_csv([{"cell": cell} for cell in cells], ["cell"]))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["cell"], *[[cell] for cell in cells]]


def test_the_name_of_a_column_is_a_cell_too() -> None:
    assert next(results_csv([], ["=cmd()", "name"])) == "'=cmd(),name\r\n"


def test_json_is_one_array_and_never_escaped() -> None:
    rows: list[Mapping[str, object]] = [
        {"name": "=1+1", "seconds": 2.00049, "answered_at": NOON, "missing": None, "ok": True},
        {"name": "Zoë", "seconds": float("inf"), "data": {"tries": [1, 2.5]}},
    ]
    text = "".join(results_json(rows))
    assert "Zoë" in text
    assert json.loads(text) == [
        {
            "name": "=1+1",
            "seconds": 2.0,
            "answered_at": "2025-11-03T12:00:00.250+00:00",
            "missing": None,
            "ok": True,
        },
        {"name": "Zoë", "seconds": None, "data": {"tries": [1, 2.5]}},
    ]


def test_json_without_rows_is_an_empty_array() -> None:
    assert json.loads("".join(results_json([]))) == []


@pytest.mark.parametrize("export", [lambda rows: results_csv(rows, ["n"]), results_json], ids=["csv", "json"])
def test_rows_are_taken_one_at_a_time(export: object) -> None:
    taken = 0

    def rows() -> Iterator[Mapping[str, object]]:
        nonlocal taken
        for taken in range(1, 1000):
            yield {"n": taken}

    assert callable(export)
    lines = export(rows())
    next(lines), next(lines)
    assert taken <= 2
