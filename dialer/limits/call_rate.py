"""Turns: when the next call may go out.  GCRA on Redis's clock, without tolerance (ITU-T I.371, annex A).

The answer to a request is a moment, at least ``lead`` ahead and at most ``HORIZON`` (or one interval), never "no".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from dialer.clock import Clock
from dialer.domain.fence import Leases
from dialer.limits.buckets import CallLimits
from dialer.limits.call_slots import CallSlots, EpochRefused
from dialer.limits.redis_clock import RedisClock
from dialer.limits.redis_session import RedisSession

CLOCK = "clock"  #: Redis's clock, or ours, made a step
AFTER_STEP = timedelta(seconds=3)  #: nothing is reserved for so long after it: every turn of before has passed
HORIZON = timedelta(seconds=2)  #: how far ahead a turn may lie; a pause or a new limit is in force after that


@dataclass(frozen=True, slots=True)
class Turn:
    """Slots are held, and the call may go out at ``moment``, as ``Clock.seconds`` counts."""

    moment: float


@dataclass(frozen=True, slots=True)
class Wait:
    """No turn within the horizon: ask again after ``delay``.  Nothing was taken; held slots stay held."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class NoSlot:
    """A bucket is full, the one at ``place`` of ``CallLimits.slots``; None: the lease that is held ends too soon."""

    place: int | None = None


Reservation = Turn | Wait | NoSlot


def _us(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1e6)


class CallRate:
    """Reserves slots and turns, many attempts in one script."""

    def __init__(self, session: RedisSession, slots: CallSlots, *, leases: Leases, clock: Clock) -> None:
        self._session = session
        self._slots = slots
        self._leases = leases
        self._own_clock = clock
        self._clock = RedisClock()
        self._distrusted_until = float("-inf")  # Redis's clock made a step: the rescuer begins a new epoch for it
        self._reserve = session.script("reserve.lua")
        self._spend = session.script("spend.lua")

    def key(self, bucket: str) -> str:
        """Where a bucket's next turn is kept."""
        return self._session.key(f"tat:{bucket}")

    async def reserve(
        self, limits: CallLimits, attempt_ids: Sequence[UUID], *, epoch: int, lead: timedelta
    ) -> list[Reservation] | EpochRefused:
        """Slots and a turn for each attempt, from all buckets or none; one that holds its slots gets a turn only.

        Raises:
            StoreUnavailable: Redis does not answer; slots that were taken lapse by themselves.
        """
        if not self._clock.is_set:
            await self._set_clock()
        sent = self._own_clock.seconds()
        answer = await self._run(limits, attempt_ids, rates=limits.rates, epoch=epoch, lead=lead)
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        if self._clock.observe(sent=sent, received=self._own_clock.seconds(), redis_seconds=int(answer[1]) / 1e6):
            self._distrusted_until = self._own_clock.seconds() + AFTER_STEP.total_seconds()
        if self._own_clock.seconds() < self._distrusted_until:
            return EpochRefused(CLOCK)  # turns given before the step and after it would come together
        return [self._reservation(answer[i], int(answer[i + 1])) for i in range(2, len(answer), 2)]

    async def hold(self, limits: CallLimits, attempt_ids: Sequence[UUID], *, epoch: int) -> list[bool] | EpochRefused:
        """Slots for each attempt and no turn yet: its agent has to come first.  False: a bucket is full.

        Raises:
            StoreUnavailable: Redis does not answer; slots that were taken lapse by themselves.
        """
        answer = await self._run(limits, attempt_ids, rates=(), epoch=epoch, lead=timedelta(0))
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        return [answer[i] == b"turn" for i in range(2, len(answer), 2)]

    async def spend(self, bucket: str, interval: timedelta, count: int) -> None:
        """Take ``count`` turns of a rate bucket at once: what was sent without one goes before what waits for one."""
        await self._session.run(self._spend, keys=[self.key(bucket)], args=[_us(interval), count])

    async def _run(
        self,
        limits: CallLimits,
        attempt_ids: Sequence[UUID],
        *,
        rates: Sequence[tuple[str, timedelta]],
        epoch: int,
        lead: timedelta,
    ) -> list[Any]:
        slots = limits.slots
        return await self._session.run(
            self._reserve,
            keys=[
                self._session.key("epoch"),
                *(self._slots.key(bucket) for bucket, _ in slots),
                *(self.key(bucket) for bucket, _ in rates),
            ],
            args=[
                epoch,
                *(_us(span) for span in (self._leases.slot, self._leases.slot_rest, lead, HORIZON)),
                *(len(slots), *(limit for _, limit in slots)),
                *(len(rates), *(_us(interval) for _, interval in rates)),
                *map(str, attempt_ids),
            ],
        )

    async def _set_clock(self) -> None:
        """Before the first turn: the first answer of a connection comes late, and would place every turn wrong."""
        for _ in range(3):
            sent = self._own_clock.seconds()
            redis_seconds = await self._session.time()
            self._clock.observe(sent=sent, received=self._own_clock.seconds(), redis_seconds=redis_seconds)

    def _reservation(self, word: bytes, microseconds: int) -> Reservation:
        if word == b"turn":
            return Turn(self._clock.local(microseconds / 1e6))
        if word == b"wait":
            return Wait(timedelta(microseconds=microseconds))
        return NoSlot(microseconds) if word == b"full" else NoSlot()
