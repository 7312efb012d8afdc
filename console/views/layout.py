"""Tables and lists as all commands draw them: no frames, and nothing said by colour alone."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> Table:
    """A table under headings; ``right``: the places of columns of figures."""
    figures = set(right)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, column in enumerate(columns):
        drawn.add_column(column, justify="right" if place in figures else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def details(pairs: Iterable[tuple[str, str]], *, indent: int = 2) -> Table:
    """Label and value, line by line; an empty value leaves its line out."""
    drawn = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, value in pairs:
        if value:
            drawn.add_row(Text(" " * indent + label), Text(value))
    return drawn


def heading(text: str) -> Text:
    return Text(text, style="bold")


def share(part: int, whole: int) -> str:
    """``12 %``; ``<1 %`` is not nothing; of nothing it is empty."""
    if not whole:
        return ""
    return "<1 %" if 0 < part / whole < 0.005 else f"{part / whole:.0%}".replace("%", " %")
