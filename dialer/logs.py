"""Logs: structlog to stderr, readable on a terminal, JSON else.  Events are static, past tense; ids, not objects."""

import logging
import sys
import warnings
from math import inf
from typing import Literal

import structlog
from structlog.typing import Processor

from dialer.clock import Clock

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_logs(*, process: str, level: str = "info", form: Literal["auto", "console", "json"] = "auto") -> None:
    """Send this process's logs to stderr; ``process`` is bound to every line."""
    on_terminal = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if on_terminal
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    # LiveKit's own development secret is short; `dialer doctor` says so once, instead of every signature.
    warnings.filterwarnings("ignore", message="The HMAC key is")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


class Seldom:
    """For lines that anybody outside can cause: at most one for each key in ``every`` seconds.

    The keys are few: each is remembered for ever.
    """

    def __init__(self, clock: Clock, *, every: float = 10.0) -> None:
        self._clock = clock
        self._every = every
        self._said: dict[str, tuple[float, int]] = {}

    def left_out(self, key: str) -> int | None:
        """How many lines were left out since the last one; None: leave this one out, too."""
        said_at, left_out = self._said.get(key, (-inf, 0))
        now = self._clock.seconds()
        if now - said_at < self._every:
            self._said[key] = (said_at, left_out + 1)
            return None
        self._said[key] = (now, 0)
        return left_out
