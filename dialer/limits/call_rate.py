"""Turns: when the next call of a trunk may go out.  GCRA on Redis's clock, without tolerance (ITU-T I.371, annex A).

The answer to a request is a moment, at least ``lead`` ahead and at most ``HORIZON`` (or one interval), never "no".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dialer.clock import Clock
from dialer.domain.fence import Leases
from dialer.limits.call_slots import CallSlots, EpochRefused
from dialer.limits.redis_clock import RedisClock
from dialer.limits.redis_session import RedisSession

#: Rates are paced a little below the limit, so that 15 ms of lateness never make limit + 1 in a sliding second.
PACE = 0.985
HORIZON = timedelta(seconds=2)  #: how far ahead a turn may lie; a pause or a new limit is in force after that


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkLimits:
    """What a trunk allows, all callers together."""

    trunk_id: int
    calls_per_second: float
    max_concurrent_calls: int

    @property
    def interval(self) -> timedelta:
        """Between two turns."""
        return timedelta(seconds=1 / (PACE * self.calls_per_second))


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
    """Every slot is taken, or the lease that is held ends too soon."""


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
        self._reserve = session.script("reserve.lua")

    def bucket(self, trunk_id: int) -> str:
        return self._session.key(f"tat:trunk:{trunk_id}")

    async def reserve(
        self, limits: TrunkLimits, attempt_ids: Sequence[UUID], *, epoch: int, lead: timedelta
    ) -> list[Reservation] | EpochRefused:
        """Slots and a turn for each attempt, from all buckets or none; one that holds its slots gets a turn only.

        Raises:
            StoreUnavailable: Redis does not answer; slots that were taken lapse by themselves.
        """
        if not self._clock.is_set:
            await self._set_clock()
        sent = self._own_clock.seconds()
        answer = await self._session.run(
            self._reserve,
            keys=[
                self._session.key("epoch"),
                self._slots.bucket(limits.trunk_id),
                self.bucket(limits.trunk_id),
            ],
            args=[
                epoch,
                *(_us(span) for span in (self._leases.slot, self._leases.slot_rest, lead, HORIZON)),
                *(1, limits.max_concurrent_calls),
                *(1, _us(limits.interval)),
                *map(str, attempt_ids),
            ],
        )
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        self._clock.observe(sent=sent, received=self._own_clock.seconds(), redis_seconds=int(answer[1]) / 1e6)
        return [self._reservation(answer[i], int(answer[i + 1])) for i in range(2, len(answer), 2)]

    async def hold(self, limits: TrunkLimits, attempt_ids: Sequence[UUID], *, epoch: int) -> list[bool] | EpochRefused:
        """Slots for each attempt and no turn yet: its agent has to come first.  False: every slot is taken.

        Raises:
            StoreUnavailable: Redis does not answer; slots that were taken lapse by themselves.
        """
        answer = await self._session.run(
            self._reserve,
            keys=[self._session.key("epoch"), self._slots.bucket(limits.trunk_id)],
            args=[
                epoch,
                *(_us(span) for span in (self._leases.slot, self._leases.slot_rest, timedelta(0), HORIZON)),
                *(1, limits.max_concurrent_calls, 0),
                *map(str, attempt_ids),
            ],
        )
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        return [answer[i] == b"turn" for i in range(2, len(answer), 2)]

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
        return NoSlot()
