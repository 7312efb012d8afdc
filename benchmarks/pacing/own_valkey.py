"""A Valkey that a benchmark may kill, empty and stop, and whose clock it may set."""

import asyncio
import os
import shutil
import signal
import subprocess
from asyncio.subprocess import Process
from pathlib import Path

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from console.servers.programs import valkey_program

READY_SECONDS = 20.0


def clock_library() -> str | None:
    """libfaketime, where it is installed: it lets a process see another time, changed while it runs."""
    program = shutil.which("faketime")
    if program is None:
        return None
    found = subprocess.run([program, "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


class OwnValkey:
    """One server process and its append-only file, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = folder / "clock"
        self._library = clock_library()
        self._process: Process | None = None
        self.url = f"unix://{folder / 'valkey.socket'}"

    @property
    def has_clock(self) -> bool:
        """Whether ``set_clock`` can be used."""
        return self._library is not None

    async def start(self) -> None:
        """Run it with the data there is; returns when it answers."""
        environment = dict(os.environ)
        if self._library:
            self._clock.write_text("+0")
            environment |= {
                "LD_PRELOAD": self._library,
                "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        options = {
            "port": "0",
            "unixsocket": str(self._folder / "valkey.socket"),
            "dir": str(self._data()),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
        self._process = await asyncio.create_subprocess_exec(
            valkey_program(), *arguments, env=environment, stdout=subprocess.DEVNULL
        )
        await self._answers()

    def _data(self) -> Path:
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        return data

    async def _answers(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    async with aioredis.Redis.from_url(self.url) as client:
                        await client.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(0.05)
                else:
                    return

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def forget(self) -> None:
        """Delete the append-only file of a server that does not run."""
        shutil.rmtree(self._data())

    async def flush(self) -> None:
        """FLUSHALL."""
        async with aioredis.Redis.from_url(self.url) as client:
            await client.flushall()

    def hold(self) -> None:
        """SIGSTOP: it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def set_clock(self, ahead_seconds: int) -> None:
        """Let it see the machine's time plus so many seconds, from now on."""
        self._clock.write_text(f"{ahead_seconds:+d}")

    async def end(self) -> None:
        """At the end of the benchmark."""
        if self._process is not None and self._process.returncode is None:
            self.let_go()
            await self.kill()
