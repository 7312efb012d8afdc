"""Suppression and claim race for the same numbers: once a suppression is committed, no claim opens an attempt to it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from dialer.app import Dialer
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.claims import Claim, ClaimRequest, Refusal, claim_attempts
from dialer.ledger.session import Ledger
from dialer.ledger.suppressions import put_suppressions
from tests.factories import make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger

RACES = 10_000
AT_ONCE = 2
LANES = 4
JITTER_SECONDS = 0.004

NO_CHECK = """CREATE OR REPLACE FUNCTION is_suppressed(callee text, campaign integer) RETURNS boolean
              LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN false; END $$"""


@dataclass
class Score:
    """Who came first, and every number that was claimed although its suppression was known to be committed."""

    claim_first: int = 0
    suppression_first: int = 0
    late: list[str] = field(default_factory=list)


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="crowd", most_connections=2 * LANES)
    await opened.open()
    yield opened
    await opened.close()


async def suppress(ledger: Ledger, numbers: list[str]) -> datetime:
    """Returns the ledger's clock after the commit: whoever asked for it knows now that it is in force."""
    entries = [NewSuppression(pattern=number, source=SuppressionSource.AGENT) for number in numbers]
    await asyncio.sleep(random.random() * JITTER_SECONDS)
    await put_suppressions(ledger, entries)
    return await ledger.now()


async def claim(dialer: Dialer, ledger: Ledger, tickets: list[Ticket], *, wait: float) -> list[Claim | Refusal]:
    requests = [
        ClaimRequest(ticket=ticket, epoch=0, ringing_timeout_seconds=30, talk_limit_seconds=60) for ticket in tickets
    ]
    await asyncio.sleep(wait)
    return await claim_attempts(ledger, requests, worker_id=dialer.worker_id)


async def race(dialer: Dialer, ledger: Ledger, tickets: list[Ticket], number_of: dict[int, str], score: Score) -> None:
    """One group: claim and suppression at once, and then the claim again, as a second delivery would."""
    numbers = [number_of[ticket.call_job_id] for ticket in tickets]
    committed_at, first = await asyncio.gather(
        suppress(ledger, numbers), claim(dialer, ledger, tickets, wait=random.random() * 3 * JITTER_SECONDS)
    )
    twins = [replace(ticket, attempt_id=dialer.new_id()) for ticket in tickets]
    second = await claim(dialer, ledger, twins, wait=0)
    for number, one, other in zip(numbers, first, second, strict=True):
        if isinstance(one, Claim):
            score.claim_first += 1
        else:
            score.suppression_first += one == Refusal("suppressed")
        if any(isinstance(answer, Claim) and answer.claimed_at > committed_at for answer in (one, other)):
            score.late.append(number)


async def run_races(dialer: Dialer, ledger: Ledger, races: int) -> Score:
    numbers = [f"+1212{count:07d}" for count in range(races)]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=numbers)
    tickets = await make_tickets(dialer, campaign, most=races, lease=timedelta(minutes=10))
    assert len(tickets) == races
    rows = await dialer.ledger.rows("SELECT id, number FROM call_jobs")
    number_of = {row["id"]: row["number"] for row in rows}
    groups = iter(grouped(tickets))
    score = Score()

    async def lane() -> None:
        for group in groups:
            await race(dialer, ledger, group, number_of, score)

    await asyncio.gather(*(lane() for _ in range(LANES)))
    return score


def grouped(tickets: list[Ticket]) -> list[list[Ticket]]:
    return [tickets[at : at + AT_ONCE] for at in range(0, len(tickets), AT_ONCE)]


async def test_no_claim_opens_an_attempt_after_the_commit_of_its_numbers_suppression(
    dialer: Dialer, crowd: Ledger, record_property: Callable[[str, object], None]
) -> None:
    score = await run_races(dialer, crowd, RACES)

    record_property("claim_first", score.claim_first)
    record_property("suppression_first", score.suppression_first)
    assert score.late == []
    assert score.claim_first + score.suppression_first == RACES
    assert min(score.claim_first, score.suppression_first) > RACES / 100, "they did not race"
    attempts = await dialer.ledger.rows("SELECT count(*) AS n FROM attempts")
    assert attempts[0]["n"] == score.claim_first


async def test_the_race_is_lost_without_the_claims_own_check(dialer: Dialer, crowd: Ledger) -> None:
    """So the test above would see it."""
    await dialer.ledger.changed(NO_CHECK)

    assert (await run_races(dialer, crowd, 500)).late
