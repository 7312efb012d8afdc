"""``python -m benchmarks.pacing [NAME ...] [--quick]``: prints each table; exits 1 when a bound is broken.

A name stands for itself and for all that begin with it: ``steady`` is ``steady``, ``steady-beside`` and so on.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from benchmarks.pacing.channels import channels, channels_killed
from benchmarks.pacing.costs import costs
from benchmarks.pacing.fairness import fairness_small, fairness_weights
from benchmarks.pacing.outage import outage_errors, outage_second, outage_silent
from benchmarks.pacing.redis_faults import redis_faults
from benchmarks.pacing.steady import steady, steady_beside, steady_fast, steady_slow
from benchmarks.pacing.untold import untold
from benchmarks.report import Report
from benchmarks.usage import machine

PROGRAMS: dict[str, Callable[..., Awaitable[Report]]] = {
    "steady": steady,
    "steady-beside": steady_beside,
    "steady-fast": steady_fast,
    "steady-slow": steady_slow,
    "channels": channels,
    "channels-killed": channels_killed,
    "untold": untold,
    "outage-errors": outage_errors,
    "outage-silent": outage_silent,
    "outage-second": outage_second,
    "fairness-small": fairness_small,
    "fairness-weights": fairness_weights,
    "redis": redis_faults,
    "costs": costs,
}


def main() -> int:
    """Run what was asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks.pacing", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS) + "; all by default")
    parser.add_argument("--quick", action="store_true", help="short: to try out, not to quote")
    given = parser.parse_args()
    names = [
        name for name in PROGRAMS if not given.names or any(name == g or name.startswith(f"{g}-") for g in given.names)
    ]
    if not names:
        parser.error(f"there is no such benchmark; there are {', '.join(PROGRAMS)}")
    return 1 if asyncio.run(_run(names, quick=given.quick)) else 0


async def _run(names: list[str], *, quick: bool) -> list[str]:
    print(f"{machine()}\n", flush=True)
    broken: list[str] = []
    for place, name in enumerate(names, 1):
        sys.stderr.write(f"{place} of {len(names)}: {name}\n")
        report = await PROGRAMS[name](quick=quick)
        print(report.text(), flush=True)
        broken += [f"{name}: {sentence}" for sentence in report.broken]
    for sentence in broken:
        print(f"not kept: {sentence}", file=sys.stderr)
    return broken


if __name__ == "__main__":
    sys.exit(main())
