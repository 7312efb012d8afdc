"""A data folder for each test, and commands that use its servers in processes of their own."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from console.servers import remove_data
from console.servers.places import places_in
from console.servers.processes import end, working_in
from dialer.config import Settings

COMMAND = """
import sys
from console.servers import servers, up_lock
from dialer.config import read_settings

settings = read_settings()
if sys.argv[1] == "up":
    with up_lock(settings):
        print("ready", flush=True)
        sys.stdin.read()
else:
    with servers(settings) as urls:
        print("ready", flush=True)
        sys.stdin.read()
"""


class Command:
    """A process that uses the servers of a data folder (or, as "up", is its supervisor) until it is told to leave."""

    def __init__(self, settings: Settings, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, kind],
            env=settings.environment(),
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> "Command":
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def leave(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings with a data folder that other users may reach: pytest's own folders are closed, and we may be root."""
    with tempfile.TemporaryDirectory(prefix="dialer-test-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data=Path(folder))
        yield settings
        end(server_processes(settings), seconds=5)
        remove_data(settings)


@pytest.fixture
def command(settings: Settings) -> Iterator[Callable[..., Command]]:
    """Starts a command; all are gone when the test ends."""
    started: list[Command] = []

    def start(kind: str = "user") -> Command:
        started.append(Command(settings, kind))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def server_pids(settings: Settings) -> set[int]:
    """The embedded servers themselves: no children of PostgreSQL, which come and go."""
    found = server_processes(settings)
    heads = set()
    for process in found:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() not in {each.pid for each in found}:
                heads.add(process.pid)
    return heads


def server_processes(settings: Settings) -> list[psutil.Process]:
    """The embedded servers of the data folder that are alive."""
    places = places_in(settings.data_dir)
    return [
        *working_in(places.postgres, name="postgres"),
        *working_in(places.valkey, name="valkey-server"),
    ]
