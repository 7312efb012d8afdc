"""Call slots: leave to have one call up.  One lease per attempt in every bucket that it is counted in.

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
from dialer.limits.buckets import Buckets
from dialer.limits.redis_session import RedisSession


@dataclass(frozen=True, slots=True)
class EpochRefused:
    """The limits' memory is not the one this was planned with; ``fault`` says how it differs."""

    fault: str


class CallSlots:
    """Confirm, free, restore and list leases."""

    def __init__(self, session: RedisSession) -> None:
        self._session = session
        self._confirm = session.script("confirm.lua")
        self._restore = session.script("restore.lua")

    @property
    def session(self) -> RedisSession:
        """The Redis they are in."""
        return self._session

    def key(self, bucket: str) -> str:
        """Where a bucket's leases are kept."""
        return self._session.key(f"slots:{bucket}")

    async def confirm(
        self, buckets: Buckets, attempt_ids: Sequence[UUID], *, epoch: int, claimed_at: datetime
    ) -> list[bool] | EpochRefused:
        """Take the end from these leases.  False: the lease lapsed or was restored, its attempt must not be dialed.

        Args:
            claimed_at: the newest claim among them, kept in Redis as the mirror of the ledger's clock.
        """
        answer = await self._session.run(
            self._confirm,
            keys=[self._session.key("epoch"), self._session.key("mirror"), *map(self.key, buckets.names)],
            args=[epoch, int(claimed_at.timestamp() * 1e6), *map(str, attempt_ids)],
        )
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        return [bool(good) for good in answer[1:]]

    async def free(self, leases: Iterable[tuple[str, UUID]]) -> None:
        """Give slots back, each of a bucket and an attempt; one that is not held is no error."""
        members: dict[str, list[str]] = {}
        for bucket, attempt_id in leases:
            members.setdefault(bucket, []).append(str(attempt_id))
        if not members:
            return
        try:
            async with self._session.client.pipeline(transaction=False) as pipeline:
                for bucket, ids in members.items():
                    pipeline.zrem(self.key(bucket), *ids)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error

    async def restore(
        self, bucket: str, attempt_ids: Iterable[UUID], *, epoch: int, rebuild: bool = False
    ) -> int | EpochRefused:
        """Give a lease without an end to each attempt that has none, even above the limit; says how many had none."""
        answer = await self._session.run(
            self._restore,
            keys=[self._session.key("epoch"), self.key(bucket)],
            args=[epoch, "rebuild" if rebuild else "open", *map(str, attempt_ids)],
        )
        return EpochRefused(answer[1].decode()) if answer[0] == b"epoch" else int(answer[1])

    async def in_use(self, bucket: str) -> int:
        """How many slots of the bucket are taken; a lapsed lease is not counted."""
        return len(await self.leases(bucket))

    async def leases(self, bucket: str) -> dict[UUID, bool]:
        """Every lease that has not lapsed, and whether it is without an end (confirmed or restored)."""
        return (await self.leases_in([bucket]))[bucket]

    async def leases_in(self, buckets: Sequence[str]) -> dict[str, dict[UUID, bool]]:
        """The same of many buckets, with one question."""
        try:
            # redis-py types every reply as a union of all replies.
            seconds, microseconds = await self._session.client.time()
            async with self._session.client.pipeline(transaction=False) as pipeline:
                for bucket in buckets:
                    now = seconds * 1_000_000 + microseconds
                    pipeline.zrangebyscore(self.key(bucket), now, "+inf", withscores=True)
                answers = cast(list[list[tuple[bytes, float]]], await pipeline.execute())
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        return {
            bucket: {UUID(member.decode()): score == float("inf") for member, score in members}
            for bucket, members in zip(buckets, answers, strict=True)
        }
