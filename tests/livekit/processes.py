"""The example agent, the callee and our web process, as processes of their own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from livekit import api

from tests.console.running import CLEAN
from tests.livekit import programs
from tests.livekit.place import Place
from tests.livekit.servers import API_KEY, API_SECRET

AGENT_NAME = "agent-of-this-test"
IDENTITY = "callee-1"
WAIT_SECONDS = 60.0

P = TypeVar("P", bound="Process")


class Process:
    """A process whose lines are read while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self._process = process
        self._is_over = False
        self._news = asyncio.Condition()

    async def read(self) -> None:
        """Take lines until there are no more."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.lines.append(line.decode().rstrip())
                self._news.notify_all()
        async with self._news:
            self._is_over = True
            self._news.notify_all()

    async def says(self, is_it: Callable[[str], bool]) -> str:
        """The first line of which this is true; waits until it is there, or the process has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS), self._news:
                await self._news.wait_for(lambda: any(map(is_it, self.lines)) or self._is_over)
        said = next(filter(is_it, self.lines), None)
        assert said is not None, "it did not say so, but:\n" + "\n".join(self.lines[-50:])
        return said

    def kill(self) -> None:
        """End it and the processes it keeps for its jobs, without a word to anybody."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def order(self, words: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n".encode())


class Callee(Process):
    """Who is called: in the room from the first ringing on."""

    async def reports(self, event: str) -> dict[str, str]:
        """Wait for one of its events."""
        line = await self.says(lambda line: line.startswith("{") and json.loads(line)["event"] == event)
        return dict(json.loads(line))

    @property
    def events(self) -> list[str]:
        """What it has told so far, in order."""
        return [json.loads(line)["event"] for line in self.lines if line.startswith("{")]


@asynccontextmanager
async def example_agent(place: Place) -> AsyncIterator[Process]:
    """The example agent, registered at LiveKit."""
    variables = {
        "LIVEKIT_URL": place.url.replace("http", "ws"),
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "AGENT_NAME": AGENT_NAME,
    }
    # `dev`: the worker takes jobs however busy this machine is.
    command = [await _agents_python(), str(programs.AGENT / "agent.py"), "dev", "--no-reload"]
    async with _running(command, Process, variables) as agent:
        await agent.says(lambda line: "registered worker" in line)
        yield agent


@asynccontextmanager
async def callee(place: Place, room: str, *, has_voice: bool) -> AsyncIterator[Callee]:
    """A callee whose phone rings in this room."""
    token = (
        api.AccessToken(API_KEY, API_SECRET)
        .with_identity(IDENTITY)
        .with_kind("sip")
        .with_attributes({"sip.callStatus": "ringing"})
        .with_ttl(timedelta(minutes=5))
        .with_grants(api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True))
        .to_jwt()
    )
    command = [await _agents_python(), str(Path(__file__).with_name("callee.py")), place.url.replace("http", "ws")]
    async with _running([*command, token, "voice" if has_voice else "still"], Callee, {}) as process:
        await process.reports("joined")
        yield process


@asynccontextmanager
async def web_process(variables: dict[str, str]) -> AsyncIterator[Process]:
    """Our web process, once it takes webhooks."""
    async with _running([sys.executable, "-m", "console.web"], Process, variables) as web:
        await web.says(lambda line: "web_served" in line)
        yield web


async def _agents_python() -> str:
    return str(await asyncio.to_thread(programs.agents_python))


@asynccontextmanager
async def _running(command: Sequence[str], of: type[P], variables: dict[str, str]) -> AsyncIterator[P]:
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=programs.REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**CLEAN, **variables},
        start_new_session=True,
    )
    process = of(started)
    reader = asyncio.create_task(process.read())
    try:
        yield process
    finally:
        process.kill()
        await started.wait()
        await reader
