"""Where the demo plays: a folder of its own, servers in it, a simulated LiveKit, and workers.  Gone afterwards.

Nothing here is told anything by the environment, so the demo can never dial a real person.
"""

import asyncio
import json
import os
import shutil
import socket
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from console.interrupts import in_thread
from console.servers import remove_data, servers
from console.servers.os_user import refuse_closed
from console.supervisor import Supervisor, end, environment_for, launch
from console.webhook_url import webhook_url
from dialer.config import Settings
from dialer.errors import Conflict, InvalidInput, StoreUnavailable
from dialer.ledger.installation import read_installation
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession

CALLS_PER_SECOND = 10
MAX_CONCURRENT_CALLS = 100
CALLBACK_AFTER_SECONDS = 15  #: so soon do the demo's people want to be called back

FOLDER_PREFIX = "dialer-demo-"
COMMON_PLACE = Path("/tmp")  # noqa: S108 - mkdtemp makes a folder of our own in it
#: Folders that a killed demo left behind are removed by the next one, once they are this old.
LEFT_BEHIND_SECONDS = 60.0
LOOK_SECONDS = 0.5
API_KEY = "demo"
#: No secret at all: the simulator it opens listens on this machine alone and ends with the demo.
API_SECRET = "the demo's key opens nothing but the demo"  # noqa: S105


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Everything the demo plays on.  ``log`` is what simulator and workers write."""

    folder: Path
    log: Path
    livekit_url: str
    installation: str
    ledger: Ledger
    slots: CallSlots
    supervisor: Supervisor


@asynccontextmanager
async def open_stage(*, seed: int, speed: float, tell: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Set up everything but campaign and workers; all is gone at the end, however that comes."""
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(in_thread(demo_folder()))
        log = folder / "demo.log"
        stream = stack.enter_context(log.open("wb"))
        web_port = free_port()
        livekit_url = await stack.enter_async_context(
            simulator(folder, seed=seed, speed=speed, web_port=web_port, log=stream)
        )
        settings = demo_settings(folder, livekit_url=livekit_url, speed=speed, web_port=web_port)
        urls = await stack.enter_async_context(in_thread(servers(settings)))
        await asyncio.to_thread(migrate, urls.database_url)
        ledger = Ledger(urls.database_url, name="demo")
        await ledger.open()
        stack.push_async_callback(ledger.close)
        installation = (await read_installation(ledger)).word
        redis = RedisSession(urls.redis_url, installation=installation)
        stack.push_async_callback(redis.close)
        connected = settings.connected_to(database_url=urls.database_url, redis_url=urls.redis_url)
        supervisor = Supervisor(connected, tell=tell, log=stream)
        stack.push_async_callback(_stop_at_once, supervisor)
        yield Stage(
            folder=folder,
            log=log,
            livekit_url=livekit_url,
            installation=installation,
            ledger=ledger,
            slots=CallSlots(redis),
            supervisor=supervisor,
        )


def free_port() -> int:
    """A port of this machine that nobody has now: LiveKit is told it before the web process listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def demo_settings(folder: Path, *, livekit_url: str, speed: float, web_port: int) -> Settings:
    """The settings of the demo's workers."""
    return Settings.model_validate(
        {
            "data": folder,
            "livekit_url": livekit_url,
            "livekit_api_key": API_KEY,
            "livekit_api_secret": API_SECRET,
            "web_port": web_port,
            "time_scale": speed,
            "look_seconds": LOOK_SECONDS,
            "gone_seconds": LOOK_SECONDS,
            "log_format": "json",
        }
    )


@contextmanager
def demo_folder() -> Iterator[Path]:
    """A folder for one demo, removed at the end with whatever runs in it."""
    place = _place()
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=place))
    try:
        yield folder
    finally:
        _remove(folder)


def _place() -> Path:
    """The folder for temporary files; for root the common one, if PostgreSQL's user cannot come to root's own."""
    place = Path(tempfile.gettempdir())
    try:
        refuse_closed(place / FOLDER_PREFIX)
    except InvalidInput:
        return COMMON_PLACE
    return place


def _sweep(place: Path) -> None:
    """Remove what demos left behind that were killed; a demo that runs holds locks in its folder."""
    for folder in place.glob(f"{FOLDER_PREFIX}*/"):
        with suppress(OSError):
            found = folder.stat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > LEFT_BEHIND_SECONDS:
                _remove(folder)


def _remove(folder: Path) -> None:
    with suppress(Conflict):
        remove_data(Settings(data=folder))
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def simulator(folder: Path, *, seed: int, speed: float, web_port: int, log: IO[bytes]) -> AsyncIterator[str]:
    """A simulated LiveKit whose carrier knows the demo's limits; the value is its address.

    Its webhooks go to ``web_port`` of this machine.

    Raises:
        StoreUnavailable: it does not start.
    """
    flags = {
        "--port": 0,
        "--webhook-url": webhook_url(Settings(web_port=web_port)),
        "--seed": seed,
        "--speed": speed,
        "--api-key": API_KEY,
        "--api-secret": API_SECRET,
        "--calls-per-second": CALLS_PER_SECOND,
        "--max-concurrent-calls": MAX_CONCURRENT_CALLS,
        "--callback-after": CALLBACK_AFTER_SECONDS,
    }
    arguments = [str(part) for flag in flags.items() for part in flag]
    environment = environment_for(Settings(data=folder))
    process = await launch("simulator", *arguments, environment=environment, stdout=PIPE, stderr=log)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise StoreUnavailable("the simulator did not start")
        yield json.loads(line)["url"]
    finally:
        await end(process)


async def _stop_at_once(supervisor: Supervisor) -> None:
    """Nobody is on the line: there is nothing to wait for."""
    at_once = asyncio.Event()
    at_once.set()
    await supervisor.stop(at_once)
