"""The supervisor with children that do one thing each."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from console import supervisor as supervising
from console.supervisor import ChildCannotStart, Role, Supervisor, environment_for, how_it_ended
from dialer.config import Settings
from tests.console.running import until

pytestmark = pytest.mark.fault

#: What each child does.  All of them write their name when they run, and again when they leave.
MODULES = {
    "stays": "signal.sigwait({signal.SIGTERM})",
    "needs_two": "signal.sigwait({signal.SIGTERM}); signal.sigwait({signal.SIGTERM})",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.sigwait({signal.SIGUSR1})",
    "dies": "sys.exit(3)",
    "cannot_start": "sys.exit(78)",
}
FRAME = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM}})
def write(word):
    with open(os.path.join(os.path.dirname(__file__), "log"), "a") as log:
        log.write(f"{{word}} {name}\\n")
write("runs")
{what}
write("leaves")
"""

Make = Callable[[], Supervisor]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the children wrote; they are in the module path of every child."""
    for name, what in MODULES.items():
        for module in (name, f"{name}_first", f"{name}_last"):
            (tmp_path / f"{module}.py").write_text(FRAME.format(name=module, what=what))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}")
    monkeypatch.setattr(supervising, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervising, "LEAVE_SECONDS", 0.3)
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(log: Path, told: list[str]) -> Supervisor:
    return Supervisor(Settings(data=log.parent), tell=told.append)


def role(module: str, *, releases: bool = False, waits: bool = False) -> Role:
    return Role(name=module, module=module, releases=releases, waits=waits)


def words(log: Path) -> list[str]:
    """What the children have written, in that order."""
    return log.read_text().splitlines()


async def stop(supervisor: Supervisor, *, at_once: bool = False) -> None:
    event = asyncio.Event()
    if at_once:
        event.set()
    await supervisor.stop(event)


async def test_a_killed_child_is_started_again(supervisor: Supervisor, log: Path, told: list[str]) -> None:
    await supervisor.start([role("stays")])
    await until(lambda: words(log) == ["runs stays"])
    first = supervisor.children[0].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: words(log) == ["runs stays"] * 2)
    assert supervisor.children[0].pid != first
    assert told == ["stays was ended by SIGKILL; it starts again in 0.05 s"]
    await stop(supervisor)


async def test_a_child_that_keeps_dying_is_started_less_and_less_often(supervisor: Supervisor, told: list[str]) -> None:
    await supervisor.start([role("dies")])
    await until(lambda: len(told) >= 3)
    assert [line.rpartition(" in ")[2] for line in told[:3]] == ["0.05 s", "0.1 s", "0.2 s"]
    await stop(supervisor)


async def test_a_child_that_cannot_start_is_not_tried_again(supervisor: Supervisor, log: Path) -> None:
    await supervisor.start([role("cannot_start"), role("stays")])
    with pytest.raises(ChildCannotStart, match="the cannot_start cannot start"):
        await supervisor.watch()
    await until(lambda: "runs stays" in words(log))
    await stop(supervisor)
    assert words(log).count("runs cannot_start") == 1


async def test_who_releases_and_who_waits_leave_before_the_rest(supervisor: Supervisor, log: Path) -> None:
    await supervisor.start([role("stays_last"), role("stays", waits=True), role("stays_first", releases=True)])
    await until(lambda: len(words(log)) == 3)
    await stop(supervisor)
    assert set(words(log)[3:5]) == {"leaves stays_first", "leaves stays"}
    assert words(log)[5:] == ["leaves stays_last"]


async def test_whoever_waits_is_told_again_when_there_is_no_time(supervisor: Supervisor, log: Path) -> None:
    await supervisor.start([role("needs_two", waits=True)])
    await until(lambda: "runs needs_two" in words(log))
    await stop(supervisor, at_once=True)
    assert words(log) == ["runs needs_two", "leaves needs_two"]


async def test_a_child_that_does_not_listen_is_killed(supervisor: Supervisor, log: Path) -> None:
    await supervisor.start([role("deaf")])
    await until(lambda: "runs deaf" in words(log))
    pid = supervisor.children[0].pid
    await stop(supervisor, at_once=True)
    assert not psutil.pid_exists(pid or 0)


async def test_ctrl_c_in_the_terminal_does_not_reach_a_child(supervisor: Supervisor, log: Path) -> None:
    await supervisor.start([role("stays")])
    pid = supervisor.children[0].pid
    assert pid is not None
    assert os.getsid(pid) == pid
    await stop(supervisor)


def test_a_childs_settings_are_those_it_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "LIVEKIT_URL", "DIALER_TIME_SCALE"):
        monkeypatch.setenv(name, "from outside")
    monkeypatch.setenv("HOME", "/home/operator")
    environment = environment_for(Settings(data=tmp_path))
    assert environment["HOME"] == "/home/operator"
    assert "from outside" not in environment.values()


@pytest.mark.parametrize(
    ("code", "words"),
    [(3, "ended with exit code 3"), (-9, "was ended by SIGKILL"), (-64, "was ended by SIGRTMAX"), (-99, "signal 99")],
)
def test_how_it_ended(code: int, words: str) -> None:
    assert words in how_it_ended(code)
