"""Serves many calls with one statement or script: a batch is whatever is waiting at that moment.

Each call gets its own answer.  A batch waits for company for ``GATHER`` at most, and holds ``MOST`` calls at most.
A batch that breaks can be taken apart, so that what breaks it takes no others along.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from dialer.errors import StoreUnavailable

Q = TypeVar("Q")
A = TypeVar("A")

GATHER_SECONDS = 0.003
MOST = 100


class Batcher(Generic[Q, A]):
    """Collects questions and puts them to ``serve`` together; ``serve`` answers in the same order.

    When ``serve`` raises, each caller of that batch gets the exception.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        gather_seconds: float = GATHER_SECONDS,
        at_once: int = 2,
    ) -> None:
        self._serve = serve
        self._gather_seconds = gather_seconds
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._at_once = at_once
        self._at_work = 0
        self._servants: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Put one question into the next batch and wait for its answer."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._at_work < self._at_once:
            self._at_work += 1
            servant = asyncio.create_task(self._work())
            self._servants.add(servant)
            servant.add_done_callback(self._servants.discard)
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < MOST:
                    await asyncio.sleep(self._gather_seconds)
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if batch:
                    await self._serve_batch(batch)
        finally:
            # Here and not when the task is reaped: a question asked in between must find a place to be served.
            self._at_work -= 1

    async def _serve_batch(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._serve([question for question, _ in batch])
        except BaseException as error:
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)


async def taken_apart(items: Sequence[Q], work: Callable[[Sequence[Q]], Awaitable[None]]) -> list[tuple[Q, Exception]]:
    """Do a batch's work, which must be safe to repeat; returns what breaks by itself, and how.

    One that breaks among n costs about 2 log n batches more.

    Raises:
        StoreUnavailable: it says nothing about the items.
    """
    try:
        await work(items)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - its caller is told of each
        if len(items) <= 1:
            return [(item, error) for item in items]
        half = len(items) // 2
        return await taken_apart(items[:half], work) + await taken_apart(items[half:], work)
    return []
