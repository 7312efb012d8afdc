"""How far something long has come, on stderr: nothing in the first second, one line that is renewed, or a line
every 10 s where there is no terminal."""

import sys
import time
from types import TracebackType
from typing import Self

_QUIET_SECONDS = 1.0
_TERMINAL_EVERY_SECONDS = 0.2
_ELSEWHERE_EVERY_SECONDS = 10.0


class Progress:
    """``what`` is counted, as ``rows imported``."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._on_terminal = sys.stderr.isatty()
        self._every = _TERMINAL_EVERY_SECONDS if self._on_terminal else _ELSEWHERE_EVERY_SECONDS
        self._next = time.monotonic() + _QUIET_SECONDS
        self._shown = False

    def at(self, count: int) -> None:
        """So many are done."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        self._shown = True
        sys.stderr.write(f"\r{count:,} {self._what} ..." if self._on_terminal else f"{count:,} {self._what} ...\n")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._on_terminal:
            sys.stderr.write("\r\x1b[K")
