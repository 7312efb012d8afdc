"""Parts of a page."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

GENERATED = "<!-- Generated from the code by `make docs`: do not edit. -->"


def page_head(title: str, sentence: str) -> str:
    return f"{GENERATED}\n\n# {title}\n\n{sentence}"


def page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def duration(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
