"""In which buckets a call is counted, what it takes of each, and that it takes from all of them or from none."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from dialer.clock import Clock
from dialer.domain.fence import Leases
from dialer.limits.buckets import (
    LIVEKIT,
    PACE,
    AccountLimits,
    Buckets,
    CallLimits,
    of_account,
    of_campaign,
    of_trunk,
    request_interval,
)
from dialer.limits.call_rate import CallRate, NoSlot, Reservation, Turn, Wait
from dialer.limits.call_slots import CallSlots, EpochRefused
from dialer.limits.epoch import Epoch
from dialer.limits.redis_session import RedisSession

pytestmark = pytest.mark.limits

LEAD = timedelta(milliseconds=30)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BUCKETS = (of_trunk(1), of_account(7), of_campaign(3))


class Limits:
    """The limits of one installation with an open epoch 1."""

    def __init__(self, redis_url: str) -> None:
        self.session = RedisSession(redis_url, installation="test")
        self.slots = CallSlots(self.session)
        self.rate = CallRate(self.session, self.slots, leases=Leases(), clock=Clock())
        self.epoch = Epoch(self.session, self.rate)

    async def reserve(self, limits: CallLimits, *ids: int) -> list[Reservation]:
        given = await self.rate.reserve(limits, [UUID(int=each) for each in ids], epoch=1, lead=LEAD)
        assert not isinstance(given, EpochRefused)
        return given

    async def in_use(self) -> list[int]:
        return [await self.slots.in_use(bucket) for bucket in BUCKETS]


@pytest.fixture
async def limits(redis_url: str) -> Limits:
    made = Limits(redis_url)
    await made.epoch.begin(1)
    await made.epoch.open(1, {})
    return made


def call(
    *,
    trunk: int = 1,
    rate: float = 1000,
    calls: int = 100,
    account: AccountLimits | None = None,
    campaign_calls: int | None = None,
    requests: float | None = None,
) -> CallLimits:
    return CallLimits(
        trunk_id=trunk,
        calls_per_second=rate,
        max_concurrent_calls=calls,
        account=account or AccountLimits(account_id=7),
        campaign_id=3,
        campaign_calls=campaign_calls,
        requests_per_minute=requests,
    )


def test_the_trunks_bucket_comes_first() -> None:
    assert Buckets(1, 7, 3).names == BUCKETS
    assert Buckets(1).names == BUCKETS[:1]
    assert Buckets(1, None, 3).names == (of_trunk(1), of_campaign(3))
    assert call().buckets.names == BUCKETS


def test_what_one_call_takes_of_each_rate() -> None:
    account = AccountLimits(account_id=7, calls_per_second=5)
    found = call(rate=0.5, account=account, requests=600).rates
    assert found == (
        (of_trunk(1), timedelta(seconds=2 / PACE)),
        (of_account(7), timedelta(seconds=0.2 / PACE)),
        (LIVEKIT, timedelta(seconds=0.1 / PACE)),
    )
    assert call(rate=0.5).rates == found[:1], "without a limit of its own an account has no rate"
    assert request_interval(60) == timedelta(seconds=1 / PACE)


@pytest.mark.parametrize(
    ("full", "place"),
    [
        pytest.param(call(calls=2), 0, id="the trunk"),
        pytest.param(call(account=AccountLimits(account_id=7, max_concurrent_calls=2)), 1, id="the account"),
        pytest.param(call(campaign_calls=2), 2, id="the campaign"),
    ],
)
async def test_when_one_bucket_is_full_nothing_is_taken_from_the_others(
    limits: Limits, full: CallLimits, place: int
) -> None:
    given = await limits.reserve(full, 1, 2, 3)

    assert [type(each) for each in given] == [Turn, Turn, NoSlot]
    assert given[2] == NoSlot(place)
    assert await limits.in_use() == [2, 2, 2]


async def test_the_fullest_bucket_is_named(limits: Limits) -> None:
    account = AccountLimits(account_id=7, max_concurrent_calls=3)
    await limits.slots.restore(of_account(7), [UUID(int=each) for each in range(50, 55)], epoch=1)

    assert await limits.reserve(call(calls=3, account=account, campaign_calls=3), 1) == [NoSlot(1)]


async def test_a_slot_that_is_free_in_every_bucket_but_without_a_turn_is_not_taken(limits: Limits) -> None:
    slow = AccountLimits(account_id=7, calls_per_second=0.6)
    first, second, third = await limits.reserve(call(account=slow), 1, 2, 3)

    assert [type(each) for each in (first, second, third)] == [Turn, Turn, Wait]
    assert await limits.in_use() == [2, 2, 2]


async def test_turns_are_as_far_apart_as_the_slowest_rate_wants_it(limits: Limits) -> None:
    given = await limits.reserve(call(rate=50, account=AccountLimits(account_id=7, calls_per_second=10)), *range(1, 5))

    moments = [turn.moment for turn in given if isinstance(turn, Turn)]
    assert [after - before for before, after in pairwise(moments)] == pytest.approx([0.1 / PACE] * 3, abs=2e-6)


async def test_two_trunks_share_the_rate_of_their_account_and_keep_their_own(limits: Limits) -> None:
    account = AccountLimits(account_id=7, calls_per_second=10)
    [one] = await limits.reserve(call(trunk=1, account=account), 1)
    [other] = await limits.reserve(call(trunk=2, account=account), 2)
    [alone] = await limits.reserve(CallLimits(trunk_id=3, calls_per_second=10, max_concurrent_calls=5), 3)

    assert isinstance(one, Turn)
    assert isinstance(other, Turn)
    assert isinstance(alone, Turn)
    assert other.moment - one.moment == pytest.approx(0.1 / PACE, abs=0.003)
    assert alone.moment < other.moment


async def test_what_was_sent_without_a_turn_is_waited_for(limits: Limits) -> None:
    await limits.rate.spend(LIVEKIT, timedelta(seconds=0.5), 3)
    [first] = await limits.reserve(call(requests=600), 1)
    [second] = await limits.reserve(call(trunk=2), 2)

    assert isinstance(first, Turn)
    assert isinstance(second, Turn)
    assert first.moment - Clock().seconds() == pytest.approx(1.5, abs=0.2)
    assert second.moment < first.moment, "calls that are not counted there do not wait"


async def test_spending_of_a_bucket_that_nobody_used_begins_now(limits: Limits) -> None:
    now = await limits.session.time()
    await limits.rate.spend(LIVEKIT, timedelta(seconds=1), 2)

    assert int(await limits.session.client.get(limits.rate.key(LIVEKIT)) or 0) / 1e6 - now == pytest.approx(2, abs=0.2)


async def test_a_confirm_needs_the_lease_in_every_bucket(limits: Limits) -> None:
    await limits.reserve(call(), 1, 2)
    await limits.slots.free([(of_campaign(3), UUID(int=2))])

    assert await limits.slots.confirm(Buckets(1, 7, 3), [UUID(int=1), UUID(int=2)], epoch=1, claimed_at=NOW) == [
        True,
        False,
    ]
    for bucket in BUCKETS:
        assert (await limits.slots.leases(bucket))[UUID(int=1)] is True
    assert await limits.slots.leases(of_account(7)) == {UUID(int=1): True, UUID(int=2): False}, "it lapses by itself"


async def test_slots_without_a_turn_leave_the_rates_alone(limits: Limits) -> None:
    account = AccountLimits(account_id=7, calls_per_second=1)
    assert await limits.rate.hold(call(account=account), [UUID(int=1), UUID(int=2)], epoch=1) == [True, True]

    assert await limits.in_use() == [2, 2, 2]
    assert await limits.session.client.get(limits.rate.key(of_account(7))) is None


async def test_many_calls_at_once_are_served_by_one_script(limits: Limits) -> None:
    given = await limits.reserve(call(rate=1000, calls=1000), *range(1, 501))

    assert all(isinstance(each, Turn) for each in given)
    assert await limits.in_use() == [500, 500, 500]
