"""What a check found: of what, how bad, and the way out.  Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is.  Values are printed as JSON: never rename one."""

    OK = "ok"
    WARNING = "warning"  #: calling works, or could; somebody should look at it
    ERROR = "error"  #: nothing can be called, or not safely


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at.  ``todo`` is the way out of anything that is not ok."""

    what: str
    level: Level
    message: str
    todo: str | None = None


def ok(what: str, message: str) -> Finding:
    return Finding(what=what, level=Level.OK, message=message)


def warning(what: str, message: str, todo: str) -> Finding:
    return Finding(what=what, level=Level.WARNING, message=message, todo=todo)


def error(what: str, message: str, todo: str) -> Finding:
    return Finding(what=what, level=Level.ERROR, message=message, todo=todo)
