"""What Redis says about itself, as far as the limits and the queue depend on it."""

from dataclasses import dataclass
from typing import Any, cast

from redis.exceptions import RedisError, ResponseError

from dialer.errors import StoreUnavailable
from dialer.limits.redis_session import RedisSession


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisHealth:
    """``policy`` and ``keeps`` are None where this Redis does not tell its configuration.

    Attributes:
        policy: what happens when memory is full.
        has_memory_limit: it may become full before the machine does.
        keeps: it writes its memory to disk.
    """

    version: str
    policy: str | None
    has_memory_limit: bool
    keeps: bool | None


async def read_redis_health(session: RedisSession) -> RedisHealth:
    """Ask Redis.

    Raises:
        StoreUnavailable: it does not answer.
    """
    try:
        info: dict[str, Any] = await session.client.info("server")  # Any: redis-py does not type INFO
        config = await _config(session)
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return RedisHealth(
        version=str(info.get("valkey_version") or info.get("redis_version")),
        policy=config.get("maxmemory-policy"),
        has_memory_limit=config.get("maxmemory", "0") != "0",
        keeps=config["appendonly"] == "yes" or bool(config.get("save")) if "appendonly" in config else None,
    )


async def _config(session: RedisSession) -> dict[str, str]:
    """What is needed of the configuration; nothing where a hosted Redis forbids to read it."""
    try:
        found = cast(
            dict[bytes | str, bytes | str],
            await session.client.config_get("maxmemory", "maxmemory-policy", "appendonly", "save"),
        )
    except ResponseError:
        return {}
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
