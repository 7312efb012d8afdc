"""``python -m simulator``: listens until SIGTERM or SIGINT, and says where in one line of JSON."""

import argparse
import asyncio
import gc
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvloop

from simulator.carrier_forms import read_limits, read_outages
from simulator.server import listen
from simulator.settings import CarrierLimits, SimulatorSettings, Wishes

#: the collector looks at few objects at a time, and never at all the old ones together
_GC_THRESHOLDS: Final = (1_000, 5, 1_000_000)


def main() -> None:
    """Read the command line and run.  A witness that reads late would see bursts that were none."""
    with suppress(OSError):
        os.nice(-19)  # before the callers, too
    _raise_open_files_limit()
    uvloop.run(_run(_settings(sys.argv[1:])))


def _settings(arguments: list[str]) -> SimulatorSettings:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7880, help="0: any free port")
    parser.add_argument("--api-key", default="devkey")
    parser.add_argument("--api-secret", default="secret")
    parser.add_argument("--seed", type=int, default=42, help="the same seed: the same fates")
    parser.add_argument("--speed", type=float, default=1.0, help="20: calls take a twentieth of their time")
    parser.add_argument("--token-leeway", type=float, default=60.0, help="seconds")
    parser.add_argument("--clock-offset", type=float, default=0.0, help="seconds this server is ahead")
    parser.add_argument(
        "--everyone", type=_digits, default=(), help="what all numbers do, as three last digits; 486,0: they take turns"
    )
    parser.add_argument("--calls-per-second", type=float, help="the carrier's limit; none by default")
    parser.add_argument("--max-concurrent-calls", type=int, help="the carrier's limit; none by default")
    parser.add_argument("--limits", help="a JSON file with all limits, as PUT /carrier/limits takes them")
    parser.add_argument("--outages", help="a JSON file with the carrier's outages, as PUT /carrier/outages takes them")
    parser.add_argument("--requests-per-minute", type=int, help="LiveKit's quota of API requests; none by default")
    parser.add_argument("--trunks", type=int, default=0, help="how many more trunks there are: ST_trunk_1 and on")
    parser.add_argument(
        "--join-delay", type=float, default=0.003, help="seconds in which a DeleteRoom misses a call just dialed"
    )
    parser.add_argument("--callbacks", type=float, default=0.05, help="share of people who ask to be called back")
    parser.add_argument("--do-not-calls", type=float, default=0.03, help="share of people who ask never to be called")
    parser.add_argument("--callback-after", type=float, default=3600.0, help="seconds to the call back they ask for")
    parser.add_argument("--webhook-url", action="append", default=[], help="gets LiveKit's webhooks; repeatable")
    given = parser.parse_args(arguments)
    try:
        return _settings_of(given)
    except (ValueError, OSError) as problem:
        parser.error(str(problem))


def _digits(text: str) -> tuple[int, ...]:
    """``486,200,0``.  ValueError: something else."""
    return tuple(int(digits) for digits in text.split(","))


def _limits(given: argparse.Namespace) -> CarrierLimits:
    own = CarrierLimits(calls_per_second=given.calls_per_second, max_concurrent_calls=given.max_concurrent_calls)
    if given.limits is None:
        return own
    if own != CarrierLimits():
        raise ValueError("--limits says it all: leave --calls-per-second and --max-concurrent-calls out")
    return read_limits(Path(given.limits).read_bytes())


def _settings_of(given: argparse.Namespace) -> SimulatorSettings:
    return SimulatorSettings(
        host=given.host,
        port=given.port,
        api_key=given.api_key,
        api_secret=given.api_secret,
        seed=given.seed,
        speed=given.speed,
        token_leeway_seconds=given.token_leeway,
        clock_offset_seconds=given.clock_offset,
        everyone=given.everyone,
        wishes=Wishes(
            callbacks=given.callbacks,
            do_not_calls=given.do_not_calls,
            callback_after_seconds=given.callback_after,
        ),
        join_delay_seconds=given.join_delay,
        webhook_urls=tuple(given.webhook_url),
        limits=_limits(given),
        outages=() if given.outages is None else read_outages(Path(given.outages).read_bytes()),
        requests_per_minute=given.requests_per_minute,
        trunks=given.trunks,
    )


async def _run(settings: SimulatorSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listening = await listen(settings)
    # A pause of the collector would look like a burst of INVITEs in the carrier's record.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.stdout.write(json.dumps({"url": listening.url}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await listening.close()


def _raise_open_files_limit() -> None:
    """Every ringing call holds a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
