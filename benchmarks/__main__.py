"""``python -m benchmarks [NAME ...] [--quick]``: prints each benchmark's table; exits 1 when a bound is broken."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from benchmarks.beside_others import beside_others
from benchmarks.busy_calls import busy_calls
from benchmarks.conversation import calls_with_agents, calls_with_webhooks
from benchmarks.feeder import feeder
from benchmarks.pacing import pacing
from benchmarks.report import Report
from benchmarks.ringing_calls import ringing_calls
from benchmarks.usage import machine

BENCHMARKS: dict[str, Callable[..., Awaitable[Report]]] = {
    "busy": busy_calls,
    "webhooks": calls_with_webhooks,
    "agent": calls_with_agents,
    "ringing": ringing_calls,
    "pacing": pacing,
    "beside": beside_others,
    "feeder": feeder,
}


def main() -> int:
    """Run what was asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS) + "; all by default")
    parser.add_argument("--quick", action="store_true", help="small and once: to try out, not to quote")
    given = parser.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    broken = asyncio.run(_run(given.names or list(BENCHMARKS), quick=given.quick))
    return 1 if broken else 0


async def _run(names: list[str], *, quick: bool) -> list[str]:
    print(f"{machine()}\n")
    broken: list[str] = []
    for name in names:
        report = await BENCHMARKS[name](quick=quick)
        print(report.text(), flush=True)
        broken += [f"{name}: {sentence}" for sentence in report.broken]
    for sentence in broken:
        print(f"not kept: {sentence}", file=sys.stderr)
    return broken


if __name__ == "__main__":
    sys.exit(main())
