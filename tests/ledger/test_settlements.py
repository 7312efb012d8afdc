"""Settling on the real PostgreSQL: an attempt ends once, whoever comes second."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import psycopg
import pytest

from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.campaign import CampaignState
from dialer.domain.outcome import Blame, Outcome, Verdict
from dialer.ledger.claims import ClaimRequest, claim_attempts
from dialer.ledger.settlements import Answered, Settlement, mark_answered, mark_in_doubt, settle_attempts
from dialer.ledger.trunks import list_trunks
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk

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


@pytest.mark.parametrize(
    ("counted", "promised"),
    [
        pytest.param(False, True, id="one that counted for nothing keeps the promise"),
        pytest.param(True, False, id="one that counted has kept it"),
    ],
)
async def test_a_promised_call_back_stays_promised_until_an_attempt_counts(
    dialer: Dialer, counted: bool, promised: bool
) -> None:
    attempt_id, call_job_id = await make_open(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET promised = true")
    settlement = busy(attempt_id)

    await settle_attempts(dialer.ledger, [replace(settlement, verdict=replace(settlement.verdict, counted=counted))])

    job = await dialer.ledger.row("SELECT state, promised FROM call_jobs WHERE id = %(id)s", {"id": call_job_id})
    assert job == {"state": "waiting", "promised": promised}


def unwanted(attempt_id: UUID, by: Literal["agent", "line"], *, again: bool = False) -> Settlement:
    """An end after which the number is not to be called; ``again``: by the ladder alone its call job would be."""
    verdict = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="gone")
    return Settlement(
        attempt_id=attempt_id,
        verdict=verdict,
        due_in=timedelta(minutes=10) if again else None,
        finish_reason=None if again else FinishReason.REACHED,
        evidence={},
        suppress=by,
        suppress_reason="said so",
    )


async def states(dialer: Dialer) -> dict[str, tuple[str, str | None]]:
    """State and finish reason of the number's call job in each campaign."""
    rows = await dialer.ledger.rows(
        "SELECT c.name, j.state, j.finish_reason FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id"
    )
    return {row["name"]: (row["state"], row["finish_reason"]) for row in rows}


async def test_who_asks_not_to_be_called_waits_in_no_campaign_from_that_moment_on(dialer: Dialer) -> None:
    attempt_id, _ = await make_open(dialer)
    trunk = (await list_trunks(dialer.ledger))[0]
    await make_campaign(dialer.ledger, trunk, name="other", numbers=1)
    await make_campaign(dialer.ledger, trunk, name="draft", numbers=1, state=CampaignState.DRAFT)
    await make_campaign(dialer.ledger, trunk, name="someone else", numbers=NUMBERS[1:2])
    await make_tickets(dialer, await make_campaign(dialer.ledger, trunk, name="queued", numbers=1))

    await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent", again=True)])

    assert await states(dialer) == {
        "campaign": ("finished", "suppressed"),
        "other": ("finished", "suppressed"),
        "draft": ("finished", "suppressed"),
        "someone else": ("waiting", None),
        "queued": ("queued", None),  # its claim is refused
    }


async def test_a_call_job_that_is_being_released_is_not_waited_for(dialer: Dialer, database_url: str) -> None:
    """Its claim is refused; what matters here is that the settlement's own locks are not held for it."""
    attempt_id, _ = await make_open(dialer)
    await make_campaign(dialer.ledger, (await list_trunks(dialer.ledger))[0], name="other", numbers=1)
    async with await psycopg.AsyncConnection.connect(database_url) as releasing:
        await releasing.execute("SELECT FROM call_jobs WHERE state = 'waiting' FOR UPDATE")

        await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent")])

    assert await states(dialer) == {"campaign": ("finished", "reached"), "other": ("waiting", None)}


async def test_what_the_line_answered_counts_for_the_campaign_that_called_alone(dialer: Dialer) -> None:
    attempt_id, _ = await make_open(dialer)
    trunk = (await list_trunks(dialer.ledger))[0]
    await make_campaign(dialer.ledger, trunk, name="other", numbers=1)

    [ended] = await settle_attempts(dialer.ledger, [unwanted(attempt_id, "line")])

    assert await states(dialer) == {"campaign": ("finished", "reached"), "other": ("waiting", None)}
    [entry] = await dialer.ledger.rows("SELECT pattern, campaign_id, reason, source, attempt_id FROM suppressions")
    assert entry == {
        "pattern": ended.number,
        "campaign_id": ended.campaign_id,
        "reason": "said so",
        "source": "line",
        "attempt_id": attempt_id,
    }


async def test_a_suppression_that_had_ended_keeps_its_row_when_the_person_asks_for_another(dialer: Dialer) -> None:
    attempt_id, _ = await make_open(dialer)
    await dialer.ledger.changed(
        """INSERT INTO suppressions (pattern, source, reason, ends_at)
        VALUES (%(number)s, 'operator', 'for a year', now() - interval '1 day')""",
        {"number": NUMBERS[0]},
    )

    await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent")])

    kept = await dialer.ledger.rows(
        """SELECT reason, source, removed_at = ends_at AS ran_out, removed_at IS NULL AS stands
        FROM suppressions ORDER BY id"""
    )
    assert [tuple(row.values()) for row in kept] == [
        ("for a year", "operator", True, False),
        ("said so", "agent", None, True),
    ]


async def test_an_attempt_that_ends_and_its_suppression_are_written_together_or_not_at_all(dialer: Dialer) -> None:
    attempt_id, call_job_id = await make_open(dialer)
    await dialer.ledger.changed("ALTER TABLE suppressions ADD CONSTRAINT broken CHECK (source <> 'agent')")

    with pytest.raises(psycopg.errors.CheckViolation):
        await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent")])

    assert (await attempt_row(dialer.ledger, attempt_id))["state"] == "dialing"
    await dialer.ledger.changed("ALTER TABLE suppressions DROP CONSTRAINT broken")
    await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent")])
    assert await job_state(dialer.ledger, call_job_id) == ("finished", "reached")
    assert len(await dialer.ledger.rows("SELECT id FROM suppressions")) == 1


async def test_an_attempt_that_had_ended_before_suppresses_nobody(dialer: Dialer) -> None:
    attempt_id, _ = await make_open(dialer)
    await settle_attempts(dialer.ledger, [busy(attempt_id)])

    assert await settle_attempts(dialer.ledger, [unwanted(attempt_id, "agent")]) == []

    assert await dialer.ledger.rows("SELECT id FROM suppressions") == []
