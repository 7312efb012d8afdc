"""How much is released where voice agents take their time, on the real ledger and the real Redis."""

from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.bring_agent import bring_agent
from dialer.actions.call_terms import limits_of
from dialer.actions.desk import Desk
from dialer.actions.place_call import look
from dialer.actions.release_jobs import release_due
from dialer.app import Dialer
from dialer.config import Settings, read_settings
from dialer.domain.trunk import Trunk
from dialer.limits.agent_times import KEPT, note_agent_time, usual_agent_times
from dialer.limits.buckets import of_trunk
from tests.factories import make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import ScriptedLine

pytestmark = pytest.mark.ledger

AGENT = "caller-agent"


async def released(dialer: Dialer) -> int:
    return sum(len(release.call_job_ids) for release in await release_due(dialer))


async def release_two_seconds_ago(dialer: Dialer) -> None:
    """As if what is queued had been released long ago."""
    await dialer.ledger.changed(
        "UPDATE call_jobs SET lease_token = %(old)s WHERE state = 'queued'", {"old": UUID(int=1 << 80)}
    )


async def make_slow_campaign(dialer: Dialer, *, seconds: float, channels: int = 50) -> Trunk:
    trunk = await make_trunk(dialer.ledger, calls_per_second=5, max_concurrent_calls=channels)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=80, agent_name=AGENT)
    await open_epoch(dialer)
    await note_agent_time(dialer.redis, campaign.id, timedelta(seconds=seconds))
    return trunk


async def test_while_slow_agents_are_waited_for_more_is_released_two_seconds_of_it_at_a_time(dialer: Dialer) -> None:
    await make_slow_campaign(dialer, seconds=4)

    found = []
    for _ in range(4):
        found.append((await released(dialer), await released(dialer)))
        await release_two_seconds_ago(dialer)

    assert found == [(10, 0), (10, 0), (10, 0), (0, 0)], "5 a second for 2 s and the agents' 4 s"


async def test_an_agent_is_given_up_after_ten_seconds_so_no_more_than_that_is_believed(dialer: Dialer) -> None:
    await make_slow_campaign(dialer, seconds=1000, channels=1000)
    count = 0
    for _ in range(10):
        count += await released(dialer)
        await release_two_seconds_ago(dialer)
    assert count == 60


async def test_a_call_that_waits_for_its_agent_takes_one_channel_and_not_two(dialer: Dialer) -> None:
    trunk = await make_slow_campaign(dialer, seconds=8, channels=20)
    assert await released(dialer) == 10
    await release_two_seconds_ago(dialer)
    [campaign_id] = {row["id"] for row in await dialer.ledger.rows("SELECT id FROM campaigns")}
    desk = Desk(dialer)
    [terms] = (await desk.terms.of([campaign_id])).values()
    state = await desk.terms.trunk(trunk.id)
    assert state is not None
    held = await dialer.rate.hold(
        limits_of(state, terms, promised=False), [UUID(int=number) for number in range(10)], epoch=1
    )
    assert held == [True] * 10
    assert await dialer.slots.in_use(of_trunk(trunk.id)) == 10

    assert await released(dialer) == 10


class TestHowLongAgentsTook:
    @pytest.fixture
    def settings(self) -> Settings:
        """Every bound a twentieth as long: an agent has 0.5 s to come."""
        return read_settings({"DIALER_FENCE_SCALE": "0.05"})

    @pytest.mark.parametrize(("names", "is_known"), [({AGENT}, True), (set(), False)], ids=["came", "did not come"])
    async def test_is_known_of_those_that_came(
        self, dialer: Dialer, line: ScriptedLine, names: set[str], is_known: bool
    ) -> None:
        line.agents = names
        campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, agent_name=AGENT)
        await open_epoch(dialer)
        [ticket] = await make_tickets(dialer, campaign)
        desk = Desk(dialer)
        job = await look(desk, ticket)
        assert job is not None

        assert await bring_agent(desk, job) is is_known

        usual = await usual_agent_times(dialer.redis, [campaign.id, campaign.id + 1])
        assert list(usual) == [campaign.id] * is_known
        assert all(timedelta(0) < took < timedelta(seconds=1) for took in usual.values())

    async def test_is_the_mean_of_the_last_few(self, dialer: Dialer) -> None:
        for seconds in [100] * 5 + [2, 4] * (KEPT // 2):
            await note_agent_time(dialer.redis, 1, timedelta(seconds=seconds))
        assert await usual_agent_times(dialer.redis, [1]) == {1: timedelta(seconds=3)}
        assert await usual_agent_times(dialer.redis, []) == {}
