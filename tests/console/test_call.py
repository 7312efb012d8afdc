"""``dialer call``: one call, told step by step, by whoever is there to make it."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.domain.campaign import CampaignState
from dialer.domain.trunk import InlineTrunk, TrunkSettings
from dialer.ledger.campaigns import list_campaigns
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import add_trunk, edit_trunk
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


async def test_a_trunk_that_goes_with_the_call_carries_it(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger, folder: Path
) -> None:
    password = "hunter2-Secret"
    await add_trunk(
        ledger,
        TrunkSettings(
            name="direct",
            livekit_trunk_id=None,
            calls_per_second=10.0,
            max_concurrent_calls=5,
            caller_id="+12125550199",
            inline=InlineTrunk(hostname="sip.example.com", auth_username="us", auth_password=password),
        ),
    )
    told = {**environment, "DIALER_LOG_LEVEL": "debug"}
    command = start("call", BUSY, "--trunk", "direct", "--yes", environment=told)
    assert await command.over() == 5, command.err
    assert [(invite["number"], invite["trunk"]) for invite in invites(simulator)] == [(BUSY, "inline:sip.example.com")]
    logs = logs_in(folder)
    assert "attempt_ended" in logs
    assert password not in command.out + command.err + logs


def logs_in(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*.log"))


async def test_a_trunk_that_does_not_carry_the_number_is_refused(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await edit_trunk(ledger, replace(await make_trunk(ledger), serves=("+44",)))
    command = start("call", BUSY, "--trunk", "trunk", "--yes", environment=environment)
    assert await command.over() == 2
    assert "trunk 'trunk' carries only numbers that begin with +44" in command.err
    assert invites(simulator) == []


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
