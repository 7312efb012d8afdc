"""Logs: structlog to stderr, readable on a terminal, JSON else.  Events are static, past tense; ids, not objects."""

import logging
import sys
import warnings
from typing import Literal

import structlog
from structlog.typing import Processor

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
