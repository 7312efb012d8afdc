"""Faults of configuration hold the trunk that has them, or the campaign when they are not the trunk's."""

import pytest

from dialer.actions.desk import Desk
from dialer.app import Dialer
from tests.actions.pacing import REFUSED_REQUEST, place_in_turn
from tests.factories import NUMBERS, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import BUSY, WRONG_PASSWORD, ScriptedLine

pytestmark = pytest.mark.ledger


async def test_a_wrong_password_holds_the_trunk_and_leaves_its_campaign_waiting(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [WRONG_PASSWORD]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    await open_epoch(dialer)
    tickets = await make_tickets(dialer, campaign)

    await place_in_turn(Desk(dialer), tickets)

    assert await dialer.ledger.rows("SELECT state FROM health") == [{"state": "held"}]
    assert await dialer.ledger.rows("SELECT state FROM campaigns") == [{"state": "running"}]
    assert [await job_state(dialer.ledger, ticket.call_job_id) for ticket in tickets] == [("waiting", None)] * 3
    assert len(line.dialed) == 2
    counted = await dialer.ledger.row("SELECT sum(attempts_counted) AS counted FROM call_jobs")
    assert counted == {"counted": 0}


async def test_three_numbers_in_a_row_that_livekit_refuses_hold_the_campaign_and_no_trunk(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [REFUSED_REQUEST]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    await open_epoch(dialer)
    tickets = await make_tickets(dialer, campaign)

    await place_in_turn(Desk(dialer), tickets)

    row = await dialer.ledger.row("SELECT state, held_reason FROM campaigns")
    assert row is not None
    assert row["state"] == "held"
    assert "dialer campaign resume" in row["held_reason"]
    assert await dialer.ledger.rows("SELECT state FROM health") == []
    assert [await job_state(dialer.ledger, ticket.call_job_id) for ticket in tickets] == [("waiting", None)] * 3
    counted = await dialer.ledger.row("SELECT sum(attempts_counted) AS counted FROM call_jobs")
    assert counted == {"counted": 0}


async def test_another_outcome_between_them_starts_the_row_of_configuration_errors_anew(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [REFUSED_REQUEST, REFUSED_REQUEST, BUSY, REFUSED_REQUEST]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=4)
    await open_epoch(dialer)

    await place_in_turn(Desk(dialer), await make_tickets(dialer, campaign))

    row = await dialer.ledger.row("SELECT state, config_error_numbers FROM campaigns")
    assert row == {"state": "running", "config_error_numbers": [NUMBERS[3]]}
