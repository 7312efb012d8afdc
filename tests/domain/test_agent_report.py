"""What an agent reports: understood, or kept and named."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from dialer.domain.agent_report import AMD, CALLBACK_AT, DISPOSITION, DO_NOT_CALL, Amd, parse_report, reported

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2026-11-24T15:00:00+01:00", datetime(2026, 11, 24, 14, 0, tzinfo=UTC)),
        ("2026-11-24T15:00:00Z", datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
        ("2026-11-24T11:59:30Z", NOW),
    ],
)
def test_a_time_with_an_offset_is_when_to_call_back(text: str, due: datetime) -> None:
    report = parse_report({CALLBACK_AT: text}, now=NOW)
    assert (report.callback_at, report.problems) == (due, ())


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("2026-11-24T11:00:00Z", "in the past"),
        ("2027-11-24T12:00:00Z", "days ahead"),
        ("9999-12-31T23:59:59-12:00", "days ahead"),
        ("2026-11-25T09:00:00", "no offset"),
        ("tomorrow at nine", "not a time"),
        ("x" * 60_000, "not a time"),
    ],
)
def test_any_other_time_does_not_act_and_is_named(text: str, because: str) -> None:
    report = parse_report({CALLBACK_AT: text}, now=NOW)
    assert report.callback_at is None
    assert because in report.problems[0]
    assert len(report.problems[0]) < 200


@pytest.mark.parametrize(("text", "wish"), [("true", True), ("True", True), ("1", True), ("false", False), ("", False)])
def test_a_wish_not_to_be_called_is_understood(text: str, wish: bool) -> None:
    assert parse_report({DO_NOT_CALL: text}, now=NOW).do_not_call is wish


def test_a_category_that_is_none_is_named() -> None:
    assert parse_report({AMD: "machine-vm"}, now=NOW).amd is Amd.MACHINE_VM
    assert "none of human" in parse_report({AMD: "robot"}, now=NOW).problems[0]
    assert [amd for amd in Amd if amd.is_machine] == [Amd.MACHINE_IVR, Amd.MACHINE_VM, Amd.MACHINE_UNAVAILABLE]


def test_attributes_win_over_the_rooms_metadata() -> None:
    metadata = json.dumps({DISPOSITION: "open", AMD: "human", "other": 1})
    assert reported([{DISPOSITION: "booked", "lk.agent.name": "a"}], metadata) == {DISPOSITION: "booked", AMD: "human"}


@pytest.mark.parametrize("metadata", ["", "m0", "[1]", '{"dialer.amd": ', '"dialer.amd"', "[" * 100_000 + "dialer."])
def test_other_metadata_says_nothing(metadata: str) -> None:
    assert reported([], metadata) == {}


def test_attributes_of_64_kilobytes_are_cut() -> None:
    found = reported([{DISPOSITION: "x" * 64_000}])
    assert len(found[DISPOSITION]) == 1024
    assert len(str(parse_report(found, now=NOW).disposition)) == 64


def test_a_call_back_that_is_due_now_is_not_in_the_past() -> None:
    report = parse_report({CALLBACK_AT: (NOW - timedelta(seconds=5)).isoformat()}, now=NOW)
    assert report.callback_at == NOW
