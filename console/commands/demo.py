"""``dialer demo``: the whole dialer on a simulated line, with a judge, in a minute and without any set-up."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from console.demo_run import Finding, Screen, Wanted, play
from console.demo_screen import choose_screen
from console.demo_stage import open_stage
from console.errors import ExitCode
from console.interrupts import Interrupted, Interrupts
from console.supervisor import raise_open_files_limit
from console.terminal import Json, put, put_json, say
from console.views.demo_report import demo_json, demo_report
from dialer.errors import DialerError
from dialer.logs import set_up_logs

MOST_CONTACTS = 20_000
LOG_NAME = "dialer-demo.log"


def demo(
    contacts: Annotated[int, typer.Option("--contacts", min=1, max=MOST_CONTACTS, help="How many people.")] = 300,
    seed: Annotated[int, typer.Option("--seed", help="The same seed: the same people, with the same fates.")] = 42,
    speed: Annotated[
        float, typer.Option("--speed", min=0.1, max=100, help="20: a minute on the line takes 3 seconds.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Call invented people over a simulated line, and judge it.

    No account is needed and nobody real is called: PostgreSQL, Redis, LiveKit and the carrier are the demo's own, and
    are gone afterwards. At the end the ledger is compared with what the carrier saw. The exit code is 0 when the two
    agree and 1 when anything is not as promised.
    """
    wanted = Wanted(contacts=contacts, seed=seed, speed=speed)
    raise typer.Exit(asyncio.run(_run(wanted, as_json=as_json)))


async def _run(wanted: Wanted, *, as_json: bool) -> ExitCode:
    interrupts = Interrupts()
    interrupts.listen()
    set_up_logs(process="demo", level="error")
    raise_open_files_limit()
    try:
        with choose_screen(as_json=as_json) as screen:
            finding = await interrupts.run(_play(wanted, screen))
    except Interrupted:
        say("Stopped; the demo has left nothing behind.")
        return ExitCode.INTERRUPTED
    if as_json:
        put_json(demo_json(wanted, finding))
    else:
        put(demo_report(finding))
    return ExitCode.UNAVAILABLE if finding.problems else ExitCode.DONE


async def _play(wanted: Wanted, screen: Screen) -> Finding:
    """Play on a stage of our own.  When that goes wrong, what the processes had to say is kept."""
    async with open_stage(seed=wanted.seed, speed=wanted.speed, tell=screen.note) as stage:
        try:
            finding = await play(stage, wanted, screen)
        except DialerError:
            _keep_log(stage.log)
            raise
        if finding.problems:
            _keep_log(stage.log)
        return finding


def _keep_log(log: Path) -> None:
    kept = Path(tempfile.gettempdir()) / LOG_NAME
    shutil.copyfile(log, kept)
    say(f"What the demo's processes logged is in {kept}.")
