"""Commands as processes, on servers that the tests share."""

import json
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from dialer.ledger.session import Ledger
from tests.console.running import Running

Start = Callable[..., Running]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder, and where commands run.  Pytest's own are closed to PostgreSQL's user, and we may be root."""
    with tempfile.TemporaryDirectory(prefix="dialer-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def environment(folder: Path, database_url: str, redis_url: str, simulator: str) -> dict[str, str]:
    """Everything that ``dialer up`` needs: servers that run already, and a simulated LiveKit in a hurry."""
    return {
        "DIALER_DATA": str(folder),
        "DATABASE_URL": as_url(database_url),
        "REDIS_URL": redis_url,
        "LIVEKIT_URL": simulator,
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "secret",
        "DIALER_METRICS_PORT": "0",
        "DIALER_WEB_PORT": "0",
        "DIALER_TIME_SCALE": "20",
        "DIALER_LOOK_SECONDS": "0.3",
        "DIALER_GONE_SECONDS": "0.3",
        "DIALER_LOG_LEVEL": "warning",
    }


def as_url(conninfo: str) -> str:
    """``user=… dbname=…`` in the form that DATABASE_URL has."""
    parts = conninfo_to_dict(conninfo)
    host = quote(str(parts["host"]), safe="")
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={host}&port={parts['port']}"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts a command; whatever still runs at the end is killed, and its children die with it."""
    started: list[Running] = []

    def run(*arguments: str, environment: dict[str, str] | None = None) -> Running:
        started.append(Running(list(arguments), environment or {}, folder=folder))
        return started[-1]

    yield run
    for command in started:
        command.kill()


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=2)
    await opened.open()
    yield opened
    await opened.close()


def invites(simulator: str) -> list[dict[str, Any]]:  # Any: it is JSON
    """Every INVITE that the simulated carrier has seen."""
    with urllib.request.urlopen(f"{simulator}/carrier/record") as answer:
        found: list[dict[str, Any]] = json.load(answer)["invites"]
        return found
