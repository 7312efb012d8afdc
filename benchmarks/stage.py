"""Where a benchmark plays: fresh servers in a folder of their own, a fresh simulated LiveKit, real worker processes."""

import asyncio
import json
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import aiohttp

from console.servers import remove_data, servers
from console.supervisor import end, environment_for, launch, raise_open_files_limit
from dialer.config import Settings
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.ledger.workers import count_alive
from dialer.limits.call_rate import HORIZON

API_KEY, API_SECRET = "devkey", "secret"
#: Every number is busy at once, and every number rings until the caller gives up.
BUSY_AT_ONCE, RINGS_FOR_EVER = 486, 0
READY_SECONDS = 30.0
#: A worker that was heard of within this time is alive.
ALIVE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """One of our processes."""

    name: str
    pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What a benchmark plays on."""

    settings: Settings
    ledger: Ledger
    log: IO[bytes]
    exits: AsyncExitStack

    async def start_workers(self, *, callers: int) -> list[Worker]:
        """Feeder, rescuer and so many callers; returns when calls could begin at once."""
        environment = environment_for(self.settings)
        kinds = ["feeder", "rescuer", *["caller"] * callers]
        processes = [await launch(f"workers.{kind}", environment=environment, stderr=self.log) for kind in kinds]
        for process in processes:
            self.exits.push_async_callback(end, process)
        async with asyncio.timeout(READY_SECONDS):
            while not await self._ready(callers):
                await asyncio.sleep(0.1)
        # After its opening the epoch lets nobody through for a while.
        await asyncio.sleep(HORIZON.total_seconds() + 0.5)
        return [Worker(name=kind, pid=process.pid) for kind, process in zip(kinds, processes, strict=True)]

    async def _ready(self, callers: int) -> bool:
        status = await read_line_status(self.ledger)
        alive = await count_alive(self.ledger, silence=ALIVE)
        epoch = await self.ledger.row("/* bench */ SELECT epoch FROM installation")
        assert epoch is not None
        return status.state is LineState.OK and alive.get("caller", 0) == callers and epoch["epoch"] > 0

    async def carrier_record(self) -> dict[str, Any]:
        """What the simulated carrier wrote down of every INVITE; its shape is the simulator's."""
        address = f"{self.settings.livekit_url}/carrier/record"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            record: dict[str, Any] = await answer.json()
        return record


@asynccontextmanager
async def open_stage(*, everyone: int) -> AsyncIterator[Stage]:
    """Fresh servers and a fresh simulator in which every number does the same; all is gone at the end."""
    raise_open_files_limit()
    folder = Path(tempfile.mkdtemp())
    data = Settings(data=folder)
    async with AsyncExitStack() as exits:
        exits.callback(remove_data, data)
        urls = exits.enter_context(servers(data))
        await asyncio.to_thread(migrate, urls.database_url)
        log = exits.enter_context((folder / "workers.log").open("wb"))
        livekit_url = await exits.enter_async_context(simulator(everyone=everyone))
        settings = Settings.model_validate(
            {
                "data": folder,
                "livekit_url": livekit_url,
                "livekit_api_key": API_KEY,
                "livekit_api_secret": API_SECRET,
                "log_format": "json",
            }
        ).connected_to(database_url=urls.database_url, redis_url=urls.redis_url)
        ledger = Ledger(urls.database_url, name="bench")
        await ledger.open()
        exits.push_async_callback(ledger.close)
        yield Stage(settings=settings, ledger=ledger, log=log, exits=exits)


@asynccontextmanager
async def simulator(*, everyone: int) -> AsyncIterator[str]:
    """A simulated LiveKit at the speed of life, in a process of its own; the value is its address."""
    flags = ["--port", "0", "--everyone", str(everyone), "--api-key", API_KEY, "--api-secret", API_SECRET]
    process = await launch("simulator", *flags, environment=environment_for(Settings()), stdout=PIPE)
    try:
        yield str((await read_json(process))["url"])
    finally:
        await end(process)


async def read_json(process: Process) -> dict[str, Any]:
    """The next line of JSON that a child prints."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"process {process.pid} ended before it said anything")
    read: dict[str, Any] = json.loads(line)
    return read


async def run_child(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run one of our own modules as a process and return the line of JSON it prints at its end."""
    process = await launch(module, *arguments, environment=environment_for(Settings()), stdout=PIPE)
    try:
        return await read_json(process)
    finally:
        await end(process)
