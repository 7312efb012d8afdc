"""The example agent and the callee, as processes of the agents' environment."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from livekit import api

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
        self._news = asyncio.Condition()

    async def read(self) -> None:
        """Take lines until there are no more."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.lines.append(line.decode().rstrip())
                self._news.notify_all()

    async def says(self, is_it: Callable[[str], bool]) -> str:
        """The first line of which this is true; waits until it is there."""
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._news:
                await self._news.wait_for(lambda: any(map(is_it, self.lines)))
        except TimeoutError:
            raise AssertionError("it did not say so, but:\n" + "\n".join(self.lines[-50:])) from None
        return next(filter(is_it, self.lines))

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
    async with _process([str(programs.AGENT / "agent.py"), "dev", "--no-reload"], Process, variables) as agent:
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
    command = [str(Path(__file__).with_name("callee.py")), place.url.replace("http", "ws"), token]
    async with _process([*command, "voice" if has_voice else "still"], Callee, {}) as process:
        await process.reports("joined")
        yield process


@asynccontextmanager
async def _process(command: Sequence[str], of: type[P], variables: dict[str, str]) -> AsyncIterator[P]:
    python = await asyncio.to_thread(programs.agents_python)
    started = await asyncio.create_subprocess_exec(
        python,
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **variables, "PYTHONPATH": ""},
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
