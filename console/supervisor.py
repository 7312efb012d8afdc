"""Runs worker processes: starts them, starts them again when they die, and stops them in order.

Every child is in a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone, and is bound to the
supervisor's life by ``console.child``.
"""

import asyncio
import os
import resource
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from dialer.config import Settings, variable_of
from dialer.errors import DialerError

STDERR = 2
#: Exit code of a child that cannot start and has said why: trying again would not help.
CANNOT_START = 78

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
#: A child that ran for this long was well: its next death is the first one again.
RAN_WELL_SECONDS = 60.0
#: A caller waits for its open POSTs: the longest ringing timeout (65 s), 15 s for the answer, and some to settle.
DRAIN_SECONDS = 95.0
#: Children told to leave at once, or that have nothing to wait for, get this long.
LEAVE_SECONDS = 5.0
#: Between asking and asking again: two signals at the same moment are one.
AGAIN_SECONDS = 0.2


class ChildCannotStart(DialerError):
    """A child said that it cannot start; its own message is where its log goes."""

    code = "child_cannot_start"


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """One process to be kept running.

    Attributes:
        releases: it makes others begin calls, so it stops before them.
        waits: it may take long to stop, for calls that ring.
    """

    name: str
    module: str
    releases: bool = False
    waits: bool = False


FEEDER = Role(name="feeder", module="workers.feeder", releases=True)
RESCUER = Role(name="rescuer", module="workers.rescuer")
EXPORTER = Role(name="exporter", module="workers.exporter")
CLERK = Role(name="clerk", module="workers.clerk")
WEB = Role(name="web", module="console.web")


def caller_roles(count: int) -> list[Role]:
    """So many callers, numbered when there are several."""
    names = ["caller"] if count == 1 else [f"caller-{number}" for number in range(1, count + 1)]
    return [Role(name=name, module="workers.caller", waits=True) for name in names]


def raise_open_files_limit() -> None:
    """Thousands of calls are thousands of sockets; children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def environment_for(settings: Settings) -> dict[str, str]:
    """This process's environment with exactly these settings: nothing of ours leaks in from outside."""
    ours = {variable_of(field) for field in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in ours} | settings.environment()


async def launch(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    stdout: int | IO[bytes] = STDERR,
    stderr: int | IO[bytes] = STDERR,
) -> Process:
    """Start one module as a child that neither hears the terminal nor outlives this process.

    ``-P`` keeps files in the working directory from being taken for our packages.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "console.child", str(os.getpid()), module, *arguments),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


class Child:
    """One role, and the process that fills it at the moment."""

    def __init__(self, role: Role, launch_one: Callable[[Role], Awaitable[Process]], tell: Callable[[str], None]):
        self.role = role
        self._launch = launch_one
        self._tell = tell
        self._process: Process | None = None
        self._started = asyncio.Event()
        self._leaving = asyncio.Event()
        self.task = asyncio.create_task(self._keep())

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Return when there is a process, or when there will never be one."""
        started = asyncio.ensure_future(self._started.wait())
        await asyncio.wait([started, self.task], return_when=asyncio.FIRST_COMPLETED)
        started.cancel()

    async def _keep(self) -> None:
        """Fill the role until it is to be left.  ChildCannotStart when there is no sense in trying."""
        pause = FIRST_PAUSE_SECONDS
        while not self._leaving.is_set():
            seconds, code = await self._run()
            if self._leaving.is_set():
                return
            if code == CANNOT_START:
                raise ChildCannotStart(f"the {self.role.name} cannot start; the reason is in its own words above")
            pause = FIRST_PAUSE_SECONDS if seconds >= RAN_WELL_SECONDS else pause
            self._tell(f"{self.role.name} {how_it_ended(code)}; it starts again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run(self) -> tuple[float, int]:
        """One process from its start to its end: how many seconds it ran and its exit code."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._process = await self._launch(self.role)
        self._started.set()
        if self._leaving.is_set():
            self.send(signal.SIGTERM)
        code = await self._process.wait()
        return loop.time() - began, code

    def leave(self) -> None:
        """Ask it to stop; asked again, it stops at once."""
        self._leaving.set()
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


class Supervisor:
    """Keeps roles filled.  ``tell`` is given a sentence for whatever an operator should know."""

    def __init__(self, settings: Settings, *, tell: Callable[[str], None], log: int | IO[bytes] = STDERR) -> None:
        """``log``: where the children's output goes."""
        self._environment = environment_for(settings)
        self._tell = tell
        self._log = log
        self.children: list[Child] = []

    async def start(self, roles: Iterable[Role]) -> None:
        """Fill these roles; returns when each has a process."""
        started = [Child(role, self._launch, self._tell) for role in roles]
        self.children += started
        await asyncio.gather(*(child.start() for child in started))

    async def _launch(self, role: Role) -> Process:
        return await launch(role.module, environment=self._environment, stdout=self._log, stderr=self._log)

    async def watch(self) -> None:
        """Wait for ever.

        Raises:
            ChildCannotStart: a child will never run like this.
        """
        tasks = [child.task for child in self.children]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self, at_once: asyncio.Event) -> None:
        """Stop all: nothing new is released, calls that ring are waited for, then the rest leaves.

        Args:
            at_once: set by whoever does not want to wait; that is always safe.
        """
        releasing = [child for child in self.children if child.role.releases]
        waiting = [child for child in self.children if child.role.waits]
        await _end([*releasing, *waiting], at_once, seconds=DRAIN_SECONDS)
        await _end(self.children, at_once, seconds=LEAVE_SECONDS)


async def _end(children: Sequence[Child], at_once: asyncio.Event, *, seconds: float) -> None:
    """Ask these to leave and wait; then ask again, which hurries them; then make them."""
    if not children:
        return
    over = asyncio.ensure_future(asyncio.wait([child.task for child in children]))
    _ask(children)
    hurry = asyncio.ensure_future(at_once.wait())
    await asyncio.wait({over, hurry}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    await asyncio.wait({over}, timeout=AGAIN_SECONDS)
    _ask(children)
    await asyncio.wait({over}, timeout=LEAVE_SECONDS)
    for child in children:
        child.send(signal.SIGKILL)
    await over


def _ask(children: Sequence[Child]) -> None:
    for child in children:
        child.leave()


async def end(process: Process) -> None:
    """Ask a process to leave; after a while, make it."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), LEAVE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def how_it_ended(code: int) -> str:
    """A process's exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
