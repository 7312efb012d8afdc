"""Commands run in this process, on a ledger and a simulated LiveKit that the tests of one module share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog

from console.cli import run
from console.servers import ServerUrls
from dialer.ledger.schema import migrate

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ran:
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # whatever the command prints
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture(scope="module")
def ledger_url(server_urls: ServerUrls) -> Iterator[str]:
    """A database of this module's own, as DATABASE_URL has it."""
    name = f"cli_{os.urandom(6).hex()}"
    with psycopg.connect(server_urls.database_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = server_urls.database_url.replace("/dialer?", f"/{name}?")
        migrate(url)
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def simulate(*arguments: str) -> Iterator[str]:
    """A simulated LiveKit until the fixture ends; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--speed", "20", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def livekit() -> Iterator[str]:
    yield from simulate()


@pytest.fixture(scope="module")
def livekit_ahead() -> Iterator[str]:
    """A LiveKit whose clock is 15 s ahead."""
    yield from simulate("--clock-offset", "15")


@pytest.fixture
def cli(
    server_urls: ServerUrls,
    ledger_url: str,
    livekit: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Cli]:
    """Runs a command as ``dialer`` would, in a folder of this test's own.  ``env`` changes the environment."""
    ours = {
        "DATABASE_URL": ledger_url,
        "REDIS_URL": server_urls.redis_url,
        "LIVEKIT_URL": livekit,
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "secret",
        "DIALER_DATA": str(tmp_path / "data"),
        "COLUMNS": "80",
    }
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DIALER_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        for name, value in {**ours, **(env or {})}.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = run(arguments)
        written = capsys.readouterr()
        assert "Traceback" not in written.err
        return Ran(code, written.out, written.err)

    yield call
    structlog.reset_defaults()


@pytest.fixture
def name() -> str:
    """A name that nobody has taken."""
    return f"n{os.urandom(4).hex()}"


@pytest.fixture
def trunk(cli: Cli, name: str) -> Iterator[str]:
    """A trunk of LiveKit's, of which the ledger may have one entry only."""
    assert cli("trunk", "add", name, "--livekit-trunk", "ST_simulated", *LIMITS).code == 0
    yield name
    for campaign in cli("campaign", "list", "--json").json:
        cli("campaign", "cancel", campaign["name"], "--yes")
    assert cli("trunk", "remove", name).code == 0


LIMITS = ("--calls-per-second", "5", "--max-concurrent-calls", "20", "--caller-id", "+15550001000")
