"""The ``dialer`` command: which commands there are, and how a fault of any of them is told."""

import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer

from console.command_table import CONTEXT, Commands, noun
from console.errors import ExitCode, exit_code_of, tell
from dialer.errors import DialerError

_CAMPAIGN = "console.commands.campaign"
_TRUNK = "console.commands.trunk"
_SUPPRESSION = "console.commands.suppression"

COMMANDS: dict[str, Any] = {  # Any: a place, or a group of Typer's
    "up": "console.commands.up:up",
    "demo": "console.commands.demo:demo",
    "simulator": "console.commands.simulator:simulator",
    "call": "console.commands.call:call",
    "trunk": noun(
        "trunk",
        "The SIP trunks of your LiveKit, and what each allows.",
        {
            "add": f"{_TRUNK}.add:add",
            "list": f"{_TRUNK}.list:list_all",
            "show": f"{_TRUNK}.show:show",
            "edit": f"{_TRUNK}.edit:edit",
            "remove": f"{_TRUNK}.remove:remove",
            "probe": f"{_TRUNK}.probe:probe",
            "resume": f"{_TRUNK}.resume:resume",
            "presets": f"{_TRUNK}.presets:presets",
        },
    ),
    "account": noun(
        "account",
        "Carriers' accounts: limits that all their trunks share.",
        {verb: f"console.commands.account:{verb}_account" for verb in ("add", "list", "show", "edit", "remove")},
    ),
    "livekit": noun(
        "livekit",
        "The LiveKit project: its quota of requests.",
        {"show": "console.commands.livekit:show", "edit": "console.commands.livekit:edit"},
    ),
    "campaign": noun(
        "campaign",
        "Lists of people to be called under one set of rules.",
        {
            "create": f"{_CAMPAIGN}.create:create",
            "import": f"{_CAMPAIGN}.import_file:import_file",
            "start": f"{_CAMPAIGN}.start:start",
            "watch": f"{_CAMPAIGN}.watch:watch",
            "show": f"{_CAMPAIGN}.show:show",
            "list": f"{_CAMPAIGN}.list:list_campaigns",
            "pause": f"{_CAMPAIGN}.moves:pause",
            "resume": f"{_CAMPAIGN}.moves:resume",
            "cancel": f"{_CAMPAIGN}.moves:cancel",
            "results": f"{_CAMPAIGN}.results:results",
            "edit": f"{_CAMPAIGN}.edit:edit",
        },
    ),
    "contact": noun("contact", "What happened to one person.", {"explain": "console.commands.contact:explain"}),
    "suppression": noun(
        "suppression",
        "Numbers that are never called.",
        {
            "add": f"{_SUPPRESSION}.add:add",
            "remove": f"{_SUPPRESSION}.add:remove",
            "list": f"{_SUPPRESSION}.look:list_entries",
            "import": f"{_SUPPRESSION}.import_file:import_file",
            "check": f"{_SUPPRESSION}.look:check",
        },
    ),
    "reclassify": "console.commands.reclassify:reclassify",
    "doctor": "console.commands.doctor:doctor",
    "audit": "console.commands.audit:audit",
    "data": noun(
        "data",
        "The folder of the embedded PostgreSQL and Redis.",
        {"path": "console.commands.data:path", "remove": "console.commands.data:remove"},
    ),
}

_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, context_settings=CONTEXT)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"dialer {version('livekit-campaign-dialer')}\n")
        raise typer.Exit


@_app.callback()
def dialer(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Call everybody on a list, at the speed your line allows, and show for every row what happened.

    \b
    Try it without a carrier:
      dialer demo
    \b
    Call people:
      dialer up                                     (in another terminal)
      dialer trunk add main --livekit-trunk ST_... --calls-per-second 5 \\
          --max-concurrent-calls 20
      dialer campaign create may --trunk main --country US
      dialer campaign import may people.csv
      dialer campaign start may
      dialer campaign watch may
    """


def command() -> Any:  # Any: Typer's own class of commands is private to it
    """The whole command, with every group; what it prints as help is generated from here."""
    group = typer.main.get_command(_app)
    group.commands = Commands(COMMANDS)  # type: ignore[attr-defined]  # it is a group: it has a callback
    return group


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        command()(args=list(arguments), prog_name="dialer")
    except DialerError as error:
        tell(error, as_json="--json" in arguments)
        return exit_code_of(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.UNAVAILABLE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    return ExitCode.DONE


def main() -> None:
    """The entry point."""
    if not sys.warnoptions:  # words for programmers, as that LiveKit's development secret is short
        warnings.simplefilter("ignore")
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
