"""Call slots: leave to have one call up.  One lease per attempt in every bucket of its trunk.

A lease lapses after ``Leases.slot`` until its attempt is claimed and confirmed; from then on it has no end, and only
settling, the rescuer and a rebuild free it.  Truth is the ledger: what is here is its memory in Redis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from redis.exceptions import RedisError

from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession


@dataclass(frozen=True, slots=True)
class EpochRefused:
    """The limits' memory is not the one this was planned with; ``fault`` says how it differs."""

    fault: str


class CallSlots:
    """Confirm, free, restore and list the leases of a trunk."""

    def __init__(self, session: RedisSession) -> None:
        self._session = session
        self._confirm = session.script("confirm.lua")
        self._restore = session.script("restore.lua")

    def bucket(self, trunk_id: int) -> str:
        return self._session.key(f"slots:trunk:{trunk_id}")

    async def confirm(
        self, trunk_id: int, attempt_ids: Sequence[UUID], *, epoch: int, claimed_at: datetime
    ) -> list[bool] | EpochRefused:
        """Take the end from these leases.  False: the lease lapsed or was restored, its attempt must not be dialed.

        Args:
            claimed_at: the newest claim among them, kept in Redis as the mirror of the ledger's clock.
        """
        answer = await self._session.run(
            self._confirm,
            keys=[self._session.key("epoch"), self._session.key("mirror"), self.bucket(trunk_id)],
            args=[epoch, int(claimed_at.timestamp() * 1e6), *map(str, attempt_ids)],
        )
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        return [bool(good) for good in answer[1:]]

    async def free(self, trunk_id: int, attempt_ids: Iterable[UUID]) -> None:
        """Give slots back; one that is not held is no error."""
        members = [str(attempt_id) for attempt_id in attempt_ids]
        if not members:
            return
        try:
            await self._session.client.zrem(self.bucket(trunk_id), *members)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error

    async def restore(
        self, trunk_id: int, attempt_ids: Iterable[UUID], *, epoch: int, rebuild: bool = False
    ) -> int | EpochRefused:
        """Give a lease without an end to each attempt that has none, even above the limit; says how many had none."""
        answer = await self._session.run(
            self._restore,
            keys=[self._session.key("epoch"), self.bucket(trunk_id)],
            args=[epoch, "rebuild" if rebuild else "open", *map(str, attempt_ids)],
        )
        return EpochRefused(answer[1].decode()) if answer[0] == b"epoch" else int(answer[1])

    async def in_use(self, trunk_id: int) -> int:
        """How many slots of the trunk are taken; a lapsed lease is not counted."""
        leases = await self.leases(trunk_id)
        return sum(leases.values()) + sum(not confirmed for confirmed in leases.values())

    async def leases(self, trunk_id: int) -> dict[UUID, bool]:
        """Every lease that has not lapsed, and whether it is without an end (confirmed or restored)."""
        try:
            # redis-py types every reply as a union of all replies.
            seconds, microseconds = await self._session.client.time()
            members = cast(
                list[tuple[bytes, float]],
                await self._session.client.zrangebyscore(
                    self.bucket(trunk_id), seconds * 1_000_000 + microseconds, "+inf", withscores=True
                ),
            )
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        return {UUID(member.decode()): score == float("inf") for member, score in members}
