"""The queues."""

from enum import StrEnum


class Queue(StrEnum):
    """Names of the queues in Redis.  Stored there: never rename one."""

    CALLS = "calls"  #: releases of call jobs, for the callers
    NEWS = "news"  #: attempts that LiveKit has told something about, for the clerks
