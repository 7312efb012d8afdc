"""What every worker process does at its start and end: settings, logs, signals, a row in the ledger, a heartbeat."""

import asyncio
import faulthandler
import gc
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
import uvloop
from dramatiq.brokers.redis import RedisBroker

from dialer.actions.sign_in import signed_in
from dialer.app import Dialer, open_dialer
from dialer.config import Settings, read_settings
from dialer.errors import OperatorError, StoreUnavailable
from dialer.logs import set_up_logs
from jobs.broker import make_broker

log = structlog.get_logger()

#: How much nicer than usual the machine is asked to be to a process that must not be late.
GOES_FIRST = -10
#: Exit code of a process that cannot start and says why: its supervisor does not try again.
CANNOT_START = 78


class Stop:
    """Set by the first SIGTERM or SIGINT: take nothing new.  By the second: leave at once, which is always safe."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heard)

    def _heard(self) -> None:
        (self.at_once if self.asked.is_set() else self.asked).set()

    async def rest(self, seconds: float) -> None:
        """Wait, or less when it is time to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.asked.wait(), seconds)


#: What a worker does until it is told to stop.
Work = Callable[[Dialer, Stop, Settings], Awaitable[None]]


def go_first() -> None:
    """Be late as seldom as possible: run before others where that is allowed, and do not stop to look for garbage.

    What was made up to now stays: to look through it takes tens of milliseconds, in which no call goes out in time.
    """
    with suppress(OSError):  # most users may not; then it is as good as the machine is idle
        os.nice(GOES_FIRST)
    gc.collect()
    gc.freeze()


def run_worker(kind: str, work: Work, *, goes_first: bool = False) -> None:
    """Run one worker process until it is told to stop; exits with ``CANNOT_START`` when its settings are wrong.

    Args:
        goes_first: what it does is bound to the millisecond: ask the machine to let it run before others.
    """
    raise_open_files_limit()
    if goes_first:
        go_first()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # `kill -USR1` shows where a process stands
    try:
        settings = read_settings()
        set_up_logs(process=kind, level=settings.log_level, form=settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(kind, work, settings))
    except OperatorError as error:
        sys.stderr.write(f"{kind} cannot start: {error}\n")
        sys.exit(CANNOT_START)
    except StoreUnavailable as error:
        log.warning("worker_gave_up", error=str(error))  # its supervisor tries again
        sys.exit(1)


async def _run(kind: str, work: Work, settings: Settings) -> None:
    stop = Stop()
    stop.listen()
    if settings.database_url is None or settings.redis_url is None:
        raise OperatorError("DATABASE_URL and REDIS_URL are not set; `dialer up` sets them for its workers")
    async with open_dialer(
        settings,
        database_url=settings.database_url.get_secret_value(),
        redis_url=settings.redis_url.get_secret_value(),
        name=kind,
    ) as dialer:
        async with signed_in(dialer, kind):
            log.info("worker_started", worker_id=str(dialer.worker_id), pid=os.getpid())
            await work(dialer, stop, settings)
        log.info("worker_stopped", worker_id=str(dialer.worker_id))


def open_broker(settings: Settings, dialer: Dialer) -> RedisBroker:
    """This process's broker."""
    assert settings.redis_url is not None
    return make_broker(settings.redis_url.get_secret_value(), installation=dialer.installation)


def raise_open_files_limit() -> None:
    """Thousands of calls are thousands of sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def repeat(what: Callable[[], Awaitable[None]], stop: Stop, *, every: float, name: str) -> None:
    """Do a caretaker's round again and again; a store that is away is waited for, anything else is logged."""
    while not stop.asked.is_set():
        try:
            await what()
        except StoreUnavailable as error:
            log.warning("round_failed", round=name, error=str(error))
        except Exception:
            log.exception("round_broke", round=name)
        await stop.rest(every)
