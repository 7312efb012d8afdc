"""``python -m benchmarks [NAME ...] [--quick]``: runs them, prints each table, exits 1 when a bound is broken."""

import argparse
import asyncio
import sys

from benchmarks.beside_others import beside_others
from benchmarks.busy_calls import busy_calls
from benchmarks.pacing import pacing
from benchmarks.ringing_calls import ringing_calls
from benchmarks.usage import machine

BENCHMARKS = {"busy": busy_calls, "ringing": ringing_calls, "pacing": pacing, "beside": beside_others}


def main() -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it")
    given = parser.parse_args()
    sys.exit(asyncio.run(_run(given.names or list(BENCHMARKS), quick=given.quick)))


async def _run(names: list[str], *, quick: bool) -> int:
    sys.stdout.write(f"{machine()}\n\n")
    broken = 0
    for name in names:
        report = await BENCHMARKS[name](quick=quick)
        broken += len(report.broken)
        sys.stdout.write(report.text() + "\n")
        sys.stdout.flush()
    return 1 if broken else 0


if __name__ == "__main__":
    main()
