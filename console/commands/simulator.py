"""``dialer simulator``: a LiveKit server and a carrier that are not there, to try things out against."""

import asyncio
import json
import shlex
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Annotated

import typer

from console.interrupts import Interrupts
from console.supervisor import end, environment_for, how_it_ended, launch
from console.terminal import say
from dialer.config import Settings
from dialer.errors import DialerError

TRUNK = "ST_simulated"
#: Public, and long enough for the libraries not to complain about it.
API_SECRET = "the-simulator-is-no-place-for-secrets"  # noqa: S105


class SimulatorEnded(DialerError):
    """The simulator did not start, or ended by itself; it has said why on stderr."""

    code = "simulator_ended"


Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any free port.")]
Speed = Annotated[float, typer.Option("--speed", min=0.1, help="20: calls take a twentieth of their time.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed: the same fates.")]
Rate = Annotated[float | None, typer.Option("--calls-per-second", help="The carrier's limit; none by default.")]
Channels = Annotated[int | None, typer.Option("--max-concurrent-calls", help="The carrier's limit; none by default.")]
Everyone = Annotated[
    str | None,
    typer.Option(
        "--everyone", help="What all numbers do, as three digits: 486 is busy at once. 486,200: they take turns."
    ),
]
LimitsFile = Annotated[
    Path | None,
    typer.Option(
        "--limits", help="A JSON file with the carrier's limits by trunk and account, in place of the two above."
    ),
]
OutagesFile = Annotated[
    Path | None, typer.Option("--outages", help="A JSON file that says when the carrier does not work, and how.")
]
Quota = Annotated[
    int | None, typer.Option("--requests-per-minute", help="LiveKit's quota of API requests; none by default.")
]
Trunks = Annotated[int | None, typer.Option("--trunks", help="How many more trunks there are: ST_trunk_1 and on.")]
Host = Annotated[str, typer.Option("--host", help="The address it listens on.")]
Key = Annotated[str, typer.Option("--api-key", help="The key it takes.")]
Secret = Annotated[str, typer.Option("--api-secret", help="Its secret.")]
TokenLeeway = Annotated[
    float | None, typer.Option("--token-leeway", help="Seconds a token is taken after its end; 60 by default.")
]
ClockOffset = Annotated[float | None, typer.Option("--clock-offset", help="Seconds its clock is ahead; 0 by default.")]
WebhookUrls = Annotated[
    list[str] | None, typer.Option("--webhook-url", help="Who gets LiveKit's webhooks; may be given repeatedly.")
]
JoinDelay = Annotated[
    float | None,
    typer.Option(
        "--join-delay", help="Seconds in which deleting the room misses a call just dialed; 0.003 by default."
    ),
]
Callbacks = Annotated[
    float | None, typer.Option("--callbacks", help="Share of the people who ask to be called back; 0.05 by default.")
]
DoNotCalls = Annotated[
    float | None,
    typer.Option("--do-not-calls", help="Share of the people who ask never to be called again; 0.03 by default."),
]
CallbackAfter = Annotated[
    float | None,
    typer.Option("--callback-after", help="Seconds, at any speed, to the call back they want; 3600 by default."),
]


def simulator(
    port: Port = 7880,
    speed: Speed = 1,
    seed: Seed = 42,
    calls_per_second: Rate = None,
    max_concurrent_calls: Channels = None,
    limits: LimitsFile = None,
    outages: OutagesFile = None,
    requests_per_minute: Quota = None,
    trunks: Trunks = None,
    everyone: Everyone = None,
    host: Host = "127.0.0.1",
    api_key: Key = "devkey",
    api_secret: Secret = API_SECRET,
    token_leeway: TokenLeeway = None,
    clock_offset: ClockOffset = None,
    webhook_url: WebhookUrls = None,
    join_delay: JoinDelay = None,
    callbacks: Callbacks = None,
    do_not_calls: DoNotCalls = None,
    callback_after: CallbackAfter = None,
) -> None:
    """Run a simulated LiveKit and carrier until Ctrl-C.

    It prints how to dial through it. Nobody real is called. What a number does is written in its last three digits:
    +1 212 555 0235 answers after 3 s and hangs up 5 s later, 0486 is busy, 0000 rings for ever. 0100 to 0199 behave
    like people.

    Its voice agents go by their names: sim-ready, sim-slow-8 (comes after 8 s), sim-crash (never comes), sim-leaves-5
    (leaves 5 s after the answer); sim-reports-booked, sim-metadata-booked, sim-callback-60, sim-dnc and sim-machine
    report it. By any other name nobody comes.
    """
    flags = {
        "--host": host,
        "--port": port,
        "--api-key": api_key,
        "--api-secret": api_secret,
        "--seed": seed,
        "--speed": speed,
        "--token-leeway": token_leeway,
        "--clock-offset": clock_offset,
        "--everyone": everyone,
        "--calls-per-second": calls_per_second,
        "--max-concurrent-calls": max_concurrent_calls,
        "--limits": limits,
        "--outages": outages,
        "--requests-per-minute": requests_per_minute,
        "--trunks": trunks,
        "--join-delay": join_delay,
        "--callbacks": callbacks,
        "--do-not-calls": do_not_calls,
        "--callback-after": callback_after,
    }
    arguments = [str(part) for flag, value in flags.items() if value is not None for part in (flag, value)]
    arguments += [part for url in webhook_url or [] for part in ("--webhook-url", url)]
    asyncio.run(_run(arguments, api_key=api_key, api_secret=api_secret, speed=speed))


async def _run(arguments: list[str], *, api_key: str, api_secret: str, speed: float) -> None:
    interrupts = Interrupts()
    interrupts.listen()
    process = await launch("simulator", *arguments, environment=environment_for(Settings()), stdout=PIPE)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if line:
            _show(json.loads(line)["url"], api_key=api_key, api_secret=api_secret, speed=speed)
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(interrupts.asked.wait())
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if ended.done() and not interrupts.asked.is_set():
            raise SimulatorEnded(f"the simulator {how_it_ended(ended.result())}")
    finally:
        await end(process)


def _show(url: str, *, api_key: str, api_secret: str, speed: float) -> None:
    """The variables on stdout, ready to be copied; the rest is talk."""
    variables = {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": api_key, "LIVEKIT_API_SECRET": api_secret}
    if speed != 1:
        variables["DIALER_TIME_SCALE"] = f"{speed:g}"
    say("The simulator is up. To dial through it, in another terminal:\n")
    for name, value in variables.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    say(
        f"dialer trunk add simulated --livekit-trunk {TRUNK} --calls-per-second 5 --max-concurrent-calls 20\n"
        "dialer call +12125550235 --trunk simulated\n\n"
        f"What the carrier has seen: {url}/carrier/record\n"
        f"Who is in the rooms: {url}/carrier/rooms\n"
        "Ctrl-C stops it."
    )
