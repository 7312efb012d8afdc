"""Who watches the demo: a person at a terminal, a log, or nobody."""

import sys
from typing import Self

from rich.console import Console, Group
from rich.live import Live

from console.terminal import say
from console.views.live import live_table, plain_line
from dialer.actions.look_at_campaign import Standing

FOOTER = "Ctrl-C ends the demo; nothing of it is left behind."


def choose_screen(*, as_json: bool) -> "LiveScreen | PlainScreen | Silence":
    """A table that moves where somebody can see it move; lines elsewhere; nothing beside JSON."""
    if as_json:
        return Silence()
    return LiveScreen() if sys.stderr.isatty() else PlainScreen()


class Silence:
    """Nobody watches."""

    pause = 1.0

    def note(self, text: str) -> None:
        """Not even that."""

    def show(self, standing: Standing, *, seconds: float) -> None:
        """Nor that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class PlainScreen(Silence):
    """A line a second on stderr."""

    def note(self, text: str) -> None:
        say(text)

    def show(self, standing: Standing, *, seconds: float) -> None:
        say(f"{seconds:4.0f} s  {plain_line(standing)}")


class LiveScreen(Silence):
    """A table on stderr that is drawn anew, and wiped away at the end."""

    pause = 0.25

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, transient=True, auto_refresh=False)

    def note(self, text: str) -> None:
        self._console.print(text)

    def show(self, standing: Standing, *, seconds: float) -> None:
        self._live.update(Group("", live_table(standing, footer=FOOTER)), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
