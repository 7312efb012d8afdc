"""What has to run before anybody is called: our processes, LiveKit and Redis.  Pure."""

from dataclasses import dataclass
from datetime import datetime

from dialer.domain.time_words import moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Machinery:
    """Seen at ``now``, the ledger's clock.

    Attributes:
        callers, feeders, rescuers: processes heard of lately.
        line: a ``LineState``, with what is known about it and since when.
    """

    callers: int
    feeders: int
    rescuers: int
    line: str
    line_detail: str
    line_since: datetime
    now: datetime


REDIS_AWAY = "Redis does not answer, so the limits cannot be read, and without them nobody is called"


def missing_processes(machinery: Machinery) -> str | None:
    """Which of our processes do not run, and what starts them; None: all do."""
    counts = (("caller", machinery.callers), ("feeder", machinery.feeders), ("rescuer", machinery.rescuers))
    missing = [f"no {kind}" for kind, count in counts if not count]
    if len(missing) == len(counts):
        return "`dialer up` does not run, and nothing calls without it"
    if missing:
        return f"{' and '.join(missing)} is running: `dialer up` starts what is missing"
    return None


def line_trouble(machinery: Machinery) -> str | None:
    """Why LiveKit cannot be dialed through, since when, and the way out; None: it can."""
    since = moment(machinery.line_since, now=machinery.now)
    match machinery.line:
        case "unknown":
            return "LiveKit has not been asked yet: the feeder does so within seconds"
        case "away":
            return f"LiveKit does not answer since {since}: {machinery.line_detail}"
        case "refused":
            return (
                f"LiveKit refuses our key since {since}: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, "
                "then start `dialer up` anew"
            )
        case "clock":
            return f"the clocks are apart since {since}: {machinery.line_detail}"
    return None
