"""Ctrl-C and its kin, for commands that have something to bring to an end; and slow code of no colour."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupts:
    """The first SIGINT, SIGTERM or SIGHUP asks for an orderly end, the second one for an end at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()

    def listen(self) -> None:
        """From now on signals set events.  A hang-up that is ignored (``nohup``) stays so."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._heard)

    def _heard(self) -> None:
        (self.at_once if self.asked.is_set() else self.asked).set()

    async def rest(self, seconds: float) -> bool:
        """Wait, or less when the end is asked for.  Says whether it is."""
        await asyncio.wait([wait := asyncio.ensure_future(self.asked.wait())], timeout=seconds)
        wait.cancel()
        return self.asked.is_set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something until it is done or the end is asked for.

        Raises:
            Interrupted: the end was asked for, and the work has cleaned up behind itself.
        """
        task = asyncio.create_task(work)
        asked = asyncio.create_task(self.asked.wait())
        await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if task.cancelled():
            raise Interrupted
        return task.result()


class Interrupted(Exception):
    """Somebody pressed Ctrl-C, and everything is put away."""


@asynccontextmanager
async def in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a slow context manager beside the event loop, so that signals are heard meanwhile."""
    entering = asyncio.ensure_future(asyncio.to_thread(manager.__enter__))
    try:
        value = await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait([entering])  # a thread cannot be cancelled; what it has entered is left again
        if entering.exception() is None:
            await asyncio.to_thread(manager.__exit__, None, None, None)
        raise
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
