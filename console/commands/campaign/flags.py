"""Options that several commands share, declared once: a dataclass whose fields are the options.

``takes`` gives a command the options of such dataclasses, and hands it the filled ones.
"""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

Flags = TypeVar("Flags")


def takes(flags: type[Flags]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's parameter ``options`` by the options of ``flags``, a dataclass of such dataclasses."""
    groups: dict[str, Any] = {group.name: group.type for group in fields(flags)}  # type: ignore[arg-type]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:  # Any: what Typer has parsed
            filled = {
                name: group(**{option.name: given.pop(option.name) for option in fields(group)})
                for name, group in groups.items()
            }
            command(**given, options=flags(**filled))

        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
        parameters = _parameters(command, list(groups.values()))
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _parameters(command: Callable[..., None], groups: list[Any]) -> list[inspect.Parameter]:
    own = inspect.signature(command).parameters
    options = [
        inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type)
        for group in groups
        for option in fields(group)
    ]
    kept = {name: own[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in own}
    first = [kept[name] for name in kept if name != "options" and kept[name].default is inspect.Parameter.empty]
    last = [kept[name] for name in kept if name != "options" and kept[name].default is not inspect.Parameter.empty]
    return [*first, *options, *last]
