"""Rounds over several trunks and campaigns: order, shares, shared limits, breakers and their probes, slow starts."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from dialer.actions.release_jobs import FeederMemory, Release, release_due, waves
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.campaign import CampaignState
from dialer.domain.due_work import WorkKind
from dialer.domain.release_plan import Pick
from dialer.domain.trunk import Trunk
from dialer.ledger.releases import lock_trunks
from dialer.limits.buckets import of_campaign
from tests.actions.pacing import add_ways, health_of, make_account, make_trunks, set_breaker, state_of
from tests.factories import NUMBERS, make_campaign, open_epoch

pytestmark = pytest.mark.ledger

CLOSED, OPEN, HALF_OPEN, HELD = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.HELD


def by_trunk(releases: Sequence[Release]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for release in releases:
        found[release.trunk_id] += len(release.call_job_ids)
    return dict(found)


async def queued_by_campaign(dialer: Dialer) -> dict[int, int]:
    rows = await dialer.ledger.rows(
        "SELECT campaign_id, count(*) AS jobs FROM call_jobs WHERE state = 'queued' GROUP BY 1"
    )
    return {row["campaign_id"]: row["jobs"] for row in rows}


async def dial_all(dialer: Dialer) -> None:
    """As if what is queued had been dialed and had come to nothing."""
    await dialer.ledger.changed(
        "UPDATE call_jobs SET state = 'finished', finish_reason = 'exhausted' WHERE state = 'queued'"
    )


async def open_breaker(dialer: Dialer, scope: tuple[str, int], *, probe_in: float, state: BreakerState = OPEN) -> None:
    now = await dialer.ledger.now()
    probe_at = now + timedelta(seconds=probe_in)
    breaker = Breaker(
        state=state, rule="sip_503", reason="down", since=now, openings=1, opened_at=now, probe_at=probe_at
    )
    await set_breaker(dialer, scope, breaker)


async def test_a_backlog_fills_every_trunk_of_an_ordered_campaign_in_one_round(dialer: Dialer) -> None:
    first, second = await make_trunks(dialer, "first", "second", calls_per_second=5)
    campaign = await make_campaign(dialer.ledger, first, numbers=30)
    await add_ways(dialer, campaign, first, second)
    await open_epoch(dialer)

    assert by_trunk(await release_due(dialer)) == {first.id: 10, second.id: 10}
    rows = await dialer.ledger.rows(
        "SELECT trunk_id, count(*) AS jobs FROM call_jobs WHERE state = 'queued' GROUP BY 1"
    )
    assert {row["trunk_id"]: row["jobs"] for row in rows} == {first.id: 10, second.id: 10}


async def test_scarce_work_goes_through_the_first(dialer: Dialer) -> None:
    first, second = await make_trunks(dialer, "first", "second", calls_per_second=5)
    campaign = await make_campaign(dialer.ledger, first, numbers=12)
    await add_ways(dialer, campaign, first, second)
    await open_epoch(dialer)

    assert by_trunk(await release_due(dialer)) == {first.id: 10, second.id: 2}


async def test_a_trunk_that_another_feeder_releases_for_keeps_its_part(dialer: Dialer) -> None:
    first, second = await make_trunks(dialer, "first", "second", calls_per_second=5)
    campaign = await make_campaign(dialer.ledger, first, numbers=12)
    await add_ways(dialer, campaign, first, second)
    await open_epoch(dialer)

    async with dialer.ledger.transaction() as other_feeder:
        assert await lock_trunks(other_feeder, [first.id]) == {first.id}
        assert by_trunk(await release_due(dialer)) == {second.id: 2}


async def test_on_a_trunk_of_one_call_at_a_time_campaigns_take_turns_by_weight_whoever_releases(dialer: Dialer) -> None:
    [trunk] = await make_trunks(dialer, "slow", calls_per_second=0.5)
    heavy = await make_campaign(dialer.ledger, trunk, name="heavy", numbers=NUMBERS[:40], weight=3)
    light = await make_campaign(dialer.ledger, trunk, name="light", numbers=NUMBERS[40:80])
    await open_epoch(dialer)

    turns = []
    for _ in range(8):
        await release_due(dialer)  # a feeder that remembers nothing: where they stand is in the ledger
        turns += list(await queued_by_campaign(dialer))
        await dial_all(dialer)

    assert turns == [heavy.id, heavy.id, heavy.id, light.id] * 2


async def test_a_campaign_without_work_leaves_its_share_at_once(dialer: Dialer) -> None:
    [trunk] = await make_trunks(dialer, "trunk", calls_per_second=5)
    large = await make_campaign(dialer.ledger, trunk, name="large", numbers=NUMBERS[:80])
    small = await make_campaign(dialer.ledger, trunk, name="small", numbers=NUMBERS[80:82])
    await open_epoch(dialer)

    await release_due(dialer)

    assert await queued_by_campaign(dialer) == {large.id: 8, small.id: 2}


async def test_who_comes_while_the_queue_is_full_of_others_is_first(dialer: Dialer) -> None:
    [trunk] = await make_trunks(dialer, "trunk", calls_per_second=5)
    large = await make_campaign(dialer.ledger, trunk, name="large", numbers=NUMBERS[:60])
    await open_epoch(dialer)
    memory = FeederMemory()
    await release_due(dialer, memory)
    small = await make_campaign(dialer.ledger, trunk, name="small", numbers=NUMBERS[60:90])
    await dialer.ledger.changed(
        """UPDATE call_jobs SET state = 'finished', finish_reason = 'exhausted'
           WHERE id IN (SELECT id FROM call_jobs WHERE state = 'queued' LIMIT 4)"""
    )

    await release_due(dialer, memory)

    assert await queued_by_campaign(dialer) == {large.id: 6, small.id: 4}


async def test_a_campaigns_own_limit_counts_what_is_queued_and_what_is_up(dialer: Dialer) -> None:
    first, second = await make_trunks(dialer, "first", "second", calls_per_second=5)
    campaign = await make_campaign(dialer.ledger, first, numbers=30, max_concurrent_calls=7)
    await add_ways(dialer, campaign, first, second)
    epoch = await open_epoch(dialer)
    await dialer.slots.restore(of_campaign(campaign.id), [dialer.new_id() for _ in range(3)], epoch=epoch)

    assert by_trunk(await release_due(dialer)) == {first.id: 4}
    assert await release_due(dialer) == []


@pytest.mark.parametrize("limits", [{"rate": 5.0}, {"calls": 10}], ids=["calls per second", "channels"])
async def test_the_trunks_of_an_account_share_its_limits(dialer: Dialer, limits: dict[str, float]) -> None:
    account = await make_account(dialer, **limits)  # type: ignore[arg-type]
    one, two, idle = await make_trunks(dialer, "one", "two", "idle", account=account)
    for trunk, numbers in ((one, NUMBERS[:30]), (two, NUMBERS[30:60]), (idle, NUMBERS[60:61])):
        await make_campaign(dialer.ledger, trunk, name=trunk.name, numbers=numbers)
    await dialer.ledger.changed(
        "UPDATE call_jobs SET due_at = now() + interval '1 h' WHERE number = %(n)s", {"n": NUMBERS[60]}
    )
    await open_epoch(dialer)

    assert by_trunk(await release_due(dialer)) == {one.id: 5, two.id: 5}
    assert await release_due(dialer) == [], "what is queued counts for the account"


async def test_livekits_quota_is_shared_by_all(dialer: Dialer) -> None:
    one, two = await make_trunks(dialer, "one", "two")
    for trunk, numbers in ((one, NUMBERS[:30]), (two, NUMBERS[30:60])):
        await make_campaign(dialer.ledger, trunk, name=trunk.name, numbers=numbers)
    await dialer.ledger.changed("UPDATE line_status SET requests_per_minute = 120")
    await open_epoch(dialer)

    assert by_trunk(await release_due(dialer)) == {one.id: 2, two.id: 2}


class TestABreakerThatIsNotClosed:
    async def two(self, dialer: Dialer, *, numbers: int = 30) -> list[Trunk]:
        first, second = await make_trunks(dialer, "first", "second", calls_per_second=5)
        campaign = await make_campaign(dialer.ledger, first, numbers=numbers)
        await add_ways(dialer, campaign, first, second)
        await open_epoch(dialer)
        return [first, second]

    @pytest.mark.parametrize("state", [OPEN, HALF_OPEN, HELD])
    async def test_lets_nothing_through_and_the_next_trunk_takes_it(self, dialer: Dialer, state: BreakerState) -> None:
        first, second = await self.two(dialer)
        await open_breaker(dialer, ("trunk", first.id), probe_in=60, state=state)
        assert by_trunk(await release_due(dialer)) == {second.id: 10}

    @pytest.mark.parametrize("numbers", [30, 1], ids=["a backlog", "one call job"])
    async def test_is_tried_with_one_call_when_it_is_time(self, dialer: Dialer, numbers: int) -> None:
        first, _ = await self.two(dialer, numbers=numbers)
        await open_breaker(dialer, ("trunk", first.id), probe_in=-1)

        releases = await release_due(dialer)

        [probe] = [release for release in releases if release.trunk_id == first.id]
        health = await health_of(dialer, first)
        assert len(probe.call_job_ids) == 1
        assert (health.breaker.state, health.probe_release) == (HALF_OPEN, probe.release_id)
        assert first.id not in by_trunk(await release_due(dialer)), "one at a time"

    async def test_is_tried_again_when_the_probe_is_lost(self, dialer: Dialer) -> None:
        first, _ = await self.two(dialer)
        await open_breaker(dialer, ("trunk", first.id), probe_in=-1, state=HALF_OPEN)
        assert by_trunk(await release_due(dialer))[first.id] == 1

    async def test_is_not_tried_while_nobody_is_due(self, dialer: Dialer) -> None:
        first, _ = await self.two(dialer)
        await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '1 h'")
        await open_breaker(dialer, ("trunk", first.id), probe_in=-1)
        assert await release_due(dialer) == []
        assert await state_of(dialer, ("trunk", first.id)) is OPEN

    async def test_is_not_tried_with_whoever_must_not_be_called(self, dialer: Dialer) -> None:
        first, _ = await self.two(dialer, numbers=1)
        await open_breaker(dialer, ("trunk", first.id), probe_in=-1)
        await dialer.ledger.changed(
            "INSERT INTO suppressions (pattern, source) VALUES (%(number)s, 'operator')", {"number": NUMBERS[0]}
        )
        assert await release_due(dialer) == []
        assert await state_of(dialer, ("trunk", first.id)) is OPEN

    async def test_is_not_tried_with_whoever_has_just_failed_on_it(self, dialer: Dialer) -> None:
        first, second = await self.two(dialer, numbers=1)
        await open_breaker(dialer, ("trunk", first.id), probe_in=-1)
        await dialer.ledger.changed(
            "UPDATE call_jobs SET tried = true, not_trunks = ARRAY[%(trunk)s::int]", {"trunk": first.id}
        )
        assert by_trunk(await release_due(dialer)) == {second.id: 1}

    async def test_of_an_account_is_tried_through_one_trunk(self, dialer: Dialer) -> None:
        account = await make_account(dialer)
        one, two = await make_trunks(dialer, "one", "two", account=account)
        for trunk, numbers in ((one, NUMBERS[:9]), (two, NUMBERS[9:18])):
            await make_campaign(dialer.ledger, trunk, name=trunk.name, numbers=numbers)
        await open_epoch(dialer)
        await open_breaker(dialer, ("account", account.id), probe_in=-1)
        await open_breaker(dialer, ("trunk", one.id), probe_in=-1)

        assert by_trunk(await release_due(dialer)) == {two.id: 1}, "through the one that is well itself"
        assert await state_of(dialer, ("account", account.id)) is HALF_OPEN
        assert await state_of(dialer, ("trunk", one.id)) is OPEN

    async def test_of_trunk_and_account_both_are_tried_with_one_call(self, dialer: Dialer) -> None:
        account = await make_account(dialer)
        [trunk] = await make_trunks(dialer, "one", account=account)
        await make_campaign(dialer.ledger, trunk, numbers=9)
        await open_epoch(dialer)
        for scope in (("account", account.id), ("trunk", trunk.id)):
            await open_breaker(dialer, scope, probe_in=-1)

        assert by_trunk(await release_due(dialer)) == {trunk.id: 1}
        assert await state_of(dialer, ("account", account.id)) is HALF_OPEN
        assert await state_of(dialer, ("trunk", trunk.id)) is HALF_OPEN


class TestATrunkThatAsksForASlowStart:
    async def test_begins_slowly_after_it_was_idle_and_not_again_while_it_is_used(self, dialer: Dialer) -> None:
        [trunk] = await make_trunks(dialer, "slow", calls_per_second=50, ramp_at_start=True, ramp=timedelta(seconds=60))
        await make_campaign(dialer.ledger, trunk, numbers=90)
        await open_epoch(dialer)

        first = by_trunk(await release_due(dialer))
        begun = (await health_of(dialer, trunk)).breaker.closed_at
        await dialer.ledger.changed("UPDATE health SET closed_at = closed_at - interval '2 min'")
        second = by_trunk(await release_due(dialer))

        assert first == {trunk.id: 20}, "a fifth of 50 a second, for 2 s"
        assert second == {trunk.id: 30}, "its 50 channels"
        assert begun is not None

    async def test_does_not_begin_while_it_has_no_work(self, dialer: Dialer) -> None:
        [trunk] = await make_trunks(dialer, "slow", ramp_at_start=True)
        await make_campaign(dialer.ledger, trunk, numbers=9)
        await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '1 h'")
        await open_epoch(dialer)
        await release_due(dialer)
        assert (await health_of(dialer, trunk)).breaker.closed_at is None


async def test_retries_go_before_new_contacts_and_leave_them_a_quarter(dialer: Dialer) -> None:
    [trunk] = await make_trunks(dialer, "trunk", calls_per_second=4)
    await make_campaign(dialer.ledger, trunk, numbers=40)
    await dialer.ledger.changed("UPDATE call_jobs SET tried = id % 2 = 0")
    await open_epoch(dialer)

    await release_due(dialer)

    rows = await dialer.ledger.rows("SELECT tried, count(*) AS jobs FROM call_jobs WHERE state = 'queued' GROUP BY 1")
    assert {row["tried"]: row["jobs"] for row in rows} == {True: 6, False: 2}


async def test_a_paused_campaign_is_left_alone(dialer: Dialer) -> None:
    [trunk] = await make_trunks(dialer, "trunk")
    await make_campaign(dialer.ledger, trunk, numbers=3, state=CampaignState.PAUSED)
    await open_epoch(dialer)
    assert await release_due(dialer) == []


@pytest.mark.unit
def test_picks_of_a_campaign_through_two_trunks_are_made_one_after_the_other() -> None:
    def pick(campaign_id: int, trunk_id: int, kind: WorkKind = WorkKind.NEW) -> Pick:
        return Pick(trunk_id=trunk_id, campaign_id=campaign_id, kind=kind, routes=("",), jobs=1)

    picks = [pick(1, 1), pick(1, 1, WorkKind.RETRY), pick(2, 1), pick(1, 2), pick(3, 2), pick(2, 3), pick(1, 3)]
    found = waves(picks)
    assert sorted(map(len, found)) == [1, 2, 4]
    assert all(len({p.trunk_id for p in wave if p.campaign_id == c}) <= 1 for wave in found for c in (1, 2, 3))
