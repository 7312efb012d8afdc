"""The connection to Redis and the scripts that run in it.

The client never repeats a command by itself: a reservation whose reply was lost must not be made twice.
"""

from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from dialer.errors import StoreUnavailable

_FOLDER = Path(__file__).parent
COMMAND_SECONDS = 5.0  #: a command without an answer for this long counts as failed


class RedisSession:
    """Redis as the limits use it.  Keys of one installation share a hash tag: Redis Cluster keeps them together."""

    def __init__(self, redis_url: str, *, installation: str) -> None:
        self.client: aioredis.Redis = aioredis.Redis.from_url(
            redis_url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=COMMAND_SECONDS,
            socket_connect_timeout=3,
            max_connections=50,
        )
        self._prefix = f"dialer:{{{installation}}}:"

    def key(self, name: str) -> str:
        return self._prefix + name

    def script(self, file_name: str) -> AsyncScript:
        """A Lua file of this folder, with the prelude before it."""
        source = (_FOLDER / "prelude.lua").read_text(encoding="utf-8") + (_FOLDER / file_name).read_text(
            encoding="utf-8"
        )
        return self.client.register_script(source)

    async def run(self, script: AsyncScript, *, keys: list[str], args: list[Any]) -> list[Any]:
        """Run a script once.

        Raises:
            StoreUnavailable: no answer, or an error; whether it ran is not known.
        """
        try:
            answer: list[Any] = await script(keys=keys, args=args)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        return answer

    async def time(self) -> float:
        """Redis's clock, in Unix seconds."""
        try:
            seconds, microseconds = await self.client.time()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
        return float(seconds) + float(microseconds) / 1e6

    async def close(self) -> None:
        await self.client.aclose()
