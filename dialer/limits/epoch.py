"""The epoch of the limits' memory: the ledger's number and the run of the Redis it was written in.

A Redis that was wiped has no epoch, one that was restarted has another ``run_id``: in both, nothing is reserved until
the slots are rebuilt from the ledger (``actions/rebuild_limits``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dialer.limits.call_rate import HORIZON, CallRate
from dialer.limits.call_slots import EpochRefused
from dialer.limits.redis_session import RedisSession


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochState:
    """``redis_seconds`` is Redis's clock at the answer; ``untouched`` counts since the leader's last touch."""

    is_open: bool
    redis_seconds: float
    untouched: timedelta


class Epoch:
    """Begins, touches, opens, closes and reads the epoch; each refused when another one stands there."""

    def __init__(self, session: RedisSession, rate: CallRate) -> None:
        self._session = session
        self._rate = rate
        self._script = session.script("epoch.lua")

    async def begin(self, number: int) -> EpochState | EpochRefused:
        """Write the new epoch, closed: from now on every reservation is refused."""
        return await self._run(number, "begin")

    async def touch(self, number: int) -> EpochState | EpochRefused:
        return await self._run(number, "touch")

    async def read(self, number: int) -> EpochState | EpochRefused:
        return await self._run(number, "read")

    async def close(self, number: int) -> EpochState | EpochRefused:
        return await self._run(number, "close")

    async def open(self, number: int, rates: Mapping[str, timedelta]) -> EpochState | EpochRefused:
        """Let reservations in; the first turn of each bucket comes after a pause, for what the old memory allowed.

        Args:
            rates: rate buckets with the interval between two turns of each.
        """
        pauses = [max(HORIZON, interval) for interval in rates.values()]
        return await self._run(
            number,
            "open",
            keys=[self._rate.key(bucket) for bucket in rates],
            args=[round(pause.total_seconds() * 1e6) for pause in pauses],
        )

    async def _run(
        self, number: int, verb: str, *, keys: Sequence[str] = (), args: Sequence[int] = ()
    ) -> EpochState | EpochRefused:
        answer = await self._session.run(
            self._script, keys=[self._session.key("epoch"), *keys], args=[number, verb, *args]
        )
        if answer[0] == b"epoch":
            return EpochRefused(answer[1].decode())
        return EpochState(
            redis_seconds=int(answer[1]) / 1e6,
            is_open=answer[2] == b"open",
            untouched=timedelta(microseconds=int(answer[3])),
        )
