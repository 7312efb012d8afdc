"""The ``dialer`` command as a process of its own, for tests of what outlives a function call."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO

import psutil

#: Nothing of the machine's own set-up may reach a command under test.
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("DIALER_") and name not in ("DATABASE_URL", "REDIS_URL") and "LIVEKIT" not in name
}


class Running:
    """One command that runs, with everything it has written so far."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], *, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "console.cli", *arguments],
            env={**CLEAN, **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, "out"), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, "err"), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str] | None, name: str) -> None:
        assert stream is not None
        for line in stream:
            self._lines[name].append(line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> str:
        return "".join(self._lines["out"])

    @property
    def err(self) -> str:
        return "".join(self._lines["err"])

    def children(self) -> dict[str, psutil.Process]:
        """The processes it supervises, by the last word of their module."""
        found = {}
        for process in psutil.Process(self.pid).children():
            if "console.child" in (line := process.cmdline()):
                found[line[line.index("console.child") + 2].rpartition(".")[2]] = process
        return found

    async def has_said(self, text: str, *, seconds: float = 20.0) -> None:
        """Wait until it has written this."""
        await until(lambda: text in self.err or text in self.out or self._is_over(text), seconds=seconds)

    async def over(self, *, seconds: float = 30.0) -> int:
        """Wait for its end; the exit code."""
        code = await asyncio.to_thread(self._process.wait, seconds)
        for reader in self._readers:
            reader.join(5)
        return code

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _is_over(self, awaited: str) -> bool:
        assert self._process.poll() is None, f"it ended before it said {awaited!r}:\n{self.err}"
        return False


async def until(is_so: Callable[[], bool | Awaitable[bool]], *, seconds: float = 20.0) -> None:
    """Look again and again until it is so; fail when it does not come to be so in time."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        found = is_so()
        if found if isinstance(found, bool) else await found:
            return
        assert asyncio.get_running_loop().time() < end, "it did not come to be so in time"
        await asyncio.sleep(0.03)
