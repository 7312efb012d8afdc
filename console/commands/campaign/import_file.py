"""``dialer campaign import``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from console.commands.campaign.error_file import ErrorFile, place_for_errors
from console.commands.campaign.rules import Name
from console.commands.csv_options import CsvFile, ErrorsFile, PhoneColumn
from console.errors import ExitCode
from console.progress import Progress
from console.session import Session, run
from console.terminal import Json, put_json, say
from console.views.unserved import unserved_words
from dialer.actions.import_contacts import ContactFile, ImportReport, import_contacts
from dialer.domain.phone_number import mask
from dialer.domain.rejected_rows import RejectedRow
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.routes import count_unserved


def import_file(
    name: Name,
    file: CsvFile,
    phone_column: PhoneColumn = None,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Import nothing when any row cannot be called.")
    ] = False,
    errors: ErrorsFile = None,
    as_json: Json = False,
) -> None:
    """Import people from a CSV file.

    Rows that cannot be called are written to FILE.errors.csv with the reason, and the rest is imported. Importing the
    same file again changes nothing. The exit code is 3 when rows were refused.
    """
    error_file = ErrorFile(errors or place_for_errors(file))
    try:
        report, unserved = run(lambda session: _work(session, name, file, phone_column, error_file, all_or_nothing))
    finally:
        error_file.close()
    _tell(name, file, report, error_file)
    for line in unserved_words(unserved):
        say(line)
    if as_json:
        put_json({**_json(report, error_file), "unserved": unserved})
    raise typer.Exit(ExitCode.ROWS_REFUSED if report.rejected else ExitCode.DONE)


async def _work(
    session: Session, name: str, path: Path, phone_column: str | None, error_file: ErrorFile, all_or_nothing: bool
) -> tuple[ImportReport, dict[str, int]]:
    campaign = await find_campaign(session.ledger, name)
    file = ContactFile(path=path, country=campaign.country, phone_column=phone_column)
    if all_or_nothing:
        _refuse_if_any_is_bad(file, error_file)
    with Progress("rows imported") as progress:
        report = await import_contacts(
            session.ledger, campaign, file, on_rejected=error_file.add, on_progress=progress.at
        )
    return report, await count_unserved(session.ledger, campaign.id)


def _refuse_if_any_is_bad(file: ContactFile, error_file: ErrorFile) -> None:
    rows = 0
    with Progress("rows checked") as progress:
        for rows, row in enumerate(file.rows(), 1):
            if isinstance(row, RejectedRow):
                error_file.add(row)
            if rows % 1000 == 0:
                progress.at(rows)
    if error_file.rows:
        raise InvalidInput(
            f"{error_file.rows:,} of {rows:,} rows of {file.path.name} cannot be called, so nothing was imported",
            hint=f"{error_file.path} says which rows and why",
        )


def _tell(name: str, file: Path, report: ImportReport, error_file: ErrorFile) -> None:
    if report.again:
        say(f"{file.name} is in {name} already: nothing was changed.")
    counted = [
        f"{report.rows:,} rows: {report.contacts:,} {'person' if report.contacts == 1 else 'people'} imported",
        f"{report.duplicates:,} already there" if report.duplicates else "",
        f"{report.rejected:,} refused" if report.rejected else "",
    ]
    say(", ".join(part for part in counted if part) + ".")
    if report.suppressed:
        say(f"{_people_are(report.suppressed)} on the suppression list and will not be called.")
    if report.never_open:
        _tell_never_open(report)
    if report.rejected:
        say(f"The refused rows, with the reasons, are in {error_file.path}.")
    if report.contacts and not report.again:
        say(f"Next: dialer campaign start {shlex.quote(name)}")


def _tell_never_open(report: ImportReport) -> None:
    say(f"{_people_are(report.never_open)} never called: their hours do not open within 7 days, or before the end.")
    say("\n".join(f"  line {each.line}: {mask(each.number)}" for each in report.named))
    if len(report.named) < report.never_open:
        say("  ...")


def _people_are(count: int) -> str:
    return "1 person is" if count == 1 else f"{count:,} people are"


def _json(report: ImportReport, error_file: ErrorFile) -> dict[str, object]:
    return {
        "rows": report.rows,
        "rejected": report.rejected,
        "duplicates": report.duplicates,
        "contacts": report.contacts,
        "again": report.again,
        "error_file": str(error_file.path) if error_file.rows else None,
        "suppressed": report.suppressed,
        "never_open": report.never_open,
        "never_open_first": [{"line": each.line, "number": each.number} for each in report.named],
    }
