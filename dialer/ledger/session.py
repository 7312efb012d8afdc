"""Connections to the ledger: a pool of asyncio connections that run named statements.

One action is one transaction: a single statement commits by itself, several run inside ``transaction()``.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, Protocol

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from dialer.errors import StoreUnavailable

#: A row as psycopg hands it over; it becomes a dataclass before it leaves ``ledger``.
Row = dict[str, Any]
Parameters = Mapping[str, object]

#: A statement waits this long for a row lock, then its caller tries again.
LOCK_TIMEOUT_MS = 1000


class Transaction:
    """One connection, on which statements are run."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self.connection = connection

    async def rows(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows; a statement without rows returns none."""
        cursor = await self.connection.execute(sql, parameters)
        return await cursor.fetchall() if cursor.description else []

    async def row(self, sql: LiteralString, parameters: Parameters | None = None) -> Row | None:
        """Run one statement and return its first row."""
        rows = await self.rows(sql, parameters)
        return rows[0] if rows else None

    async def changed(self, sql: LiteralString, parameters: Parameters | None = None) -> int:
        """Run one statement and return how many rows it changed."""
        return (await self.connection.execute(sql, parameters)).rowcount


class Statements(Protocol):
    """Where statements are run: a transaction, or the ledger itself, where each commits by itself."""

    async def rows(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]: ...
    async def row(self, sql: LiteralString, parameters: Parameters | None = None) -> Row | None: ...
    async def changed(self, sql: LiteralString, parameters: Parameters | None = None) -> int: ...


class Ledger:
    """The pool.  ``StoreUnavailable`` means that PostgreSQL does not answer; nothing may be dialed then."""

    def __init__(self, database_url: str, *, name: str, most_connections: int = 6) -> None:
        self.database_url = database_url
        self._pool = AsyncConnectionPool(
            database_url,
            connection_class=psycopg.AsyncConnection[Row],
            min_size=1,
            max_size=most_connections,
            timeout=10,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "application_name": f"dialer-{name}",
                "options": f"-c lock_timeout={LOCK_TIMEOUT_MS}",
                "connect_timeout": 5,
            },
        )

    async def open(self) -> None:
        try:
            await self._pool.open(wait=True, timeout=10)
        except PoolTimeout as error:
            raise StoreUnavailable("PostgreSQL does not answer") from error

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """A connection on which every statement commits by itself."""
        try:
            async with self._pool.connection() as connection:
                yield Transaction(connection)
        except (PoolTimeout, psycopg.OperationalError) as error:
            if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A connection inside one transaction: committed at the end, rolled back on an exception."""
        async with self.session() as session, session.connection.transaction():
            yield session

    async def rows(self, sql: LiteralString, parameters: Parameters | None = None) -> list[Row]:
        async with self.session() as session:
            return await session.rows(sql, parameters)

    async def row(self, sql: LiteralString, parameters: Parameters | None = None) -> Row | None:
        async with self.session() as session:
            return await session.row(sql, parameters)

    async def changed(self, sql: LiteralString, parameters: Parameters | None = None) -> int:
        async with self.session() as session:
            return await session.changed(sql, parameters)

    async def now(self) -> datetime:
        """The ledger's clock."""
        row = await self.row("/* ledger_clock */ SELECT clock_timestamp() AS now")
        assert row is not None
        now: datetime = row["now"]
        return now

    @asynccontextmanager
    async def leading(self, name: str) -> "AsyncIterator[Leadership | None]":
        """Lead ``name`` for as long as this lasts, or None when another process leads.

        The lock lives on a connection of its own, outside the pool; ``lost`` is set when that connection dies, and
        with it the lock.
        """
        try:
            connection = await psycopg.AsyncConnection.connect(
                self.database_url, autocommit=True, connect_timeout=5, application_name=f"dialer-leads-{name}"
            )
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error
        async with connection:
            cursor = await connection.execute(
                "/* lead */ SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"dialer/{name}",)
            )
            row = await cursor.fetchone()
            if not (row and row[0]):
                yield None
                return
            leadership = Leadership(lost=asyncio.Event())
            watch = asyncio.create_task(_watch(connection, leadership.lost))
            try:
                yield leadership
            finally:
                watch.cancel()


@dataclass(frozen=True, slots=True)
class Leadership:
    """Being the one; ``lost`` is set when it is over."""

    lost: asyncio.Event


async def _watch(connection: psycopg.AsyncConnection[tuple[object, ...]], lost: asyncio.Event) -> None:
    try:
        while True:
            await asyncio.sleep(1)
            await asyncio.wait_for(connection.execute("/* still_leading */ SELECT 1"), 5)
    except (psycopg.Error, TimeoutError):
        lost.set()
