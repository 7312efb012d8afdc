"""Slots, turns and the epoch, on a real Valkey."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from dialer.clock import Clock
from dialer.domain.fence import Leases
from dialer.limits.buckets import Buckets, CallLimits, of_trunk
from dialer.limits.call_rate import HORIZON, CallRate, NoSlot, Turn, Wait
from dialer.limits.call_slots import CallSlots, EpochRefused
from dialer.limits.epoch import Epoch, EpochState
from dialer.limits.redis_session import RedisSession
from tests.fakes import FakeClock

pytestmark = pytest.mark.limits

LEAD = timedelta(milliseconds=30)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Limits:
    """The limits of one installation with an open epoch 1."""

    def __init__(self, redis_url: str, *, leases: Leases | None = None) -> None:
        self.session = RedisSession(redis_url, installation="test")
        self.leases = leases or Leases()
        self.slots = CallSlots(self.session)
        self.rate = CallRate(self.session, self.slots, leases=self.leases, clock=Clock())
        self.epoch = Epoch(self.session, self.rate)

    async def open(self) -> "Limits":
        await self.epoch.begin(1)
        assert isinstance(await self.epoch.open(1, {}), EpochState)
        return self


@pytest.fixture
async def limits(redis_url: str) -> Limits:
    return await Limits(redis_url).open()


def ids(count: int, *, start: int = 1) -> list[UUID]:
    return [UUID(int=number) for number in range(start, start + count)]


def trunk(*, rate: float = 1000.0, calls: int = 100) -> CallLimits:
    return CallLimits(trunk_id=1, calls_per_second=rate, max_concurrent_calls=calls)


async def test_turns_are_one_paced_interval_apart(limits: Limits) -> None:
    given = await limits.rate.reserve(trunk(rate=10), ids(5), epoch=1, lead=LEAD)

    assert isinstance(given, list)
    moments = [turn.moment for turn in given if isinstance(turn, Turn)]
    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps == pytest.approx([1 / 9.8] * 4, abs=2e-6)


async def test_two_callers_share_one_row_of_turns(limits: Limits, redis_url: str) -> None:
    other = Limits(redis_url)
    mine = await limits.rate.reserve(trunk(rate=10), ids(3), epoch=1, lead=LEAD)
    theirs = await other.rate.reserve(trunk(rate=10), ids(3, start=10), epoch=1, lead=LEAD)

    moments = sorted(turn.moment for turn in [*mine, *theirs] if isinstance(turn, Turn))  # type: ignore[misc]
    assert len(moments) == 6
    # The two read Redis's clock through their own brackets: half a millisecond of each is what they may differ by.
    assert all(after - before > 1 / 9.8 - 0.002 for before, after in pairwise(moments))


async def test_half_a_call_per_second_is_one_every_two_seconds(limits: Limits) -> None:
    first, second, third = await limits.rate.reserve(trunk(rate=0.5), ids(3), epoch=1, lead=timedelta(0))  # type: ignore[misc]

    assert isinstance(first, Turn)
    assert isinstance(second, Turn)
    assert second.moment - first.moment == pytest.approx(2 / 0.98, abs=1e-5)
    assert isinstance(third, Wait)


async def test_a_turn_beyond_the_horizon_is_a_hint_and_takes_nothing(limits: Limits) -> None:
    given = await limits.rate.reserve(trunk(rate=10, calls=1000), ids(40), epoch=1, lead=LEAD)

    assert isinstance(given, list)
    turns = [turn for turn in given if isinstance(turn, Turn)]
    waits = [wait for wait in given if isinstance(wait, Wait)]
    assert len(turns) + len(waits) == 40
    assert len(turns) == pytest.approx(HORIZON.total_seconds() * 9.8, abs=1.5)
    assert all(wait.delay > timedelta(0) for wait in waits)
    assert await limits.slots.in_use(of_trunk(1)) == len(turns)


async def test_slots_never_exceed_the_channels(limits: Limits) -> None:
    given = await limits.rate.reserve(trunk(calls=3), ids(5), epoch=1, lead=LEAD)

    assert [type(answer) for answer in given] == [Turn, Turn, Turn, NoSlot, NoSlot]  # type: ignore[union-attr]
    assert await limits.slots.in_use(of_trunk(1)) == 3


async def test_an_attempt_that_holds_its_slot_gets_another_turn_and_no_second_slot(limits: Limits) -> None:
    [first] = await limits.rate.reserve(trunk(calls=1), ids(1), epoch=1, lead=LEAD)  # type: ignore[misc]
    [again] = await limits.rate.reserve(trunk(calls=1), ids(1), epoch=1, lead=LEAD)  # type: ignore[misc]

    assert isinstance(first, Turn)
    assert isinstance(again, Turn)
    assert again.moment > first.moment
    assert await limits.slots.in_use(of_trunk(1)) == 1


async def test_an_unconfirmed_slot_lapses_and_a_confirmed_one_does_not(redis_url: str) -> None:
    short = Leases(slot=timedelta(milliseconds=150), slot_rest=timedelta(0))
    limits = await Limits(redis_url, leases=short).open()
    kept, lapsing = ids(2)
    await limits.rate.reserve(trunk(calls=2), [kept, lapsing], epoch=1, lead=LEAD)
    assert await limits.slots.confirm(Buckets(1), [kept], epoch=1, claimed_at=NOW) == [True]

    await asyncio.sleep(short.slot.total_seconds())

    assert await limits.slots.leases(of_trunk(1)) == {kept: True}
    assert await limits.slots.confirm(Buckets(1), [lapsing], epoch=1, claimed_at=NOW) == [False]


async def test_a_turn_never_lies_beyond_the_lease_of_its_slot(redis_url: str) -> None:
    limits = await Limits(redis_url, leases=Leases(slot=timedelta(seconds=6.5))).open()

    given = await limits.rate.reserve(trunk(rate=2), ids(4), epoch=1, lead=LEAD)

    assert [type(answer) for answer in given] == [Turn, NoSlot, NoSlot, NoSlot]  # type: ignore[union-attr]


async def test_a_confirmed_lease_cannot_be_confirmed_again_nor_a_restored_one(limits: Limits) -> None:
    confirmed, restored = ids(2)
    await limits.rate.reserve(trunk(), [confirmed], epoch=1, lead=LEAD)
    await limits.slots.confirm(Buckets(1), [confirmed], epoch=1, claimed_at=NOW)
    assert await limits.slots.restore(of_trunk(1), [restored], epoch=1) == 1

    assert await limits.slots.confirm(Buckets(1), [confirmed, restored], epoch=1, claimed_at=NOW) == [False, False]


async def test_restoring_an_attempt_that_holds_its_lease_leaves_it_to_be_confirmed(limits: Limits) -> None:
    await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD)

    assert await limits.slots.restore(of_trunk(1), ids(1), epoch=1) == 0
    assert await limits.slots.confirm(Buckets(1), ids(1), epoch=1, claimed_at=NOW) == [True]


async def test_restoring_goes_above_the_limit_and_leaves_no_room(limits: Limits) -> None:
    assert await limits.slots.restore(of_trunk(1), ids(5, start=50), epoch=1) == 5

    assert await limits.rate.reserve(trunk(calls=3), ids(1), epoch=1, lead=LEAD) == [NoSlot(0)]
    assert await limits.slots.in_use(of_trunk(1)) == 5


@pytest.mark.parametrize("planned", [0, 2], ids=["an older epoch", "a newer epoch"])
async def test_nothing_is_reserved_or_confirmed_in_another_epoch(limits: Limits, planned: int) -> None:
    assert await limits.rate.reserve(trunk(), ids(1), epoch=planned, lead=LEAD) == EpochRefused("other")
    assert await limits.slots.confirm(Buckets(1), ids(1), epoch=planned, claimed_at=NOW) == EpochRefused("other")


async def test_nothing_is_reserved_or_confirmed_in_a_closed_epoch(limits: Limits) -> None:
    await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD)
    await limits.epoch.close(1)

    assert await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD) == EpochRefused("closed")
    assert await limits.slots.confirm(Buckets(1), ids(1), epoch=1, claimed_at=NOW) == EpochRefused("closed")


async def test_a_wiped_redis_reserves_nothing(limits: Limits) -> None:
    await limits.session.client.flushall()

    assert await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD) == EpochRefused("missing")


async def test_a_redis_that_came_back_with_old_data_reserves_nothing(limits: Limits) -> None:
    # What a restarted server holds: its old epoch, written under another run_id.
    await limits.session.client.hset(limits.session.key("epoch"), "run_id", "0" * 40)

    assert await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD) == EpochRefused("restarted")
    assert isinstance(await limits.epoch.begin(1), EpochState), "the same number may begin in another server's memory"


async def test_an_epoch_only_goes_forward(limits: Limits) -> None:
    assert isinstance(await limits.epoch.begin(3), EpochState)
    assert await limits.epoch.begin(2) == EpochRefused("other")
    assert await limits.epoch.open(2, {}) == EpochRefused("other")


async def test_a_rebuild_drops_unconfirmed_leases_and_lets_the_first_turn_wait(limits: Limits) -> None:
    confirmed, unconfirmed, unknown = ids(3)
    await limits.rate.reserve(trunk(), [confirmed, unconfirmed], epoch=1, lead=LEAD)
    await limits.slots.confirm(Buckets(1), [confirmed], epoch=1, claimed_at=NOW)

    before = Clock().seconds()
    await limits.epoch.begin(2)
    await limits.slots.restore(of_trunk(1), [confirmed, unknown], epoch=2, rebuild=True)
    await limits.epoch.open(2, dict(trunk().rates))

    assert await limits.slots.leases(of_trunk(1)) == {confirmed: True, unknown: True}
    [turn] = await limits.rate.reserve(trunk(), ids(1, start=9), epoch=2, lead=LEAD)  # type: ignore[misc]
    assert isinstance(turn, Turn)
    assert turn.moment - before == pytest.approx(2.0, abs=0.2)


async def test_freeing_is_idempotent(limits: Limits) -> None:
    await limits.rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD)
    await limits.slots.free((of_trunk(1), attempt_id) for attempt_id in ids(1))
    await limits.slots.free((of_trunk(1), attempt_id) for attempt_id in ids(1))

    assert await limits.slots.in_use(of_trunk(1)) == 0


async def test_the_mirror_keeps_the_newest_claim(limits: Limits) -> None:
    await limits.rate.reserve(trunk(), ids(2), epoch=1, lead=LEAD)
    await limits.slots.confirm(Buckets(1), ids(1), epoch=1, claimed_at=NOW)
    await limits.slots.confirm(Buckets(1), ids(1, start=2), epoch=1, claimed_at=NOW - timedelta(hours=1))

    assert int(await limits.session.client.get(limits.session.key("mirror")) or 0) == int(NOW.timestamp() * 1e6)


async def test_nothing_is_reserved_until_the_turns_of_before_a_step_of_the_clock_have_passed(redis_url: str) -> None:
    clock = FakeClock()
    limits = await Limits(redis_url).open()
    rate = CallRate(limits.session, limits.slots, leases=limits.leases, clock=clock)
    assert isinstance(await rate.reserve(trunk(), ids(1), epoch=1, lead=LEAD), list)

    answers = []
    for seconds in (600.0, 0.9, 0.9, 0.9, 0.9):  # as if Redis's clock had gone back by ten minutes, once
        clock.at += seconds
        answers.append(await rate.reserve(trunk(), ids(1, start=2), epoch=1, lead=LEAD))

    assert answers[:4] == [EpochRefused("clock")] * 4
    assert isinstance(answers[4], list), "3.6 s after it every turn of before is over"
