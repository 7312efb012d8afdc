"""What commands write: data to stdout, talk to stderr, and questions only to a person who is there."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from console.errors import ExitCode
from dialer.errors import InvalidInput

#: The option that every command which prints has.
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
#: The option of every command that asks first.
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


def say(text: str) -> None:
    """Talk to the operator."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def put_json(data: object) -> None:
    """Print one JSON value."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def put(*parts: RenderableType) -> None:
    """Print for people, as wide as the terminal (80 columns where there is none)."""
    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def agree(question: str, *, yes: bool) -> bool:
    """Whether the operator agrees; ``yes`` has agreed already.

    Raises:
        InvalidInput: there is nobody to be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidInput("without a terminal nobody can be asked", hint="add --yes to do it without a question")
    try:
        return typer.confirm(question, default=False, err=True)
    except typer.Abort:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
