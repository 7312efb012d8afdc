"""Hours are edited while a call is on the line: what its call job does next is decided by the new ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from console.commands.campaign.rules import rules_of
from dialer.actions.call_terms import TermsBook
from dialer.actions.desk import Desk
from dialer.actions.follow_calls import follow_calls
from dialer.actions.place_call import place_call
from dialer.actions.reopen_jobs import reopen_jobs
from dialer.actions.settle_attempt import Decision
from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.calling_window import CallingHours, CallingWindow
from dialer.domain.line_result import LineResult
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaigns import Campaign, edit_campaign, read_campaigns
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.closed_jobs import forget_windows
from dialer.ledger.session import Parameters
from dialer.ledger.settlements import Settlement, settle_attempts
from dialer.telephony.line import DialRequest, Gate
from tests.factories import make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import BUSY, LOST, ScriptedLine

pytestmark = pytest.mark.ledger

HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUSY_VERDICT = Verdict(outcome=Outcome.BUSY, blame=Blame.CONTACT, counted=True, rule="sip_486")


def around(now: datetime, *, opens: timedelta, closes: timedelta) -> dict[str, Any]:
    """Hours as the ledger keeps them, so far from now."""
    first, last = (now + opens).replace(second=0, microsecond=0), (now + closes).replace(second=0, microsecond=0)
    window = CallingWindow(opens=first.time(), closes=last.time(), weekdays=frozenset(range(7)))
    return CallingHours(windows=(window,)).to_json()


async def close_for_now(dialer: Dialer, campaign: Campaign) -> datetime:
    """An operator's edit: it opens in two hours.  Returns that moment."""
    now = await dialer.ledger.now()
    hours = around(now, opens=2 * HOUR, closes=4 * HOUR)
    await edit_campaign(dialer.ledger, campaign.id, replace(rules_of(campaign), calling_hours=hours))
    return (now + 2 * HOUR).replace(second=0, microsecond=0)


async def the_job(dialer: Dialer) -> Mapping[str, Any]:
    row = await dialer.ledger.row("SELECT state, finish_reason, due_at, not_before, open_until FROM call_jobs")
    assert row is not None
    return row


async def on_the_line(dialer: Dialer, **rules: Any) -> tuple[Campaign, Ticket]:
    """A call that rings; its campaign is open at any time, unless told otherwise."""
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, **rules)
    [ticket] = await make_tickets(dialer, campaign)
    request = ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60)
    await claim_attempts(dialer.ledger, [request], worker_id=dialer.worker_id)
    [known] = await read_campaigns(dialer.ledger, [campaign.id])
    return known, ticket


def busy(ticket: Ticket, campaign: Campaign, decision: Decision | None = None) -> Settlement:
    """The end of the call, decided by the hours that this campaign had when it was read."""
    decision = decision or Decision(due_in=timedelta(minutes=10))
    return Settlement(
        attempt_id=ticket.attempt_id,
        verdict=BUSY_VERDICT,
        due_in=decision.due_in,
        finish_reason=decision.finish_reason,
        not_before_in=decision.not_before_in,
        open_until=decision.open_until,
        hours_mark=campaign.hours_mark,
        evidence={},
    )


async def assert_it_waits_for(dialer: Dialer, campaign: Campaign, opens: datetime) -> None:
    """Nobody is called by the old hours, and the feeder gives the call job the new opening."""
    assert (await the_job(dialer))["open_until"] == EPOCH
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now()")
    assert await make_tickets(dialer, campaign) == []
    await reopen_jobs(dialer)
    job = await the_job(dialer)
    assert (job["state"], job["due_at"]) == ("waiting", opens)
    assert job["open_until"] == opens + 2 * HOUR - timedelta(seconds=30)


async def test_a_phone_rings_while_the_hours_are_edited(dialer: Dialer) -> None:
    """Through the caller's own steps: it knew the old hours before it dialed."""
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    opens: list[datetime] = []

    class Ringing(ScriptedLine):
        async def place(self, request: DialRequest, gate: Gate) -> LineResult:
            result = await super().place(request, gate)
            opens.append(await close_for_now(dialer, campaign))
            return result

    dialer = replace(dialer, line=Ringing())
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)

    await place_call(Desk(dialer), ticket)

    await assert_it_waits_for(dialer, campaign, opens[0])


async def test_a_caller_that_has_not_heard_of_the_edit_yet_claims_and_settles(dialer: Dialer) -> None:
    """What it knows of a campaign is up to a second old."""
    campaign, ticket = await on_the_line(dialer)
    opens = await close_for_now(dialer, campaign)
    await forget_the_mark(dialer)

    await settle_attempts(dialer.ledger, [busy(ticket, campaign)])

    await assert_it_waits_for(dialer, campaign, opens)


async def forget_the_mark(dialer: Dialer) -> None:
    """As if the call had been claimed after the edit."""
    await dialer.ledger.changed("UPDATE call_jobs SET open_until = NULL")


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        pytest.param({"calling_hours": {"closed_hours_count": True}}, True, id="hours"),
        pytest.param({"time_zone": "Asia/Tokyo"}, True, id="zone"),
        pytest.param({"start_at": datetime(2030, 1, 1, tzinfo=UTC)}, True, id="start"),
        pytest.param({"end_at": datetime(2030, 1, 1, tzinfo=UTC)}, True, id="end"),
        pytest.param({"ringing_timeout": timedelta(seconds=40)}, True, id="ringing"),
        pytest.param({"talk_limit": timedelta(seconds=40)}, False, id="talk limit"),
        pytest.param({"max_attempts": 9}, False, id="attempts"),
    ],
)
async def test_which_edits_make_a_decision_void(dialer: Dialer, changes: dict[str, Any], anew: bool) -> None:
    campaign, ticket = await on_the_line(dialer)
    await edit_campaign(dialer.ledger, campaign.id, replace(rules_of(campaign), **changes))
    await forget_the_mark(dialer)

    await settle_attempts(dialer.ledger, [busy(ticket, campaign)])

    assert ((await the_job(dialer))["open_until"] == EPOCH) is anew


async def test_a_decision_by_the_hours_that_are_in_force_stands(dialer: Dialer, line: ScriptedLine) -> None:
    """Through the caller's own steps, and the rescuer's."""
    now = await dialer.ledger.now()
    hours = around(now, opens=-2 * HOUR, closes=12 * HOUR)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2, calling_hours=hours)
    await open_epoch(dialer)
    busy_one, lost_one = await make_tickets(dialer, campaign)
    line.results = [BUSY, LOST]
    for ticket in (busy_one, lost_one):
        await place_call(Desk(dialer), ticket)
    await dialer.ledger.changed(
        """UPDATE attempts SET claimed_at = now() - interval '1 hour', empty_since = now() - interval '10 min',
            looked_at = now() - interval '9 s'
        WHERE state <> 'ended'"""
    )
    await follow_calls(dialer, TermsBook(dialer))

    windows = await dialer.ledger.rows("SELECT state, open_until > %(now)s AS is_known FROM call_jobs", {"now": now})
    assert [tuple(row.values()) for row in windows] == [("waiting", True), ("waiting", True)]


@pytest.mark.parametrize("edit_first", [True, False], ids=["the edit is first", "the settlement is first"])
async def test_the_edit_and_the_settlement_meet_at_the_call_job(
    dialer: Dialer, database_url: str, edit_first: bool
) -> None:
    """Both have begun, neither has seen the other's work, and the call job's row is locked until both wait for it."""
    campaign, ticket = await on_the_line(dialer)
    steps = [close_for_now(dialer, campaign), settle_attempts(dialer.ledger, [busy(ticket, campaign)])]
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT FROM call_jobs FOR UPDATE")
        tasks = []
        for step in steps if edit_first else reversed(steps):
            tasks.append(asyncio.create_task(step))
            async with asyncio.timeout(5):
                while await _waiting(other) < len(tasks):
                    await asyncio.sleep(0.01)
        await other.commit()
        done = await asyncio.gather(*tasks)

    await assert_it_waits_for(dialer, campaign, next(each for each in done if isinstance(each, datetime)))


async def test_a_call_that_is_settled_in_the_middle_of_the_edit_is_not_passed_over(dialer: Dialer) -> None:
    campaign, ticket = await on_the_line(dialer)

    class Interrupted:
        """The ledger, with a settlement after the edit's first statement."""

        done = 0

        async def changed(self, sql: LiteralString, parameters: Parameters | None = None) -> int:
            changed = await dialer.ledger.changed(sql, parameters)
            if not self.done:
                await settle_attempts(dialer.ledger, [busy(ticket, campaign)])
            self.done += 1
            return changed

    await forget_windows(Interrupted(), campaign.id)  # type: ignore[arg-type]

    job = await the_job(dialer)
    assert (job["state"], job["open_until"]) == ("waiting", EPOCH)


async def test_an_edit_that_meets_a_deadlock_is_made_again(dialer: Dialer, database_url: str) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2)
    tickets = await make_tickets(dialer, campaign)
    requests = [
        ClaimRequest(ticket=each, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60) for each in tickets
    ]
    await claim_attempts(dialer.ledger, requests, worker_id=dialer.worker_id)
    first, second = sorted(ticket.call_job_id for ticket in tickets)
    lock = "SELECT FROM call_jobs WHERE id = %s FOR UPDATE"
    async with await psycopg.AsyncConnection.connect(database_url) as settling:
        await settling.execute(lock, (second,))
        edit = asyncio.create_task(close_for_now(dialer, campaign))
        async with asyncio.timeout(5):
            while not await _waiting(settling):
                await asyncio.sleep(0.01)
        await settling.execute(lock, (first,))
        await settling.commit()
        await edit

    marked = await dialer.ledger.rows("SELECT open_until FROM call_jobs")
    assert [row["open_until"] for row in marked] == [EPOCH, EPOCH]


async def _waiting(connection: psycopg.AsyncConnection) -> int:
    """So many statements wait for a lock."""
    found = await connection.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    row = await found.fetchone()
    return int(row[0]) if row else 0


async def test_who_would_have_expired_by_the_old_hours_is_called_in_the_new_ones(dialer: Dialer) -> None:
    campaign, ticket = await on_the_line(dialer)
    never = Decision(finish_reason=FinishReason.EXPIRED, not_before_in=timedelta(minutes=10))
    opens = await close_for_now(dialer, campaign)

    await settle_attempts(dialer.ledger, [busy(ticket, campaign, never)])

    assert (await the_job(dialer))["state"] == "waiting"
    await assert_it_waits_for(dialer, campaign, opens)


@pytest.mark.parametrize("reason", [FinishReason.EXPIRED, FinishReason.EXHAUSTED])
async def test_without_an_edit_the_decision_stands(dialer: Dialer, reason: FinishReason) -> None:
    campaign, ticket = await on_the_line(dialer)
    await edit_campaign(dialer.ledger, campaign.id, replace(rules_of(campaign), talk_limit=timedelta(minutes=5)))

    await settle_attempts(dialer.ledger, [busy(ticket, campaign, Decision(finish_reason=reason))])

    job = await the_job(dialer)
    assert (job["state"], job["finish_reason"], job["open_until"]) == ("finished", reason.value, None)


async def test_who_is_finished_for_another_reason_stays_so_whatever_the_hours(dialer: Dialer) -> None:
    campaign, ticket = await on_the_line(dialer)
    await close_for_now(dialer, campaign)

    await settle_attempts(dialer.ledger, [busy(ticket, campaign, Decision(finish_reason=FinishReason.EXHAUSTED))])

    job = await the_job(dialer)
    assert (job["state"], job["finish_reason"]) == ("finished", "exhausted")


async def test_the_ladder_goes_on_from_where_it_would_have_been_without_hours(dialer: Dialer) -> None:
    """The old hours had moved it to tomorrow; by the new ones, which are none, it is due in ten minutes."""
    now = await dialer.ledger.now()
    campaign, ticket = await on_the_line(dialer, calling_hours=around(now, opens=-HOUR, closes=HOUR))
    await edit_campaign(dialer.ledger, campaign.id, replace(rules_of(campaign), calling_hours={}))
    moved = Decision(due_in=timedelta(days=1), not_before_in=timedelta(minutes=10), open_until=now + timedelta(days=2))

    await settle_attempts(dialer.ledger, [busy(ticket, campaign, moved)])

    job = await the_job(dialer)
    assert timedelta(minutes=9) < job["due_at"] - now < timedelta(minutes=11)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now()")
    assert await reopen_jobs(dialer) == 1
    assert (await the_job(dialer))["open_until"] is None
