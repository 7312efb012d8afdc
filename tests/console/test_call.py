"""``dialer call``: one call, told step by step, by whoever is there to make it."""

import signal

import pytest

from dialer.domain.campaign import CampaignState
from dialer.ledger.campaigns import list_campaigns
from dialer.ledger.session import Ledger
from tests.console.conftest import Start, invites
from tests.console.running import until
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.journey

ANSWERS = "+12125550235"
BUSY = "+12125550486"
RINGS_FOR_EVER = "+12125550000"


async def test_an_answered_call_is_told_step_by_step(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await make_trunk(ledger)
    command = start("call", ANSWERS, "--trunk", "trunk", "--yes", environment=environment)
    assert await command.over() == 0, command.err
    steps = [line.split()[2] for line in command.out.splitlines() if " s  " in line]
    assert steps == ["queued", "dialing", "answered", "over", "outcome", "because"]
    assert "No `dialer up` is running here" in command.err
    assert [invite["number"] for invite in invites(simulator)] == [ANSWERS]
    assert [campaign.state for campaign in await list_campaigns(ledger)] == [CampaignState.FINISHED]


async def test_a_call_that_is_not_answered_is_not_made_again(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await make_trunk(ledger)
    command = start("call", BUSY, "--trunk", "trunk", "--yes", environment=environment)
    assert await command.over() == 5
    assert "busy" in command.out
    assert "SIP 486 Busy Here" in command.out
    assert len(invites(simulator)) == 1


async def test_the_workers_of_a_running_up_make_the_call(
    start: Start, environment: dict[str, str], ledger: Ledger
) -> None:
    await make_trunk(ledger)
    up = start("up", environment=environment)
    await up.has_said("Ctrl-C stops it")
    command = start("call", BUSY, "--trunk", "trunk", "--yes", environment=environment)
    assert await command.over() == 5
    assert "`dialer up` is running here" in command.err


async def test_it_does_not_set_other_campaigns_going(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await make_campaign(ledger, await make_trunk(ledger))
    command = start("call", BUSY, "--trunk", "trunk", "--yes", environment=environment)
    assert await command.over() == 2
    assert "a running campaign" in command.err
    assert invites(simulator) == []


async def test_ctrl_c_takes_the_number_back(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await make_trunk(ledger)
    command = start("call", RINGS_FOR_EVER, "--trunk", "trunk", "--yes", environment=environment)
    await until(lambda: len(invites(simulator)) == 1)
    command.send(signal.SIGINT)
    assert await command.over() == 130
    assert [campaign.state for campaign in await list_campaigns(ledger)] == [CampaignState.CANCELLED]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(("12", "--trunk", "trunk", "--yes"), "12 cannot be called", id="no number"),
        pytest.param((BUSY, "--trunk", "nowhere", "--yes"), "there is no trunk named 'nowhere'", id="no such trunk"),
        pytest.param((BUSY, "--trunk", "trunk"), "without a terminal nobody can be asked", id="nobody to ask"),
    ],
)
async def test_what_cannot_be_done_is_said_before_anybody_is_called(
    start: Start,
    environment: dict[str, str],
    simulator: str,
    ledger: Ledger,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    await make_trunk(ledger)
    command = start("call", *arguments, environment=environment)
    assert await command.over() == 2
    assert complaint in command.err
    assert invites(simulator) == []
