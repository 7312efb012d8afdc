"""A window that has closed, hours that were changed, a campaign that is over: what becomes of who waits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.commands.campaign.rules import rules_of
from dialer.actions.reopen_jobs import reopen_jobs
from dialer.app import Dialer
from dialer.domain.calling_window import CallingHours, CallingWindow
from dialer.domain.campaign import CampaignState
from dialer.ledger.campaigns import Campaign, edit_campaign
from dialer.ledger.closed_jobs import forget_windows
from tests.factories import NUMBERS, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger

HOUR = timedelta(hours=1)
ALL_WEEK = frozenset(range(7))


def around(now: datetime, *, opens: timedelta, closes: timedelta) -> dict[str, Any]:
    """Hours as the ledger keeps them, so far from now."""
    first, last = (now + opens).replace(second=0, microsecond=0), (now + closes).replace(second=0, microsecond=0)
    window = CallingWindow(opens=first.time(), closes=last.time(), weekdays=ALL_WEEK)
    return CallingHours(windows=(window,)).to_json()


async def jobs(dialer: Dialer) -> Sequence[Mapping[str, Any]]:
    return await dialer.ledger.rows(
        """SELECT number, state, finish_reason, due_at, not_before, open_until, due_at <= now() AS is_due
        FROM call_jobs ORDER BY id"""
    )


async def close_all(dialer: Dialer) -> None:
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() - interval '1 hour', open_until = now()")


async def edit(dialer: Dialer, campaign: Campaign, **changes: Any) -> None:
    await edit_campaign(dialer.ledger, campaign.id, replace(rules_of(campaign), **changes))


async def test_who_was_not_called_in_time_waits_for_the_next_opening(dialer: Dialer) -> None:
    now = await dialer.ledger.now()
    later = around(now, opens=2 * HOUR, closes=4 * HOUR)
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3, calling_hours=later)
    await close_all(dialer)
    [before, *_] = await jobs(dialer)
    assert await reopen_jobs(dialer) == 3
    for job in await jobs(dialer):
        assert job["state"] == "waiting"
        assert job["due_at"] == (now + 2 * HOUR).replace(second=0, microsecond=0)
        assert job["open_until"] == job["due_at"] + 2 * HOUR - timedelta(seconds=30)
        assert job["not_before"] == before["not_before"], "since the import, had it been open"
    assert await reopen_jobs(dialer) == 0


async def test_each_zone_has_its_own_opening(dialer: Dialer) -> None:
    rules = CallingHours(windows=(CallingWindow.from_json({"hours": "09:00-20:00", "weekdays": "mon-sun"}),)).to_json()
    trunk = await make_trunk(dialer.ledger)
    zones = ["Asia/Tokyo", "Europe/Berlin", "America/New_York,America/Los_Angeles"]
    for place, names in enumerate(zones):
        await make_campaign(
            dialer.ledger, trunk, name=names, numbers=[NUMBERS[place]], zones=names, calling_hours=rules
        )
    await close_all(dialer)
    now = await dialer.ledger.now()
    await reopen_jobs(dialer)
    hours = CallingHours.from_json(
        rules, time_zone=None, start_at=None, end_at=None, ringing_timeout=timedelta(seconds=30)
    )
    for job, names in zip(await jobs(dialer), zones, strict=True):
        opening = hours.next_opening(now, names)
        assert opening is not None
        assert job["open_until"] == opening.until
        assert job["is_due"] if opening.at <= now else job["due_at"] == opening.at


async def test_who_is_open_or_not_due_is_left_alone(dialer: Dialer) -> None:
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2)
    await dialer.ledger.changed(
        "UPDATE call_jobs SET open_until = now() + interval '1 hour' WHERE number = %(n)s", {"n": NUMBERS[0]}
    )
    await dialer.ledger.changed(
        "UPDATE call_jobs SET open_until = now(), due_at = now() + interval '1 hour' WHERE number = %(n)s",
        {"n": NUMBERS[1]},
    )
    before = await jobs(dialer)
    assert await reopen_jobs(dialer) == 0
    assert await jobs(dialer) == before


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.PAUSED])
async def test_campaigns_that_do_not_run_are_left_alone(dialer: Dialer, state: CampaignState) -> None:
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), state=state)
    await close_all(dialer)
    assert await reopen_jobs(dialer) == 0


async def test_hours_that_never_open_again_expire(dialer: Dialer) -> None:
    rules = CallingHours(windows=(CallingWindow.from_json({"hours": "09:00-20:00", "weekdays": "mon-sun"}),)).to_json()
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, calling_hours=rules)
    await dialer.ledger.changed("UPDATE call_jobs SET zones = 'Europe/London,Pacific/Auckland'")
    await close_all(dialer)
    assert await reopen_jobs(dialer) == 1
    [job] = await jobs(dialer)
    assert (job["state"], job["finish_reason"]) == ("finished", "expired")


async def test_when_it_is_over_everybody_who_waits_expires(dialer: Dialer) -> None:
    """Also who is due in days; and as soon as a phone could not ring to its end any more."""
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '2 days'")
    now = await dialer.ledger.now()
    await edit(dialer, campaign, end_at=now + timedelta(seconds=40))
    assert await reopen_jobs(dialer) == 0
    await dialer.ledger.changed("UPDATE campaigns SET end_at = now() + interval '29 s'")
    assert await reopen_jobs(dialer) == 3
    assert {job["finish_reason"] for job in await jobs(dialer)} == {"expired"}


async def test_edited_hours_are_in_force_for_who_waits_and_who_is_queued(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    now = await dialer.ledger.now()
    await make_tickets(dialer, campaign, most=1)
    await edit(dialer, campaign, calling_hours=around(now, opens=2 * HOUR, closes=4 * HOUR))
    assert {job["open_until"] for job in await jobs(dialer)} == {datetime(1970, 1, 1, tzinfo=UTC)}
    assert await make_tickets(dialer, campaign) == []
    refusals = await dialer.ledger.rows(
        """SELECT claim_refusal(j, c, j.lease_token) AS why FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id
        WHERE j.state = 'queued'"""
    )
    assert refusals == [{"why": "closed"}]
    assert await reopen_jobs(dialer) == 2
    assert not any(job["is_due"] for job in await jobs(dialer) if job["state"] == "waiting")


async def test_hours_that_are_taken_away_again_leave_everybody_due_as_before(dialer: Dialer) -> None:
    now = await dialer.ledger.now()
    closed = around(now, opens=2 * HOUR, closes=4 * HOUR)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2, calling_hours=closed)
    assert not any(job["is_due"] for job in await jobs(dialer))
    await edit(dialer, campaign, calling_hours={})
    assert await reopen_jobs(dialer) == 2
    assert [(job["is_due"], job["open_until"]) for job in await jobs(dialer)] == [(True, None)] * 2
    assert len(await make_tickets(dialer, campaign)) == 2


@pytest.mark.parametrize(
    ("changes", "forgotten"),
    [
        pytest.param({"time_zone": "Asia/Tokyo"}, True, id="zone"),
        pytest.param({"start_at": datetime(2030, 1, 1, tzinfo=UTC)}, True, id="start"),
        pytest.param({"end_at": datetime(2030, 1, 1, tzinfo=UTC)}, True, id="end"),
        pytest.param({"ringing_timeout": timedelta(seconds=40)}, True, id="ringing"),
        pytest.param({"talk_limit": timedelta(seconds=40)}, False, id="talk limit"),
        pytest.param({"agent_name": "booking"}, False, id="agent"),
    ],
)
async def test_which_edits_touch_the_windows(dialer: Dialer, changes: dict[str, Any], forgotten: bool) -> None:
    hours = CallingHours(windows=(CallingWindow.from_json({"hours": "09:00-20:00", "weekdays": "mon-sun"}),)).to_json()
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, calling_hours=hours)
    await edit(dialer, campaign, **changes)
    [job] = await jobs(dialer)
    assert (job["open_until"] == datetime(1970, 1, 1, tzinfo=UTC)) is forgotten


async def test_who_is_finished_stays_finished(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'finished', finish_reason = 'reached'")
    before = await jobs(dialer)
    await forget_windows(dialer.ledger, campaign.id)
    await reopen_jobs(dialer)
    assert await jobs(dialer) == before
