"""When all agents talk, the next call waits for one of them: their campaign is not held for it."""

import pytest

from dialer.actions.bring_agent import MISSES_THAT_HOLD
from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.config import Settings, read_settings
from dialer.domain.campaign import CampaignState
from dialer.ledger.campaigns import Campaign, find_campaign
from tests.factories import attempt_row, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger

AGENT = "caller-agent"


@pytest.fixture
def settings() -> Settings:
    """Every bound a twentieth as long: an agent has 0.5 s to come."""
    return read_settings({"DIALER_FENCE_SCALE": "0.05"})


async def busy_agent_and_misses(dialer: Dialer, line: ScriptedLine, *, over: str) -> Campaign:
    """One agent talks; then its call is ``over`` (SQL), and nobody comes for one number more than hold a campaign."""
    campaign = await make_campaign(
        dialer.ledger, await make_trunk(dialer.ledger), numbers=MISSES_THAT_HOLD + 2, agent_name=AGENT
    )
    await open_epoch(dialer)
    talking, *others = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    line.results, line.agents = [PICKED_UP], {AGENT}
    await place_call(desk, talking)
    assert (await attempt_row(dialer.ledger, talking.attempt_id))["state"] == "answered"
    line.agents = set()
    await dialer.ledger.changed(f"UPDATE attempts SET {over}")
    for ticket in others:
        await place_call(desk, ticket)
    assert len(line.dialed) == 1
    return await find_campaign(dialer.ledger, campaign.name)


async def test_a_campaign_whose_agents_are_all_busy_goes_on(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await busy_agent_and_misses(dialer, line, over="state = state")

    assert campaign.state is CampaignState.RUNNING
    assert campaign.agents_missed == MISSES_THAT_HOLD


@pytest.mark.parametrize(
    "over",
    ["state = 'ended', ended_at = now()", "alone_since = now()", "doubt_since = now()"],
    ids=["it ended", "its agent left", "nobody knows whether it is up"],
)
async def test_it_is_held_when_no_agent_is_with_anybody(dialer: Dialer, line: ScriptedLine, over: str) -> None:
    campaign = await busy_agent_and_misses(dialer, line, over=over)

    assert campaign.state is CampaignState.HELD
