"""Where campaigns of a journey are played: servers, a simulated LiveKit and our processes, fresh and all of its own."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import aiohttp

from console.servers import servers
from dialer.config import read_settings
from dialer.domain.trunk import Trunk
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from tests.factories import make_trunk
from tests.faults.chaos import AREA_CODES, SPEED, environment_of

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 900
#: Real seconds between two looks into LiveKit, and for which an answered call is gone before it counts as over.
LOOK_SECONDS = GONE_SECONDS = 0.5
#: Everybody whom a journey can call.
PEOPLE = [f"+1{code}5550{line}" for line in range(100, 200) for code in AREA_CODES]
#: The call back that people ask for comes so many real seconds later.
CALLBACK_SECONDS = 3

#: Alembic knows one migration at a time in a process; two stages may open in two threads.
_ONE_MIGRATION = Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What a journey plays on.  ``room_prefix`` begins the name of every room of ours."""

    ledger: Ledger
    redis_url: str
    livekit_url: str
    trunk: Trunk
    room_prefix: str

    async def page(self, name: str) -> dict[str, Any]:
        """One of the simulator's own pages."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.livekit_url}/carrier/{name}") as answer:
            found: dict[str, Any] = await answer.json(content_type=None)
            return found

    async def play(self, campaigns: Collection[str]) -> None:
        """Wait until every one of these campaigns is finished or held."""
        async with asyncio.timeout(LIMIT_SECONDS):
            for name in campaigns:
                while (await find_campaign(self.ledger, name)).state.value not in ("finished", "held"):
                    await asyncio.sleep(0.2)

    async def emptied(self, *, alone_seconds: float) -> dict[str, Any]:
        """The rooms, once LiveKit has closed those that everybody left; what is there after 20 s was left over.

        With them the agents and callees who were alone for longer than ``alone_seconds`` (real ones).
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + 20
        while True:
            inside = await self.page(f"rooms?alone_seconds={alone_seconds}")
            inside["left_over"] = [room["name"] for room in inside["rooms"] if not room["name"].endswith("-sentinel")]
            if loop.time() > end or not inside["left_over"]:
                return inside
            await asyncio.sleep(0.2)


@asynccontextmanager
async def open_stage(
    *,
    seed: int,
    webhooks: bool,
    calls_per_second: float,
    look_seconds: float = LOOK_SECONDS,
    gone_seconds: float = GONE_SECONDS,
) -> AsyncIterator[Stage]:
    """Everything is up and nobody is called yet: campaigns made on ``Stage.trunk`` begin at once."""
    port = _free_port() if webhooks else 0
    with tempfile.TemporaryDirectory(prefix="dialer-journey-") as folder:
        settings = read_settings({"DIALER_DATA": folder})
        with servers(settings) as urls, _simulator(seed, port) as url:
            with _ONE_MIGRATION:
                migrate(urls.database_url)
            environment = environment_of(Path(folder), urls, url) | {
                "DIALER_WEB_PORT": str(port),
                "DIALER_LOOK_SECONDS": str(look_seconds),
                "DIALER_GONE_SECONDS": str(gone_seconds),
            }
            modules = ["workers.feeder", "workers.rescuer", "workers.caller"]
            with _processes(Path(folder), environment, [*modules, *_WITH_WEBHOOKS] if webhooks else modules):
                async with _opened(urls.database_url, urls.redis_url, url, calls_per_second) as stage:
                    yield stage


_WITH_WEBHOOKS = ("workers.clerk", "console.web")


@asynccontextmanager
async def _opened(database_url: str, redis_url: str, url: str, calls_per_second: float) -> AsyncIterator[Stage]:
    ledger = Ledger(database_url, name="journey")
    await ledger.open()
    try:
        trunk = await make_trunk(
            ledger, calls_per_second=calls_per_second, max_concurrent_calls=round(calls_per_second * 10)
        )
        installation = await ledger.row("SELECT word FROM installation")
        assert installation is not None
        yield Stage(
            ledger=ledger, redis_url=redis_url, livekit_url=url, trunk=trunk, room_prefix=f"{installation['word']}-"
        )
    finally:
        await ledger.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _simulator(seed: int, web_port: int) -> Iterator[str]:
    flags = ["--port=0", f"--speed={SPEED}", "--token-leeway=6", f"--seed={seed}"]
    flags.append(f"--callback-after={CALLBACK_SECONDS}")
    if web_port:
        flags.append(f"--webhook-url=http://127.0.0.1:{web_port}/webhooks/livekit")
    process = subprocess.Popen([sys.executable, "-m", "simulator", *flags], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _processes(folder: Path, environment: dict[str, str], modules: Sequence[str]) -> Iterator[None]:
    """JOURNEY_LOG keeps what they log: a file."""
    keep = os.environ.get("JOURNEY_LOG")
    with (Path(keep) if keep else folder / "workers.log").open("ab") as log:
        started = [
            subprocess.Popen([sys.executable, "-m", module], env=environment, stderr=log, cwd=ROOT)
            for module in modules
        ]
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)
