"""``dialer up``: every process of the dialer on this machine, in one terminal, until Ctrl-C."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from console.errors import ExitCode
from console.interrupts import Interrupts, in_thread
from console.open_line import open_line
from console.servers import ServerUrls, data_path, servers, up_lock
from console.supervisor import (
    CLERK,
    EXPORTER,
    FEEDER,
    RESCUER,
    WEB,
    Supervisor,
    caller_roles,
    raise_open_files_limit,
)
from console.terminal import say
from console.webhook_url import webhook_url
from dialer.config import Settings, read_settings, without_password
from dialer.errors import DialerError, StoreUnavailable
from dialer.ledger.figures import read_figures
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.logs import set_up_logs

KEEP_SERVERS_EVERY_SECONDS = 5.0
PROGRESS_EVERY_SECONDS = 1.0


def up(
    callers: Annotated[
        int, typer.Option("--callers", min=1, max=64, help="Caller processes; one carries thousands of calls.")
    ] = 1,
) -> None:
    """Run the dialer on this machine until Ctrl-C.

    That is feeder, rescuer, exporter, clerk, web and callers. Campaigns that are running are dialed from here on.
    Ctrl-C begins no new call and waits for those that ring; calls that were answered go on without it, and the next
    `dialer up` follows them. A second Ctrl-C does not wait.
    """
    raise typer.Exit(asyncio.run(run_up(read_settings(), callers=callers)))


def tell(text: str) -> None:
    """Talk to the operator; a terminal that has gone must not stop what looks after the calls."""
    with suppress(OSError):
        say(text)


async def run_up(settings: Settings, *, callers: int) -> ExitCode:
    """Be the supervisor until told to stop; returns the exit code.

    Raises:
        Conflict: another one has this data folder.
        InvalidInput: LIVEKIT_URL, LIVEKIT_API_KEY or LIVEKIT_API_SECRET is missing.
        ChildCannotStart: a worker said so.
    """
    interrupts = Interrupts()
    interrupts.listen()
    set_up_logs(process="up", level="warning")
    raise_open_files_limit()
    async with open_line(settings):
        pass
    with up_lock(settings):
        async with in_thread(servers(settings)) as urls:
            await asyncio.to_thread(migrate, urls.database_url)
            if interrupts.asked.is_set():
                return ExitCode.DONE
            connected = settings.connected_to(database_url=urls.database_url, redis_url=urls.redis_url)
            supervisor = Supervisor(connected, tell=lambda text: tell(f"dialer up: {text}"))
            return await _supervise(supervisor, settings, urls, callers=callers, interrupts=interrupts)


async def _supervise(
    supervisor: Supervisor, settings: Settings, urls: ServerUrls, *, callers: int, interrupts: Interrupts
) -> ExitCode:
    keeping = asyncio.create_task(_keep_servers(settings, interrupts))
    try:
        await supervisor.start([FEEDER, RESCUER, EXPORTER, CLERK, WEB, *caller_roles(callers)])
        tell(_banner(supervisor, settings, urls))
        watching = asyncio.create_task(supervisor.watch())
        asked = asyncio.create_task(interrupts.asked.wait())
        await asyncio.wait([watching, asked], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        await _stop(supervisor, urls, interrupts)
        keeping.cancel()
    return ExitCode.INTERRUPTED if interrupts.at_once.is_set() else ExitCode.DONE


def _banner(supervisor: Supervisor, settings: Settings, urls: ServerUrls) -> str:
    """What runs, where, and how to stop it."""
    embedded = "embedded in the data folder"
    processes = ", ".join(f"{child.role.name} {child.pid}" for child in supervisor.children)
    return "\n".join(
        [
            "The dialer is up.",
            f"  LiveKit      {settings.livekit_url}",
            f"  PostgreSQL   {without_password(urls.database_url) if settings.database_url else embedded}",
            f"  Redis        {without_password(urls.redis_url) if settings.redis_url else embedded}",
            f"  data folder  {data_path(settings)}",
            f"  metrics      {_metrics_place(settings)}",
            f"  webhooks     {_webhook_place(settings)}",
            f"  processes    {processes}",
            "Ctrl-C stops it: no new calls, those that ring are waited for.",
        ]
    )


def _metrics_place(settings: Settings) -> str:
    if settings.metrics_port == 0:
        return "on a free port; the exporter names it"
    return f"http://{_host(settings.metrics_host)}:{settings.metrics_port}/metrics"


def _webhook_place(settings: Settings) -> str:
    if settings.web_port == 0:
        return "on a free port; the web process names it"
    return f"{webhook_url(settings)} (for webhook.urls in livekit.yaml)"


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


async def _keep_servers(settings: Settings, interrupts: Interrupts) -> None:
    """Start an embedded server again that has died: to begin to use the servers makes sure that they run."""
    while settings.database_url is None or settings.redis_url is None:
        if await interrupts.rest(KEEP_SERVERS_EVERY_SECONDS):
            return
        try:
            async with in_thread(servers(settings)):
                pass
        except DialerError as error:
            tell(f"dialer up: {error}")


async def _stop(supervisor: Supervisor, urls: ServerUrls, interrupts: Interrupts) -> None:
    telling = asyncio.create_task(_tell_progress(urls))
    await supervisor.stop(interrupts.at_once)
    telling.cancel()
    await asyncio.wait([telling])
    with suppress(StoreUnavailable):
        tell(_last_words(await _open_calls(urls)))


async def _tell_progress(urls: ServerUrls) -> None:
    """Say how many calls are waited for, whenever the number changes."""
    told = None
    while True:
        with suppress(StoreUnavailable):
            ringing = (await _open_calls(urls)).get("dialing", 0)
            if ringing and ringing != told:
                tell(f"Stopping: {_calls(ringing)} still ringing; Ctrl-C again does not wait.")
            elif told is None:
                tell("Stopping.")
            told = ringing
        await asyncio.sleep(PROGRESS_EVERY_SECONDS)


async def _open_calls(urls: ServerUrls) -> dict[str, int]:
    """Open attempts by state, over all trunks: dialing, answered, in_doubt."""
    ledger = Ledger(urls.database_url, name="up", most_connections=1)
    await ledger.open()
    try:
        figures = await read_figures(ledger)
    finally:
        await ledger.close()
    found: dict[str, int] = {}
    for (_, state), count in figures.attempts_open.items():
        found[state] = found.get(state, 0) + count
    return found


def _last_words(open_calls: dict[str, int]) -> str:
    answered = open_calls.get("answered", 0)
    unknown = open_calls.get("dialing", 0) + open_calls.get("in_doubt", 0)
    words = ["The dialer has stopped."]
    if answered:
        words.append(f"{_calls(answered)} answered and not over yet: to be followed by the next `dialer up`.")
    if unknown:
        words.append(f"{_calls(unknown)} without an answer: `dialer up` asks LiveKit before it dials again.")
    return "\n".join(words)


def _calls(count: int) -> str:
    return "1 call is" if count == 1 else f"{count} calls are"
