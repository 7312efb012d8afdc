"""The options of commands that import a CSV file."""

from pathlib import Path
from typing import Annotated

import typer

CsvFile = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file; its first line names the columns.")]
PhoneColumn = Annotated[str | None, typer.Option("--phone-column", metavar="NAME", help="The column of the numbers.")]
ErrorsFile = Annotated[
    Path | None,
    typer.Option("--errors", metavar="FILE", help="Where to write the rows that are refused, and why."),
]
