"""``dialer call``: one call to one's own phone, the whole way, before strangers are called."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from console.errors import ExitCode
from console.interrupts import Interrupted, Interrupts
from console.one_call import OneCall, make_one_call, running_campaigns
from console.open_line import open_line
from console.servers import data_path, up_lock
from console.session import connected, open_ledger
from console.supervisor import FEEDER, RESCUER, Supervisor, caller_roles, raise_open_files_limit
from console.terminal import Yes, agree, put, say
from console.views.layout import details
from dialer.actions.check_line import check_way
from dialer.config import Settings
from dialer.domain.phone_number import NumberProblem, parse_number
from dialer.domain.route import route_of
from dialer.domain.trunk import Trunk, check_caller_id
from dialer.errors import Conflict, InvalidInput
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import find_trunk

#: One call costs next to nothing to look after: its end is noticed sooner than thousands of calls' would be.
LOOK_SECONDS = 2.0
LOG_NAME = "call.log"


def call(
    number: Annotated[str, typer.Argument(help="The number to dial, as +14155550123.", metavar="NUMBER")],
    trunk: Annotated[str, typer.Option("--trunk", help="The trunk to dial through, by its name here.")],
    caller_id: Annotated[str | None, typer.Option("--caller-id", help="The number shown, if not the trunk's.")] = None,
    ringing_timeout: Annotated[int, typer.Option("--ringing-timeout", min=1, max=65, help="Seconds it may ring.")] = 30,
    talk_limit: Annotated[int, typer.Option("--talk-limit", min=1, max=86_400, help="Seconds it may last.")] = 60,
    yes: Yes = False,
) -> None:
    """Call one number, and tell each step.

    It goes the whole way that a campaign's calls go: try your own phone before you call others. The exit code is 0
    when it was answered and 5 when it was not.
    """
    wanted = _number(number)
    shown = check_caller_id(caller_id)
    raise_open_files_limit()
    with connected() as settings, _alone(settings) as alone:
        planned = asyncio.run(
            _plan(
                settings,
                trunk,
                number=wanted,
                caller_id=shown,
                ringing_timeout=timedelta(seconds=ringing_timeout),
                talk_limit=timedelta(seconds=talk_limit),
                alone=alone,
            )
        )
        _show(planned)
        if not agree("Call it now?", yes=yes):
            say("Nothing was dialed.")
            raise typer.Exit(ExitCode.REFUSED)
        raise typer.Exit(asyncio.run(_run(settings, planned, alone=alone)))


def _number(text: str) -> str:
    parsed = parse_number(text, country=None)
    if isinstance(parsed, NumberProblem):
        raise InvalidInput(f"{text} cannot be called: {parsed.message}", hint="write it as +14155550123")
    return parsed.e164


@contextmanager
def _alone(settings: Settings) -> Iterator[bool]:
    """Whether no ``dialer up`` runs here; then none can start before this is over."""
    with ExitStack() as stack:
        alone = True
        try:
            stack.enter_context(up_lock(settings))
        except Conflict:
            alone = False
        yield alone


async def _plan(
    settings: Settings,
    trunk_name: str,
    *,
    number: str,
    caller_id: str | None,
    ringing_timeout: timedelta,
    talk_limit: timedelta,
    alone: bool,
) -> OneCall:
    """Look at everything that has to be in order.

    Raises:
        InvalidInput: LiveKit is not set, or does not know the trunk.
        NotFound: there is no such trunk here.
        Conflict: to run a feeder for this call would set other campaigns going.
        LineUnavailable: LiveKit does not answer.
    """
    async with open_line(settings) as line, _ledger(settings) as ledger:
        trunk = await find_trunk(ledger, trunk_name)
        shown = caller_id or trunk.caller_id
        _check_served(trunk, number)
        if warning := check_way(await line.outbound_trunks(), trunk, caller_id=shown):
            say(f"warning: {warning}")
        if alone and (running := await running_campaigns(ledger)):
            raise Conflict(
                f"no `dialer up` is running, and to call this number would set {_campaigns(running)} going as well",
                hint="start `dialer up` if that is what you want, or pause what is running first",
            )
    return OneCall(number=number, trunk=trunk, caller_id=shown, ringing_timeout=ringing_timeout, talk_limit=talk_limit)


def _check_served(trunk: Trunk, number: str) -> None:
    if trunk.serves and not route_of(number, trunk.serves):
        raise InvalidInput(
            f"trunk {trunk.name!r} carries only numbers that begin with {', '.join(trunk.serves)}",
            hint=f"take another trunk, or `dialer trunk edit {shlex.quote(trunk.name)} --serves any`",
        )


def _campaigns(count: int) -> str:
    return "a running campaign" if count == 1 else f"{count} running campaigns"


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[Ledger]:
    ledger = open_ledger(settings)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


def _show(planned: OneCall) -> None:
    put(
        details(
            [
                ("number", planned.number),
                ("trunk", f"{planned.trunk.name} ({planned.trunk.address})"),
                ("caller ID", planned.caller_id or "LiveKit's choice"),
                ("rings for", f"{planned.ringing_timeout.total_seconds():.0f} s at most"),
                ("lasts", f"{planned.talk_limit.total_seconds():.0f} s at most"),
            ]
        )
    )


async def _run(settings: Settings, planned: OneCall, *, alone: bool) -> ExitCode:
    interrupts = Interrupts()
    interrupts.listen()
    async with _ledger(settings) as ledger, _workers(settings, interrupts, alone=alone):
        try:
            answered = await interrupts.run(make_one_call(ledger, planned, _Steps()))
        except Interrupted:
            waits = (
                "a phone that rings is waited for, Ctrl-C again does not wait" if alone else "`dialer up` follows it"
            )
            say(f"Stopped. The number is not dialed again; {waits}.")
            return ExitCode.INTERRUPTED
    return ExitCode.DONE if answered else ExitCode.NOT_ANSWERED


class _Steps:
    """Prints each step with the seconds since the first."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, step: str, words: str) -> None:
        put(f"{time.monotonic() - self._began:7.1f} s  {step:<9}  {words}")


@asynccontextmanager
async def _workers(settings: Settings, interrupts: Interrupts, *, alone: bool) -> AsyncIterator[None]:
    """Feeder, rescuer and one caller of our own, unless ``dialer up`` has some."""
    if not alone:
        say("`dialer up` is running here: its workers make this call.")
        yield
        return
    quick = settings.model_copy(update={"look_seconds": settings.look_seconds or LOOK_SECONDS})
    log = data_path(settings) / "logs" / LOG_NAME
    with log.open("ab") as stream:
        supervisor = Supervisor(quick, tell=say, log=stream)
        say(f"No `dialer up` is running here: own workers make this call; they log to {log}.")
        try:
            await supervisor.start([FEEDER, RESCUER, *caller_roles(1)])
            yield
        finally:
            await supervisor.stop(interrupts.at_once)
