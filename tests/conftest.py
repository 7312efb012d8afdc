"""Servers that tests share: one PostgreSQL and one Valkey for each test process, a fresh ledger for each test."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from console.servers import ServerUrls, servers
from dialer.app import Dialer, open_dialer
from dialer.config import Settings, read_settings
from dialer.ledger.schema import migrate
from tests.fakes import ScriptedLine

KINDS = {"unit", "ledger", "limits", "wire", "journey", "fault", "livekit", "load"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not KINDS & {mark.name for mark in item.iter_markers()}:
            raise pytest.UsageError(f"{item.nodeid} does not say of which kind it is: {', '.join(sorted(KINDS))}")


@pytest.fixture(scope="session")
def server_urls() -> Iterator[ServerUrls]:
    """Embedded servers in a folder of their own, stopped at the end.

    TEST_DATABASE_URL and TEST_REDIS_URL name others instead, to try another version of either.
    """
    given = {name: os.environ.get(f"TEST_{name}", "") for name in ("DATABASE_URL", "REDIS_URL")}
    with tempfile.TemporaryDirectory(prefix="dialer-tests-") as folder:
        settings = read_settings({"DIALER_DATA": folder, **given})
        with servers(settings) as urls:
            yield urls


@pytest.fixture
def database_url(server_urls: ServerUrls) -> Iterator[str]:
    """A database of this test's own, migrated."""
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(server_urls.database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = psycopg.conninfo.make_conninfo(server_urls.database_url, dbname=name)
        migrate(url)
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def redis_url(server_urls: ServerUrls) -> str:
    """The shared Valkey, emptied."""
    redis.Redis.from_url(server_urls.redis_url).flushall()
    return server_urls.redis_url


@pytest.fixture
def settings() -> Settings:
    return read_settings({})


@pytest.fixture
def line() -> ScriptedLine:
    return ScriptedLine()


@pytest.fixture
async def dialer(settings: Settings, database_url: str, redis_url: str, line: ScriptedLine) -> AsyncIterator[Dialer]:
    """A dialer on the real ledger and the real Redis, with a scripted line, an open epoch and no chance."""
    async with open_dialer(settings, database_url=database_url, redis_url=redis_url, name="test", line=line) as opened:
        yield replace(opened, chance=lambda: 0.5)


@pytest.fixture
def simulator() -> Iterator[str]:
    """The address of a simulated LiveKit, twenty times as fast as life."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--speed", "20"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)
