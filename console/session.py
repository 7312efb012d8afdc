"""What a command works with: the settings, the servers and the ledger, for as long as it lasts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import psycopg

from console.servers import servers
from dialer.config import Settings, read_settings
from dialer.domain.fence import Leases, scaled
from dialer.errors import StoreUnavailable
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.logs import set_up_logs

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Session:
    """``settings`` name the servers that are used, embedded or not."""

    settings: Settings
    ledger: Ledger

    @property
    def silence(self) -> timedelta:
        """A process that was not heard of for this long is not running."""
        return scaled(Leases(), self.settings.fence_scale).owner


@contextmanager
def connected() -> Iterator[Settings]:
    """The settings, with servers that run for as long as this lasts and a ledger of this version.

    Raises:
        OperatorError: a setting or the data folder cannot be used.
        StoreUnavailable: PostgreSQL or an embedded server does not come up.
    """
    set_up_logs(process="dialer", level="warning")
    settings = read_settings()
    with servers(settings) as urls:
        migrate(urls.database_url)
        yield settings.connected_to(database_url=urls.database_url, redis_url=urls.redis_url)


def run(work: Callable[[Session], Awaitable[T]]) -> T:
    """Do a command's work with an open ledger."""
    with connected() as settings:
        return asyncio.run(_with_ledger(settings, work))


async def _with_ledger(settings: Settings, work: Callable[[Session], Awaitable[T]]) -> T:
    ledger = open_ledger(settings)
    await ledger.open()
    try:
        return await work(Session(settings=settings, ledger=ledger))
    except psycopg.errors.LockNotAvailable as error:
        raise StoreUnavailable("another command is changing the same thing at this moment: try again") from error
    finally:
        await ledger.close()


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of connected settings, not opened yet."""
    assert settings.database_url is not None
    return Ledger(settings.database_url.get_secret_value(), name="cli", most_connections=2)
