"""The claim on the real PostgreSQL: who gets it, who does not and why, and what a lost answer leaves."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.domain.campaign import CampaignState
from dialer.ledger.call_jobs import Ticket, put_back_lapsed
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.claims import Claim, ClaimRequest, Refusal, bury_claim, claim_attempts
from dialer.ledger.installation import raise_epoch
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk

pytestmark = pytest.mark.ledger


def requests(tickets: list[Ticket], *, epoch: int = 0) -> list[ClaimRequest]:
    return [
        ClaimRequest(ticket=ticket, epoch=epoch, ringing_timeout_seconds=30, talk_limit_seconds=3600)
        for ticket in tickets
    ]


async def claim(dialer: Dialer, tickets: list[Ticket], *, epoch: int = 0) -> list[Claim | Refusal]:
    return await claim_attempts(dialer.ledger, requests(tickets, epoch=epoch), worker_id=dialer.worker_id)


def again(dialer: Dialer, ticket: Ticket) -> Ticket:
    return replace(ticket, attempt_id=dialer.new_id())


async def test_a_claim_opens_the_attempt_and_takes_the_call_job(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    tickets = await make_tickets(dialer, campaign)

    answers = await claim(dialer, tickets)

    assert all(isinstance(answer, Claim) for answer in answers)
    assert [await job_state(dialer.ledger, ticket.call_job_id) for ticket in tickets] == [("in_progress", None)] * 3
    assert (await attempt_row(dialer.ledger, tickets[0].attempt_id))["state"] == "dialing"


async def test_two_deliveries_of_one_message_are_claimed_once(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=20)
    tickets = await make_tickets(dialer, campaign)
    twins = [again(dialer, ticket) for ticket in tickets]

    mine, theirs = await asyncio.gather(claim(dialer, tickets), claim(dialer, twins))

    won = [isinstance(one, Claim) + isinstance(other, Claim) for one, other in zip(mine, theirs, strict=True)]
    assert won == [1] * 20
    rows = await dialer.ledger.rows("SELECT call_job_id FROM attempts")
    assert len(rows) == 20


async def test_a_delivery_after_claim_and_settlement_opens_nothing(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await claim(dialer, [ticket])
    await dialer.ledger.changed("UPDATE attempts SET state = 'ended'")
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'waiting'")

    assert await claim(dialer, [again(dialer, ticket)]) == [Refusal.NOT_MINE]


async def test_the_same_number_in_one_batch_is_claimed_once(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    one = await make_campaign(dialer.ledger, trunk, name="one", numbers=2)
    other = await make_campaign(dialer.ledger, trunk, name="other", numbers=2)
    tickets = [*await make_tickets(dialer, one), *await make_tickets(dialer, other)]

    answers = await claim(dialer, tickets)

    assert [isinstance(answer, Claim) for answer in answers].count(True) == 2
    assert answers.count(Refusal.NUMBER_OPEN) == 2


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        pytest.param("UPDATE call_jobs SET lease_until = now()", Refusal.NOT_MINE, id="its lease is over"),
        pytest.param(
            "UPDATE call_jobs SET lease_token = gen_random_uuid()", Refusal.NOT_MINE, id="it was released anew"
        ),
        pytest.param("UPDATE call_jobs SET state = 'waiting'", Refusal.NOT_MINE, id="it is not queued"),
        pytest.param("UPDATE campaigns SET state = 'paused'", Refusal.PAUSED, id="its campaign is paused"),
        pytest.param("UPDATE campaigns SET state = 'held'", Refusal.PAUSED, id="its campaign is held"),
        pytest.param("UPDATE call_jobs SET attempts_counted = 4", Refusal.NO_ATTEMPTS_LEFT, id="no attempts are left"),
        pytest.param(
            "INSERT INTO suppressions (pattern, source) SELECT number, 'agent' FROM call_jobs",
            Refusal.SUPPRESSED,
            id="its number is suppressed",
        ),
        pytest.param("UPDATE call_jobs SET open_until = now()", Refusal.CLOSED, id="its window has closed"),
        pytest.param("UPDATE campaigns SET end_at = now()", Refusal.CLOSED, id="its campaign is over"),
        pytest.param("UPDATE campaigns SET start_at = now() + interval '1 h'", Refusal.CLOSED, id="it has not begun"),
    ],
)
async def test_what_may_not_be_claimed_is_refused_with_its_reason(
    dialer: Dialer, statement: str, refusal: Refusal
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await dialer.ledger.changed(statement)

    assert await claim(dialer, [ticket]) == [refusal]
    assert await dialer.ledger.rows("SELECT id FROM attempts") == []


async def test_a_call_back_that_was_promised_is_made_beyond_the_last_attempt(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await dialer.ledger.changed("UPDATE call_jobs SET attempts_counted = 4, promised = true")

    [answer] = await claim(dialer, [ticket])
    assert isinstance(answer, Claim)


async def test_a_reason_that_only_a_newer_ledger_knows_is_refused_too(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await dialer.ledger.changed(
        """CREATE OR REPLACE FUNCTION claim_refusal(job call_jobs, campaign campaigns, lease uuid) RETURNS text
           LANGUAGE sql STABLE AS $$ SELECT 'of the future' $$"""
    )

    assert await claim(dialer, [ticket]) == [Refusal.OTHER]
    await place_call(Desk(dialer), ticket)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)


async def test_one_that_is_refused_does_not_take_the_others_along(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    first, second, third = await make_tickets(dialer, campaign)
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'waiting' WHERE id = %(id)s", {"id": second.call_job_id})

    answers = await claim(dialer, [first, second, third])

    assert [isinstance(answer, Claim) for answer in answers] == [True, False, True]


async def test_a_row_that_somebody_works_on_is_locked_and_not_waited_for(dialer: Dialer, database_url: str) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT * FROM call_jobs FOR UPDATE")

        assert await claim(dialer, [ticket]) == [Refusal.LOCKED]


async def test_a_claim_planned_in_an_older_epoch_is_refused(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await raise_epoch(dialer.ledger)

    assert await claim(dialer, [ticket], epoch=0) == [Refusal.OTHER_EPOCH]


async def test_a_claim_that_waits_for_the_leader_sees_the_new_epoch(dialer: Dialer, database_url: str) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    async with await psycopg.AsyncConnection.connect(database_url) as leader:
        await leader.execute("LOCK TABLE installation IN EXCLUSIVE MODE")
        await leader.execute("UPDATE installation SET epoch = epoch + 1")
        waiting = asyncio.create_task(claim(dialer, [ticket], epoch=0))
        async with asyncio.timeout(5):
            while not await _somebody_waits(leader):
                await asyncio.sleep(0.01)
        await leader.commit()

        assert await waiting == [Refusal.OTHER_EPOCH]


async def _somebody_waits(connection: psycopg.AsyncConnection) -> bool:
    found = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    row = await found.fetchone()
    return bool(row and row[0])


async def test_a_claim_carries_the_call_jobs_history_oldest_first(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    for minutes, outcome in ((30, "busy"), (20, "congestion"), (10, "no_answer")):
        await dialer.ledger.changed(
            """INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, ringing_timeout_seconds,
                   talk_limit_seconds, state, ended_at, outcome, counted, sent, rule)
               VALUES (gen_random_uuid(), %(job)s, 1, 1, 'x', 30, 60, 'ended', now() - %(ago)s, %(outcome)s,
                       %(counted)s, true, 'r')""",
            {
                "job": ticket.call_job_id,
                "ago": timedelta(minutes=minutes),
                "outcome": outcome,
                "counted": outcome != "congestion",
            },
        )

    [answer] = await claim(dialer, [ticket])

    assert isinstance(answer, Claim)
    assert [(past.outcome.value, past.counted) for past in answer.history] == [
        ("busy", True),
        ("congestion", False),
        ("no_answer", True),
    ]
    assert answer.claimed_at - answer.history[0].at == pytest.approx(timedelta(minutes=30), abs=timedelta(seconds=1))


async def test_a_claim_whose_answer_was_lost_is_ended_unsent_and_its_call_job_comes_again(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    await claim(dialer, [ticket])

    [request] = requests([ticket])
    for _ in range(2):
        await bury_claim(dialer.ledger, request, number=NUMBERS[0], campaign_id=campaign.id)

    attempt = await attempt_row(dialer.ledger, ticket.attempt_id)
    assert (attempt["state"], attempt["outcome"], attempt["sent"]) == ("ended", "cancelled", False)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)
    assert await dialer.ledger.rows("SELECT outcome, value FROM attempt_counters") == [
        {"outcome": "cancelled", "value": 1}
    ]


async def test_a_claim_that_comes_after_its_burial_opens_nothing(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    [request] = requests([ticket])
    await bury_claim(dialer.ledger, request, number=NUMBERS[0], campaign_id=campaign.id)
    # The very message again, its call job queued under the same release as if the burial had come before the claim.
    await dialer.ledger.changed(
        "UPDATE call_jobs SET state = 'queued', lease_token = %(token)s, lease_until = now() + interval '1 min'",
        {"token": ticket.release_id},
    )

    assert await claim(dialer, [ticket]) == [Refusal.LOCKED]
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["state"] == "ended"


async def test_call_jobs_whose_lease_ran_out_wait_again_and_are_due_now(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2)
    lapsed, held = await make_tickets(dialer, campaign)
    await dialer.ledger.changed(
        "UPDATE call_jobs SET lease_until = now() WHERE id = %(id)s", {"id": lapsed.call_job_id}
    )

    assert await put_back_lapsed(dialer.ledger) == 1
    assert await job_state(dialer.ledger, lapsed.call_job_id) == ("waiting", None)
    assert await job_state(dialer.ledger, held.call_job_id) == ("queued", None)


async def test_a_resumed_campaign_is_claimed_again(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    [ticket] = await make_tickets(dialer, campaign)
    for before, after in (
        (CampaignState.RUNNING, CampaignState.PAUSED),
        (CampaignState.PAUSED, CampaignState.RUNNING),
    ):
        assert await move_campaign(dialer.ledger, campaign.id, before=[before], after=after)

    assert isinstance((await claim(dialer, [ticket]))[0], Claim)
