"""What these tests run, made once for this machine: livekit-server, built by Go, and an environment for agents."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
GO_MODULE = Path(__file__).parent / "server"
AGENT = REPOSITORY / "examples" / "agent"
DEMANDED = "LIVEKIT_TESTS_DEMANDED"  #: set by `make test-livekit`: without Go the tests fail
BUILD_SECONDS = 1800
INSTALL_SECONDS = 600


def livekit_server() -> Path:
    """The program livekit-server.  Built when go.mod changed, which takes one to five minutes of two cores."""
    program = _cache() / f"livekit-server-{_digest(GO_MODULE / 'go.mod', GO_MODULE / 'go.sum')}"
    with _one_at_a_time():
        if not program.exists():
            unfinished = program.with_suffix(".unfinished")
            _run([_go(), "build", "-o", str(unfinished), _package()], cwd=GO_MODULE, seconds=BUILD_SECONDS)
            unfinished.replace(program)
    return program


def agents_python() -> Path:
    """The Python of an environment with the requirements of the example agent."""
    requirements = AGENT / "requirements.txt"
    folder = _cache() / f"agents-{sys.version_info.major}.{sys.version_info.minor}-{_digest(requirements)}"
    python, complete = folder / "bin" / "python", folder / "complete"
    with _one_at_a_time():
        if not complete.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(folder)], cwd=AGENT, seconds=INSTALL_SECONDS)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "-r", str(requirements)], cwd=AGENT, seconds=INSTALL_SECONDS)
            complete.touch()
    return python


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        missing = "Go is not installed, and livekit-server is built with it: install Go 1.26 or later"
        if os.environ.get(DEMANDED):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return go


def _package() -> str:
    """What the ``tool`` line of go.mod names."""
    lines = (GO_MODULE / "go.mod").read_text().splitlines()
    return next(line.removeprefix("tool ") for line in lines if line.startswith("tool "))


def _run(command: list[str], *, cwd: Path, seconds: float) -> None:
    done = subprocess.run(command, cwd=cwd, timeout=seconds, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}", pytrace=False)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test processes side by side make a thing once."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "livekit-campaign-dialer"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
