"""What processes and the database used: CPU seconds, resident memory, pages."""

import asyncio
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from benchmarks.stage import Worker
from dialer.ledger.session import Ledger

IDLE_SECONDS = 5.0
#: PostgreSQL's processes tell their figures when they have been idle for this long, at the latest.
FIGURES_LATE_SECONDS = 11.0


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, all its threads, so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_bytes(pid: int) -> int:
    """Resident memory of one process."""
    return int(psutil.Process(pid).memory_info().rss)


@dataclass(slots=True)
class Meter:
    """CPU and wall seconds of a span, by process name; several callers count as one."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """CPU seconds of all processes together."""
        return sum(self.cpu.values())


@contextmanager
def metered(workers: Sequence[Worker]) -> Iterator[Meter]:
    """Fill a meter with what the workers use inside the block."""
    meter = Meter()
    before = {worker.pid: cpu_seconds(worker.pid) for worker in workers}
    began = time.perf_counter()
    yield meter
    meter.seconds = time.perf_counter() - began
    for worker in workers:
        used = cpu_seconds(worker.pid) - before[worker.pid]
        meter.cpu[worker.name] = meter.cpu.get(worker.name, 0.0) + used


async def idle_share(workers: Sequence[Worker]) -> float:
    """CPU seconds a second of all workers together while they have nothing to do."""
    with metered(workers) as meter:
        await asyncio.sleep(IDLE_SECONDS)
    return meter.total / meter.seconds


async def pages_touched(ledger: Ledger) -> int:
    """Pages of the database that its processes have asked for so far, from memory or from disk.

    Waits until every process has told; what goes on meanwhile counts, so nothing but idle rounds should.
    """
    await asyncio.sleep(FIGURES_LATE_SECONDS)
    row = await ledger.row(
        "/* bench */ SELECT blks_hit + blks_read AS pages FROM pg_stat_database WHERE datname = current_database()"
    )
    assert row is not None
    return int(row["pages"])


def machine() -> str:
    """One line on where this was measured."""
    return (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1024**3:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
