"""``dialer campaign results``: one row for every contact, as it stands, also while the campaign runs."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from console.commands.campaign.rules import Name
from console.progress import Progress
from console.session import connected, open_ledger
from console.terminal import say
from dialer.domain.results_file import results_csv, results_json
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.reports import RESULT_COLUMNS, own_columns, stream_results
from dialer.ledger.session import Ledger

_ROWS_AT_ONCE = 2000

Result = tuple[dict[str, object], dict[str, str]]


class Format(StrEnum):
    """How results are written."""

    CSV = "csv"
    JSON = "json"


def results(
    name: Name,
    form: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.CSV,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")
    ] = None,
) -> None:
    """Write one row for every person: what became of them.

    The columns of their own file come last. Works at any time, also while the campaign runs. In CSV, cells that a
    spreadsheet would run as formulas get a ' before them.
    """
    with connected() as settings, asyncio.Runner() as runner:
        ledger = open_ledger(settings)
        runner.run(ledger.open())
        try:
            campaign = runner.run(find_campaign(ledger, name))
            own = _free_names(runner.run(own_columns(ledger, campaign.id)))
            rows = _rows(runner, ledger, campaign.id, own)
            columns = [*RESULT_COLUMNS, *own.values()]
            lines = results_json(rows) if as_json or form is Format.JSON else results_csv(rows, columns)
            with _opened(output) as file, closing(rows):
                file.writelines(lines)
        finally:
            runner.run(ledger.close())
    if output:
        say(f"Wrote {output}.")


def _rows(
    runner: asyncio.Runner, ledger: Ledger, campaign_id: int, own: dict[str, str]
) -> Generator[dict[str, object], None, None]:
    """The rows, taken off the ledger in bundles: the writers of files are not asynchronous."""
    stream = stream_results(ledger, campaign_id)
    done = 0
    try:
        with Progress("rows written") as progress:
            while bundle := runner.run(_take(stream)):
                for row, data in bundle:
                    yield row | {own.get(column, column): value for column, value in data.items()}
                done += len(bundle)
                progress.at(done)
    finally:
        runner.run(stream.aclose())  # whoever reads may have gone, as `| head` does


async def _take(stream: AsyncGenerator[Result, None]) -> Sequence[Result]:
    bundle: list[Result] = []
    async for row in stream:
        bundle.append(row)
        if len(bundle) == _ROWS_AT_ONCE:
            break
    return bundle


def _free_names(own: Sequence[str]) -> dict[str, str]:
    """The contacts' columns under names that are not ours: ``state`` becomes ``contact_state``."""
    taken = {*RESULT_COLUMNS, *own}
    names: dict[str, str] = {}
    for column in own:
        name = column
        while name in RESULT_COLUMNS or (name != column and name in taken):
            name = f"contact_{name}"
        taken.add(name)
        names[column] = name
    return names


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}", hint="name another file") from error
