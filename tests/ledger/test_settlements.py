"""Settling on the real PostgreSQL: an attempt ends once, whoever comes second."""

from datetime import timedelta
from uuid import UUID

import pytest

from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.settlements import Answered, Settlement, mark_answered, mark_in_doubt, settle_attempts
from tests.factories import attempt_row, job_state, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger


async def make_open(dialer: Dialer) -> tuple[UUID, int]:
    """An open attempt and its call job."""
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    request = ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60)
    await claim_attempts(dialer.ledger, [request], worker_id=dialer.worker_id)
    return ticket.attempt_id, ticket.call_job_id


def busy(attempt_id: UUID) -> Settlement:
    verdict = Verdict(outcome=Outcome.BUSY, blame=Blame.CONTACT, counted=True, rule="sip_486")
    return Settlement(
        attempt_id=attempt_id, verdict=verdict, due_in=timedelta(minutes=10), finish_reason=None, evidence={}
    )


def unknown(attempt_id: UUID) -> Settlement:
    verdict = Verdict(outcome=Outcome.UNKNOWN, blame=Blame.UNKNOWN, counted=True, rule="doubt_over")
    return Settlement(
        attempt_id=attempt_id, verdict=verdict, due_in=None, finish_reason=FinishReason.UNKNOWN, evidence={}
    )


async def test_an_attempt_that_is_settled_again_is_counted_once_and_moves_nothing(dialer: Dialer) -> None:
    attempt_id, call_job_id = await make_open(dialer)

    assert [one.attempt_id for one in await settle_attempts(dialer.ledger, [busy(attempt_id)])] == [attempt_id]
    assert await settle_attempts(dialer.ledger, [busy(attempt_id)]) == []

    counted = await dialer.ledger.rows("SELECT value FROM attempt_counters")
    assert counted == [{"value": 1}]
    jobs = await dialer.ledger.row("SELECT attempts_counted FROM call_jobs WHERE id = %(id)s", {"id": call_job_id})
    assert jobs == {"attempts_counted": 1}


async def test_a_result_that_comes_after_the_attempt_ended_changes_nothing(dialer: Dialer) -> None:
    attempt_id, call_job_id = await make_open(dialer)
    await settle_attempts(dialer.ledger, [unknown(attempt_id)])

    await settle_attempts(dialer.ledger, [busy(attempt_id)])
    await mark_answered(dialer.ledger, [Answered(attempt_id=attempt_id, ring_seconds=1.0, evidence={})])
    await mark_in_doubt(dialer.ledger, attempt_id, rule="reply_lost", evidence={})

    attempt = await attempt_row(dialer.ledger, attempt_id)
    assert (attempt["state"], attempt["outcome"], attempt["doubt_since"]) == ("ended", "unknown", None)
    assert await job_state(dialer.ledger, call_job_id) == ("finished", "unknown")
