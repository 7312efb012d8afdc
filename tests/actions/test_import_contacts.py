"""An import puts everybody behind their hours, and finishes at once who must not or cannot be called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.actions.import_contacts import ContactFile, ImportReport, import_contacts
from dialer.app import Dialer
from dialer.domain.calling_window import CallingHours, CallingWindow
from dialer.ledger.campaigns import Campaign, find_campaign
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.ledger

HOURS = CallingHours(windows=(CallingWindow.from_json({"hours": "09:00-20:00", "weekdays": "mon-sun"}),)).to_json()


async def campaign_of(dialer: Dialer, **rules: Any) -> Campaign:
    return await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=0, **rules)


async def read(dialer: Dialer, campaign: Campaign, path: Path, text: str) -> ImportReport:
    path.write_text(text)  # noqa: ASYNC240 - nobody waits
    return await import_contacts(dialer.ledger, campaign, ContactFile(path=path, country="US", phone_column=None))


async def jobs(dialer: Dialer) -> dict[str, dict[str, Any]]:
    rows = await dialer.ledger.rows("SELECT *, due_at <= now() AS is_due FROM call_jobs")
    return {row["number"]: row for row in rows}


async def test_zones_come_from_the_column_or_else_from_the_number(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await campaign_of(dialer)
    await read(
        dialer,
        campaign,
        tmp_path / "a.csv",
        "phone,time_zone\n+12085550100,\n+12125550101,europe/berlin\n+18005550102,\n",
    )
    assert {number: job["zones"] for number, job in (await jobs(dialer)).items()} == {
        "+12085550100": "America/Boise,America/Los_Angeles",
        "+12125550101": "Europe/Berlin",
        "+18005550102": "",
    }
    assert all(job["is_due"] and job["open_until"] is None for job in (await jobs(dialer)).values())


async def test_everybody_is_due_when_their_own_hours_open(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await campaign_of(dialer, calling_hours=HOURS, time_zone="Asia/Tokyo")
    text = "phone,time_zone\n+12125550100,\n+12125550101,Europe/Berlin\n+18005550102,\n"
    before = await dialer.ledger.now()
    await read(dialer, campaign, tmp_path / "a.csv", text)
    for job in (await jobs(dialer)).values():
        opening = campaign.hours.next_opening(before, job["zones"])
        assert opening is not None
        assert job["open_until"] == opening.until
        if opening.at > before:
            assert job["due_at"] == opening.at
            assert job["not_before"] < opening.at
        else:
            assert job["is_due"]
            assert job["not_before"] is None


async def test_who_can_never_be_called_is_finished_and_named(dialer: Dialer, tmp_path: Path) -> None:
    """The campaign has ended: nobody of the file can be called any more."""
    campaign = await campaign_of(dialer, calling_hours=HOURS, end_at=datetime.now(UTC) + timedelta(minutes=1))
    rows = "".join(f"+1212555{number:04d}\n" for number in range(100, 112))
    await dialer.ledger.changed("UPDATE campaigns SET end_at = now() - interval '1 minute'")
    campaign = await find_campaign(dialer.ledger, campaign.name)
    report = await read(dialer, campaign, tmp_path / "a.csv", f"phone\n{rows}+12125550100\n")
    assert (report.contacts, report.never_open, report.duplicates) == (12, 12, 1)
    assert [each.line for each in report.named] == list(range(2, 12))
    assert report.named[0].number == "+12125550100"
    assert {(job["state"], job["finish_reason"]) for job in (await jobs(dialer)).values()} == {("finished", "expired")}
    again = await read(dialer, campaign, tmp_path / "a.csv", (tmp_path / "a.csv").read_text())
    assert (again.again, again.never_open, again.named) == (True, 12, ())


async def test_suppressed_numbers_are_finished_at_once(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await campaign_of(dialer)
    other = await make_campaign(
        dialer.ledger, await make_trunk(dialer.ledger, name="2", livekit_trunk_id="ST_2"), name="other", numbers=0
    )
    await dialer.ledger.changed(
        """INSERT INTO suppressions (pattern, is_prefix, campaign_id, source, removed_at) VALUES
           ('+12125550100', false, NULL, 'operator', NULL), ('+1415', true, NULL, 'file', NULL),
           ('+12125550101', false, %(other)s, 'line', NULL), ('+12125550102', false, NULL, 'file', now())""",
        {"other": other.id},
    )
    text = "phone\n+12125550100\n+12125550101\n+12125550102\n+14155550103\n"
    report = await read(dialer, campaign, tmp_path / "a.csv", text)
    assert (report.contacts, report.suppressed) == (4, 2)
    assert {number: job["finish_reason"] for number, job in (await jobs(dialer)).items()} == {
        "+12125550100": "suppressed",
        "+12125550101": None,
        "+12125550102": None,
        "+14155550103": "suppressed",
    }


@pytest.mark.parametrize(
    ("column", "expected"), [("name", False), ("time_zone", False), ("dtmf", True), ("header:X-Plan", True)]
)
async def test_columns_that_change_the_dial_are_noted(
    dialer: Dialer, tmp_path: Path, column: str, expected: bool
) -> None:
    campaign = await campaign_of(dialer)
    await read(dialer, campaign, tmp_path / "a.csv", f"phone,{column}\n+12125550100,\n")
    assert (await find_campaign(dialer.ledger, campaign.name)).reads_columns is expected


async def test_hours_that_are_changed_during_an_import_hold_for_all_of_it(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await campaign_of(dialer)
    await dialer.ledger.changed("UPDATE campaigns SET end_at = now() + interval '1 day'")
    await read(dialer, campaign, tmp_path / "a.csv", "phone\n+12125550100\n")
    assert (await jobs(dialer))["+12125550100"]["open_until"] == datetime(1970, 1, 1, tzinfo=UTC)
