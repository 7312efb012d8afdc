"""``commands.md``: every command, as the command itself knows it.

``Any`` stands where Typer's own classes are private to it.
"""

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from console import errors
from console.cli import command
from console.reference.markdown import page, page_head, table

USAGE_COLUMNS = 80


def commands() -> str:
    """Every command with its arguments and options."""
    parts = [
        page_head("Commands", "Every command with its arguments and options, as `--help` tells it."),
        "Data goes to stdout, talk to stderr. Exit codes:",
        exit_codes(),
    ]
    for name, found in leaves(command(), "dialer"):
        usage = wrapped([name, *(usage_of(parameter) for parameter in found.params)])
        parts += [f"## `{name}`", paragraphs(found.help), f"```text\n{usage}\n```"]
        if rows := [parameter_row(parameter) for parameter in found.params if parameter.name != "help"]:
            parts.append(table(("argument or option", "default", "meaning"), rows))
    return page(parts)


def exit_codes() -> str:
    """The table that the docstring of ``console.errors`` holds."""
    lines = [line.split(maxsplit=1) for line in (inspect.getdoc(errors) or "").splitlines()]
    return table(("code", "meaning"), [(line[0], line[1]) for line in lines if len(line) == 2 and line[0].isdigit()])


def leaves(group: Any, name: str) -> Iterator[tuple[str, Any]]:  # Any: Typer's own classes are private to it
    """Every command below a group, with its whole name."""
    for word, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, f"{name} {word}")
        else:
            yield f"{name} {word}", found


def wrapped(words: Iterable[str]) -> str:
    """The words in lines; none is broken."""
    held = " ".join(word.replace(" ", "\0") for word in words)
    return textwrap.fill(held, USAGE_COLUMNS, subsequent_indent="    ", break_on_hyphens=False).replace("\0", " ")


def usage_of(parameter: Any) -> str:
    if is_argument(parameter):
        return str(parameter.metavar or parameter.name.upper())
    word = parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {value_word(parameter)}"
    return word if parameter.required else f"[{word}]"


def parameter_row(parameter: Any) -> tuple[str, str, str]:
    if is_argument(parameter):
        return f"`{usage_of(parameter)}`", "required" if parameter.required else "", parameter.help or ""
    word = ", ".join(parameter.opts) + ("" if parameter.is_flag else f" {value_word(parameter)}")
    if parameter.required:
        default = "required"
    elif parameter.is_flag or parameter.default is None:
        default = ""
    else:
        default = f"`{getattr(parameter.default, 'value', parameter.default)}`"
    return f"`{word}`", default, f"{parameter.help or ''} {bounds(parameter)}".strip()


def is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def value_word(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "|".join(annotation)
    return "NUMBER" if annotation in (int, float) else "TEXT"


def bounds(parameter: Any) -> str:
    match parameter.min, parameter.max:
        case None, None:
            return ""
        case least, None:
            return f"At least {least}."
        case None, most:
            return f"At most {most}."
        case least, most:
            return f"From {least} to {most}."


def paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
