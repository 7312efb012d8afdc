"""What an agent says after its call was settled."""

from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from dialer.actions.late_reports import BECAUSE, hear_late_reports
from dialer.app import Dialer
from dialer.domain.agent_report import CALLBACK_AT, DISPOSITION, DO_NOT_CALL
from dialer.domain.call_job import FinishReason
from dialer.domain.campaign import CampaignState
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.ledger.campaign_moves import finish_campaigns
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.session import Parameters, Row, Transaction
from dialer.ledger.settlements import Settlement, settle_attempts
from dialer.ledger.trunks import list_trunks
from tests.factories import NUMBERS, attempt_row, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger

NEVER = {DO_NOT_CALL: "true"}


async def ended_attempt(dialer: Dialer, name: str, *, is_reached: bool = False) -> UUID:
    """An attempt to the first number, settled; its call job waits for the next one, or is finished as reached."""
    trunks = await list_trunks(dialer.ledger)
    campaign = await make_campaign(
        dialer.ledger, trunks[0] if trunks else await make_trunk(dialer.ledger), name=name, numbers=1
    )
    [ticket] = await make_tickets(dialer, campaign)
    request = ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60)
    await claim_attempts(dialer.ledger, [request], worker_id=dialer.worker_id)
    verdict = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="gone")
    settlement = Settlement(
        attempt_id=ticket.attempt_id,
        verdict=verdict,
        due_in=None if is_reached else timedelta(minutes=10),
        finish_reason=FinishReason.REACHED if is_reached else None,
        evidence={},
    )
    await settle_attempts(dialer.ledger, [settlement])
    return ticket.attempt_id


async def suppressions(dialer: Dialer) -> list[dict[str, object]]:
    return await dialer.ledger.rows("SELECT pattern, campaign_id, reason, source, attempt_id FROM suppressions")


async def waiting(dialer: Dialer) -> int:
    return len(await dialer.ledger.rows("SELECT id FROM call_jobs WHERE state = 'waiting'"))


async def test_a_wish_not_to_be_called_that_comes_late_counts_for_all_campaigns_at_once(dialer: Dialer) -> None:
    attempt_id = await ended_attempt(dialer, "one")
    await make_campaign(dialer.ledger, (await list_trunks(dialer.ledger))[0], name="other", numbers=1)
    assert await waiting(dialer) == 2

    await hear_late_reports(dialer, {attempt_id: NEVER})

    assert await suppressions(dialer) == [
        {
            "pattern": NUMBERS[0],
            "campaign_id": None,
            "reason": BECAUSE,
            "source": "agent",
            "attempt_id": attempt_id,
        }
    ]
    assert await waiting(dialer) == 0


async def test_another_report_is_kept_and_suppresses_nobody(dialer: Dialer) -> None:
    attempt_id = await ended_attempt(dialer, "one")

    await hear_late_reports(dialer, {attempt_id: {DISPOSITION: "booked"}})

    assert (await attempt_row(dialer.ledger, attempt_id))["report"] == {DISPOSITION: "booked"}
    assert (await suppressions(dialer), await waiting(dialer)) == ([], 1)


async def test_two_calls_to_one_number_may_be_told_of_in_one_go(dialer: Dialer) -> None:
    reports = {await ended_attempt(dialer, name): NEVER for name in ("one", "two")}

    await hear_late_reports(dialer, reports)

    assert len(await suppressions(dialer)) == 1


async def test_a_wish_that_could_not_be_written_is_heard_the_next_time(dialer: Dialer) -> None:
    """The report that is kept marks it as heard: without the suppression it must not be kept."""
    attempt_id = await ended_attempt(dialer, "one")
    await dialer.ledger.changed("ALTER TABLE suppressions ADD CONSTRAINT broken CHECK (source <> 'agent')")
    with pytest.raises(psycopg.errors.CheckViolation):
        await hear_late_reports(dialer, {attempt_id: NEVER})
    await dialer.ledger.changed("ALTER TABLE suppressions DROP CONSTRAINT broken")

    await hear_late_reports(dialer, {attempt_id: NEVER})

    assert len(await suppressions(dialer)) == 1


IN_TWO_HOURS = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
CALL_ME = {CALLBACK_AT: IN_TWO_HOURS.isoformat()}


async def call_job(dialer: Dialer) -> dict[str, object]:
    row = await dialer.ledger.row("SELECT state, finish_reason, due_at, promised FROM call_jobs ORDER BY id LIMIT 1")
    assert row is not None
    return row


PROMISED = {"state": "waiting", "finish_reason": None, "due_at": IN_TWO_HOURS, "promised": True}


@pytest.mark.parametrize("is_reached", [True, False], ids=["reached", "waits for another attempt"])
async def test_a_call_back_that_comes_late_is_promised_all_the_same(dialer: Dialer, is_reached: bool) -> None:
    attempt_id = await ended_attempt(dialer, "one", is_reached=is_reached)

    await hear_late_reports(dialer, {attempt_id: CALL_ME})

    assert await call_job(dialer) == PROMISED


async def test_its_hours_are_computed_anew(dialer: Dialer) -> None:
    attempt_id = await ended_attempt(dialer, "one", is_reached=True)

    await hear_late_reports(dialer, {attempt_id: CALL_ME})

    assert await dialer.ledger.rows("SELECT open_until, not_before FROM call_jobs") == [
        {"open_until": datetime(1970, 1, 1, tzinfo=UTC), "not_before": IN_TWO_HOURS}
    ]


async def test_a_campaign_that_has_just_finished_goes_on_for_it(dialer: Dialer) -> None:
    attempt_id = await ended_attempt(dialer, "one", is_reached=True)
    await dialer.ledger.changed("UPDATE campaigns SET state = 'running'")
    assert await finish_campaigns(dialer.ledger) == ["one"]

    await hear_late_reports(dialer, {attempt_id: CALL_ME})

    campaign = await find_campaign(dialer.ledger, "one")
    assert campaign.state is CampaignState.RUNNING
    assert await finish_campaigns(dialer.ledger) == []
    assert await call_job(dialer) == PROMISED


@pytest.mark.parametrize(
    ("meanwhile", "report"),
    [
        pytest.param("UPDATE campaigns SET state = 'cancelled'", CALL_ME, id="the campaign was cancelled"),
        pytest.param("UPDATE attempts SET ended_at = now() - interval '11 min'", CALL_ME, id="it is long ago"),
        pytest.param("UPDATE attempts SET outcome = 'busy'", CALL_ME, id="nobody had answered"),
        pytest.param(f'UPDATE attempts SET report = \'{{"{DO_NOT_CALL}": "true"}}\'', CALL_ME, id="never again"),
        pytest.param("SELECT 1", CALL_ME | NEVER, id="never again, in the same report"),
        pytest.param("SELECT 1", {CALLBACK_AT: "2020-01-01T00:00:00Z"}, id="in the past"),
        pytest.param("UPDATE call_jobs SET finish_reason = 'unwanted'", CALL_ME, id="finished otherwise"),
        pytest.param(
            "INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, state, ringing_timeout_seconds, "
            "talk_limit_seconds) SELECT gen_random_uuid(), call_job_id, campaign_id, trunk_id, number, 'ended', 30, 60 "
            "FROM attempts",
            CALL_ME,
            id="it was called again since",
        ),
        pytest.param(
            "INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, state, outcome, claimed_at, "
            "ringing_timeout_seconds, talk_limit_seconds) SELECT gen_random_uuid(), call_job_id, campaign_id, "
            "trunk_id, number, 'ended', 'answered', claimed_at - interval '1 h', 30, 60 "
            "FROM attempts, generate_series(1, 10)",
            CALL_ME,
            id="it was called back ten times",
        ),
    ],
)
async def test_a_late_call_back_that_does_not_act(dialer: Dialer, meanwhile: str, report: dict[str, str]) -> None:
    attempt_id = await ended_attempt(dialer, "one", is_reached=True)
    await dialer.ledger.changed(meanwhile)

    await hear_late_reports(dialer, {attempt_id: report})

    assert (await call_job(dialer))["state"] == "finished"
    kept = await dialer.ledger.row("SELECT report FROM attempts WHERE id = %(id)s", {"id": attempt_id})
    assert kept is not None
    assert report.items() <= kept["report"].items()


async def test_a_campaign_is_not_finished_while_a_late_call_back_is_written(dialer: Dialer) -> None:
    await ended_attempt(dialer, "one", is_reached=True)
    await dialer.ledger.changed("UPDATE campaigns SET state = 'running'")
    async with dialer.ledger.transaction() as transaction:
        await transaction.rows("SELECT id FROM campaigns FOR NO KEY UPDATE")
        assert await finish_campaigns(dialer.ledger) == []
        await transaction.changed("UPDATE call_jobs SET state = 'waiting', finish_reason = NULL")
    assert await finish_campaigns(dialer.ledger) == []


async def test_a_campaign_is_looked_at_once_more_when_it_is_locked(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call back that is committed after the first look began, and before its lock, was not in what it saw."""
    await ended_attempt(dialer, "one", is_reached=True)
    await dialer.ledger.changed("UPDATE campaigns SET state = 'running'")
    looks: list[list[Row]] = []
    rows = Transaction.rows

    async def meanwhile(self: Transaction, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        found = await rows(self, sql, parameters)
        if "find_finished" in sql and not looks:
            looks.append(found)
            await dialer.ledger.changed("UPDATE call_jobs SET state = 'waiting', finish_reason = NULL")
        return found

    monkeypatch.setattr(Transaction, "rows", meanwhile)
    assert await finish_campaigns(dialer.ledger) == []
    assert len(looks) == 1
    assert (await find_campaign(dialer.ledger, "one")).state is CampaignState.RUNNING
