"""How numbers and prefixes that are never called are written, one by one and in files."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dialer.domain.rejected_rows import RejectedRow
from dialer.domain.suppression import NewSuppression, check_reason, read_pattern, read_until
from dialer.domain.suppression_file import Defaults, read_suppressions
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        pytest.param("+14155550100", None, "+14155550100", id="as it is stored"),
        pytest.param("(415) 555-0100", "US", "+14155550100", id="as people write it"),
        pytest.param("+49 900 1234567", None, "+499001234567", id="premium rate: never imported, still suppressed"),
        pytest.param("+1 555 555 0100", None, "+15555550100", id="of no numbering plan"),
        pytest.param("+8816 1234 5678", None, "+881612345678", id="satellite"),
    ],
)
def test_a_number_that_is_suppressed_need_not_be_one_that_may_be_called(
    text: str, country: str | None, expected: str
) -> None:
    assert read_pattern(text, is_prefix=False, country=country) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("+49", "every number that begins with +49, add --prefix", id="a country"),
        pytest.param("+49 30", "every number that begins with +4930, add --prefix", id="a city"),
        pytest.param("4155550100", "write it with + and country code", id="without country"),
        pytest.param("hello", "write it with + and country code", id="no number"),
        pytest.param("+0123456789", "write it with + and country code", id="no country begins with 0"),
        pytest.param("+12345678901234567890", "write it with + and country code", id="too long"),
    ],
)
def test_what_is_no_number_is_refused_with_the_way_out(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_pattern(text, is_prefix=False, country=None)
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "expected"), [("+49", "+49"), ("+49 30", "+4930"), ("+1-212", "+1212"), ("+14155550100", "+14155550100")]
)
def test_a_prefix_is_plus_and_digits(text: str, expected: str) -> None:
    assert read_pattern(text, is_prefix=True, country=None) == expected


@pytest.mark.parametrize("text", ["+1", "+7", "+", "", "49", "0049", "+4a", "+49*", "+" + "1" * 16, "+٤٩"])
def test_a_prefix_that_stops_a_continent_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_pattern(text, is_prefix=True, country="DE")
    assert "2 to 15 digits" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-12-31", datetime(2027, 1, 1, 12, tzinfo=UTC), id="a day lasts until it is over everywhere"),
        pytest.param(
            "2026-12-31T18:00+01:00",
            datetime(2026, 12, 31, 18, tzinfo=timezone(timedelta(hours=1))),
            id="a moment with its offset",
        ),
        pytest.param("2026-06-01", datetime(2026, 6, 2, 12, tzinfo=UTC), id="today"),
    ],
)
def test_until(text: str, expected: datetime) -> None:
    assert read_until(text, now=NOON) == expected


@pytest.mark.parametrize("text", ["2026-12-31T18:00", "tomorrow", "", "31.12.2026", "9999-12-31", "2026-02-30"])
def test_an_end_that_nobody_can_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="neither a day nor a time"):
        read_until(text, now=NOON)


@pytest.mark.parametrize("text", ["2026-05-30", "2026-06-01T11:59:59Z"])
def test_an_end_that_has_passed_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="has passed"):
        read_until(text, now=NOON)


def test_a_reason_is_one_short_line() -> None:
    assert check_reason("  asked\n by\tletter ") == "asked by letter"
    with pytest.raises(InvalidInput, match="501 characters"):
        check_reason("x" * 501)


def rows_of(text: str, *, country: str | None = None) -> list[NewSuppression | RejectedRow]:
    defaults = Defaults(country=country, campaign_id=7, reason="from the register", now=NOON)
    lines = text.splitlines(keepends=True)
    return list(read_suppressions(lines, phone_column=None, name="list.csv", defaults=defaults))


def test_rows_of_a_file_become_entries_of_its_campaign() -> None:
    found = rows_of(
        "Phone,Reason,until,prefix,time_zone\n"
        "(415) 555-0100,asked,2026-12-31,,Mars/Base\n"
        "+499001234567,,,no,\n"
        "+4930,,,YES,\n",
        country="US",
    )
    told = [row for row in found if isinstance(row, NewSuppression)]
    assert [(row.pattern, row.is_prefix, row.reason, row.campaign_id, row.source) for row in told] == [
        ("+14155550100", False, "asked", 7, "file"),
        ("+499001234567", False, "from the register", 7, "file"),
        ("+4930", True, "from the register", 7, "file"),
    ]
    assert told[0].ends_at == datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "column", "code", "part"),
    [
        pytest.param("hello,,,", "phone", "not_a_number", "not a phone number", id="no number"),
        pytest.param(",asked,,", "phone", "missing", "there is no number", id="empty"),
        pytest.param("+4930,,,", "phone", "not_possible", "a column 'prefix' has to say yes", id="prefix, not said"),
        pytest.param("+1,,,yes", "phone", "not_a_number", "2 to 15 digits", id="prefix of a continent"),
        pytest.param("+14155550100,,,perhaps", "prefix", "bad_prefix", "neither yes nor no", id="odd prefix cell"),
        pytest.param("+14155550100,,1.1.2027,", "until", "bad_until", "neither a day", id="odd end"),
        pytest.param("+14155550100,,2020-01-01,", "until", "bad_until", "has passed", id="end that has passed"),
        pytest.param("+14155550100,,,,more,", "", "bad_column_count", "5 cells under 4", id="too many cells"),
        pytest.param(f"+14155550100,{'x' * 600},,", "reason", "bad_reason", "600 characters", id="long reason"),
    ],
)
def test_a_broken_row_is_named_and_the_next_goes_in(row: str, column: str, code: str, part: str) -> None:
    broken, good = rows_of(f"phone,reason,until,prefix\n{row}\n+14155550101,,,\n")
    assert isinstance(broken, RejectedRow)
    assert (broken.line, broken.column, broken.code) == (2, column, code)
    assert part in broken.message
    assert broken.data["phone"] == row.split(",")[0]
    assert isinstance(good, NewSuppression)
