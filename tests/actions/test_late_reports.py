"""What an agent says after its call was settled."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from dialer.actions.late_reports import BECAUSE, hear_late_reports
from dialer.app import Dialer
from dialer.domain.agent_report import DISPOSITION, DO_NOT_CALL
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.settlements import Settlement, settle_attempts
from dialer.ledger.trunks import list_trunks
from tests.factories import NUMBERS, attempt_row, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger

NEVER = {DO_NOT_CALL: "true"}


async def ended_attempt(dialer: Dialer, name: str) -> UUID:
    """An attempt to the first number, settled; a call job waits for its next one."""
    trunks = await list_trunks(dialer.ledger)
    campaign = await make_campaign(
        dialer.ledger, trunks[0] if trunks else await make_trunk(dialer.ledger), name=name, numbers=1
    )
    [ticket] = await make_tickets(dialer, campaign)
    request = ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60)
    await claim_attempts(dialer.ledger, [request], worker_id=dialer.worker_id)
    verdict = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="gone")
    due = timedelta(minutes=10)
    await settle_attempts(
        dialer.ledger,
        [Settlement(attempt_id=ticket.attempt_id, verdict=verdict, due_in=due, finish_reason=None, evidence={})],
    )
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
