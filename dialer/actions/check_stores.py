"""Looks at PostgreSQL, Redis and the processes, for ``dialer doctor``."""

from datetime import timedelta

from dialer.clock import Clock
from dialer.domain.finding import Finding, error, ok, warning
from dialer.domain.time_words import moment
from dialer.errors import StoreUnavailable
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.server import OLDEST_MAJOR_VERSION, server_version
from dialer.ledger.session import Ledger
from dialer.ledger.workers import count_alive
from dialer.limits.redis_health import RedisHealth, read_redis_health
from dialer.limits.redis_session import RedisSession

#: The fence stands any clock of ours; further apart than this, logs and ledger cannot be laid side by side.
CLOCKS_APART = timedelta(seconds=5)
_NTP = "switch on NTP on that machine"
_KINDS = ("caller", "feeder", "rescuer", "clerk")


async def check_postgres(ledger: Ledger, *, clock: Clock) -> list[Finding]:
    """Its version, and its clock against this machine's."""
    major, version = await server_version(ledger)
    if major < OLDEST_MAJOR_VERSION:
        return [
            error("PostgreSQL", f"version {version} is too old", f"use version {OLDEST_MAJOR_VERSION} or later"),
        ]
    offset = clock.now() - await ledger.now()
    return [ok("PostgreSQL", f"answers, version {version}"), clock_finding("this machine's clock", offset)]


async def check_redis(redis: RedisSession, ledger: Ledger, *, clock: Clock) -> list[Finding]:
    """Whether it forgets under pressure, whether it keeps its memory, and its clock."""
    try:
        health = await read_redis_health(redis)
        asked = clock.now()
        redis_seconds = await redis.time()
    except StoreUnavailable as fault:
        return [error("Redis", str(fault), "check REDIS_URL, and that Redis runs; without it nobody is called")]
    offset = timedelta(seconds=redis_seconds - asked.timestamp()) + (asked - await ledger.now())
    return [
        ok("Redis", f"answers, version {health.version}"),
        _eviction(health),
        _persistence(health),
        clock_finding("Redis's clock", offset),
    ]


async def check_workers(ledger: Ledger, *, silence: timedelta) -> list[Finding]:
    """Which processes run, and what the feeder has heard of LiveKit."""
    alive = await count_alive(ledger, silence=silence)
    missing = [kind for kind in _KINDS if not alive.get(kind)]
    if missing:
        told = "`dialer up` does not run" if len(missing) == len(_KINDS) else f"no {' and no '.join(missing)} runs"
        return [warning("processes", f"{told}: nothing is called", "start `dialer up`")]
    counts = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(alive.items()))
    status = await read_line_status(ledger)
    if status.state in (LineState.OK, LineState.UNKNOWN):
        return [ok("processes", counts)]
    since = moment(status.since, now=await ledger.now())
    return [
        ok("processes", counts),
        warning("feeder", f"nothing is called since {since}: {status.detail}", "see what is said of LiveKit above"),
    ]


def clock_finding(whose: str, offset: timedelta) -> Finding:
    """A clock against PostgreSQL's, which is the one that counts."""
    seconds = offset.total_seconds()
    told = f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} PostgreSQL's"
    return warning(whose, told, _NTP) if abs(offset) > CLOCKS_APART else ok(whose, told)


def _eviction(health: RedisHealth) -> Finding:
    what, setting = "Redis memory", "maxmemory-policy"
    if health.policy is None:
        return warning(what, f"this Redis does not tell its {setting}", f"make sure that {setting} is noeviction")
    if health.policy == "noeviction":
        return ok(what, "nothing is thrown away when it is full")
    told = f"{setting} is {health.policy}: queue and limits may be thrown away when memory is full"
    judge = error if health.has_memory_limit else warning
    return judge(what, told, f"CONFIG SET {setting} noeviction, and write it into its configuration")


def _persistence(health: RedisHealth) -> Finding:
    what = "Redis on disk"
    if health.keeps is None:
        return warning(what, "this Redis does not tell whether it writes to disk", "make sure that appendonly is on")
    if health.keeps:
        return ok(what, "its memory is written to disk")
    return warning(
        what,
        "its memory is not written to disk: after a restart calling stands still until the limits are rebuilt",
        "CONFIG SET appendonly yes, and write it into its configuration",
    )
