"""Commands that are imported when they are used: ``dialer campaign list`` does not pay for LiveKit's client."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(MutableMapping[str, Any]):  # Any: Typer's own class of commands is private to it
    """The commands of a group by name; where a text stands, as ``package.module:function``, it is yet to be loaded."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Any:
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = self._entries[name] = _load(name, entry)
        return entry

    def __setitem__(self, name: str, entry: Any) -> None:
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class SectionedCommand(TyperCommand):
    """Its help shows the options under their ``rich_help_panel``, which plain help would pass over."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # Any: Typer's own copies of click's classes
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or kind, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def noun(name: str, description: str, verbs: Mapping[str, str]) -> TyperGroup:
    """A group of commands: ``dialer NOUN VERB``."""
    group = TyperGroup(
        name=name, help=description, no_args_is_help=True, rich_markup_mode=None, context_settings=CONTEXT
    )
    group.commands = Commands(verbs)
    return group


def _load(name: str, place: str) -> Any:
    module, _, function = place.partition(":")
    single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
    single.command(name, cls=SectionedCommand)(getattr(import_module(module), function))
    return typer.main.get_command(single)
