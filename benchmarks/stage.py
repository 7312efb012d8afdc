"""Where a benchmark plays: fresh servers in a folder of their own, a fresh simulated LiveKit, real worker processes."""

import asyncio
import json
import socket
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import aiohttp
from pydantic import SecretStr

from console.servers import remove_data, servers
from console.supervisor import end, environment_for, launch, raise_open_files_limit
from dialer.config import Settings
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.ledger.workers import count_alive
from dialer.limits.call_rate import HORIZON

API_KEY, API_SECRET = "devkey", "secret"
#: Every number is busy at once, and every number rings until the caller gives up.  Busy is 600 here: many a fast 486
#: in a row, while calls are up, is what a trunk answers whose channels are full.
BUSY_AT_ONCE, RINGS_FOR_EVER = 600, 0
READY_SECONDS = 30.0
#: So long LiveKit's webhooks have to be told and read once everything is settled.
TOLD_SECONDS = 60.0
#: The path under which the web process takes them.
WEBHOOK_PATH = "/webhooks/livekit"
LOOK_SECONDS = 0.2
#: A worker that was heard of within this time is alive.
ALIVE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """One of our processes."""

    name: str
    pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What a benchmark plays on.  ``webhooks``: LiveKit sends them to a web process of ours."""

    settings: Settings
    webhooks: bool
    ledger: Ledger
    log: IO[bytes]
    exits: AsyncExitStack

    async def start_workers(self, *, callers: int) -> list[Worker]:
        """Feeder, rescuer, so many callers and, with webhooks, clerk and web; returns when calls could begin."""
        environment = environment_for(self.settings)
        modules = ["workers.feeder", "workers.rescuer", *["workers.caller"] * callers]
        if self.webhooks:
            modules += ["workers.clerk", "console.web"]
        processes = [await launch(module, environment=environment, stderr=self.log) for module in modules]
        for process in processes:
            self.exits.push_async_callback(end, process)
        async with asyncio.timeout(READY_SECONDS):
            while not await self._ready(callers):
                await asyncio.sleep(0.1)
        # After its opening the epoch lets nobody through for a while.
        await asyncio.sleep(HORIZON.total_seconds() + 0.5)
        names = [module.rpartition(".")[2] for module in modules]
        return [Worker(name=name, pid=process.pid) for name, process in zip(names, processes, strict=True)]

    async def _ready(self, callers: int) -> bool:
        status = await read_line_status(self.ledger)
        alive = await count_alive(self.ledger, silence=ALIVE)
        epoch = await self.ledger.row("/* bench */ SELECT epoch FROM installation")
        assert epoch is not None
        if self.webhooks and not (alive.get("clerk") and alive.get("web")):
            return False
        return status.state is LineState.OK and alive.get("caller", 0) == callers and epoch["epoch"] > 0

    async def carrier_record(self) -> dict[str, Any]:
        """What the simulated carrier wrote down of every INVITE; its shape is the simulator's."""
        return await self.page("record")

    async def page(self, name: str) -> dict[str, Any]:
        """One of the simulator's own pages."""
        return await simulator_page(str(self.settings.livekit_url), name)

    async def put(self, name: str, body: object) -> None:
        """Change what one of the simulator's own pages shows."""
        url = f"{self.settings.livekit_url}/carrier/{name}"
        async with aiohttp.ClientSession() as session, session.put(url, json=body) as answer:
            answer.raise_for_status()

    async def all_told(self) -> None:
        """Wait until LiveKit has no webhook left to send and the clerk has read every one that was kept."""
        await all_sent(str(self.settings.livekit_url))
        async with asyncio.timeout(TOLD_SECONDS):
            while await self.ledger.row("/* bench */ SELECT FROM events WHERE handled_at IS NULL LIMIT 1") is not None:
                await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_stage(
    *,
    everyone: int | str,
    webhooks: bool = False,
    redis_url: str | None = None,
    flags: Sequence[str] = (),
    more: Mapping[str, object] = MappingProxyType({}),
) -> AsyncIterator[Stage]:
    """Fresh servers and a fresh simulator; all is gone at the end.

    Args:
        everyone: what every number does, or a list through which they cycle by their last digit.
        redis_url: a Valkey of the benchmark's own; None: a fresh one as well.
        flags: of the simulator, besides.
        more: settings of our processes, besides.
    """
    raise_open_files_limit()
    folder = Path(tempfile.mkdtemp())
    data = Settings(data=folder, redis_url=SecretStr(redis_url) if redis_url else None)
    async with AsyncExitStack() as exits:
        exits.callback(remove_data, data)
        urls = exits.enter_context(servers(data))
        await asyncio.to_thread(migrate, urls.database_url)
        log = exits.enter_context((folder / "workers.log").open("wb"))
        web_port = free_port()
        told = f"http://127.0.0.1:{web_port}{WEBHOOK_PATH}" if webhooks else None
        livekit_url = await exits.enter_async_context(simulator(everyone=everyone, webhook_url=told, flags=flags))
        settings = Settings.model_validate(
            {
                "data": folder,
                "livekit_url": livekit_url,
                "livekit_api_key": API_KEY,
                "livekit_api_secret": API_SECRET,
                "log_format": "json",
                "web_port": web_port,
                **more,
            }
        ).connected_to(database_url=urls.database_url, redis_url=urls.redis_url)
        ledger = Ledger(urls.database_url, name="bench")
        await ledger.open()
        exits.push_async_callback(ledger.close)
        yield Stage(settings=settings, webhooks=webhooks, ledger=ledger, log=log, exits=exits)


@asynccontextmanager
async def simulator(
    *, everyone: int | str, webhook_url: str | None = None, flags: Sequence[str] = ()
) -> AsyncIterator[str]:
    """A simulated LiveKit in a process of its own, at the speed of life unless told otherwise; its address."""
    given = ["--port", "0", "--everyone", str(everyone), "--api-key", API_KEY, "--api-secret", API_SECRET, *flags]
    if webhook_url:
        given += ["--webhook-url", webhook_url]
    process = await launch("simulator", *given, environment=environment_for(Settings()), stdout=PIPE)
    try:
        yield str((await read_json(process))["url"])
    finally:
        await end(process)


async def simulator_page(url: str, name: str) -> dict[str, Any]:
    """One of the own pages of the simulator at this address."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/carrier/{name}") as answer:
        page: dict[str, Any] = await answer.json(content_type=None)
    return page


async def all_sent(url: str) -> None:
    """Wait until the simulator has sent every webhook."""
    tally = await simulator_page(url, "webhooks")
    async with asyncio.timeout(TOLD_SECONDS):
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before, tally = tally, await simulator_page(url, "webhooks")
            if tally == before and tally["waiting"] == 0:
                return


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


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
