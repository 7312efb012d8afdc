"""``dialer suppression import``."""

from typing import Annotated

import typer

from console.commands.campaign.error_file import ErrorFile, place_for_errors
from console.commands.csv_options import CsvFile, ErrorsFile, PhoneColumn
from console.commands.suppression.options import (
    CampaignName,
    Country,
    campaign_of,
    country_of,
    everyone,
    waiting_finished,
)
from console.errors import ExitCode
from console.progress import Progress
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.actions.suppress_number import SuppressionFile, SuppressionImport, import_suppressions
from dialer.domain.suppression import check_reason
from dialer.domain.suppression_file import Defaults


def import_file(
    file: CsvFile,
    campaign: CampaignName = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Of rows that give none.")] = "",
    country: Country = None,
    phone_column: PhoneColumn = None,
    errors: ErrorsFile = None,
    as_json: Json = False,
) -> None:
    """Never call the numbers of a CSV file again.

    Beside the numbers, the columns reason, until and prefix (yes or no) are read, and all others passed over. Rows that
    are no numbers are written to FILE.errors.csv with the reason, and the rest goes on the list. Importing the same
    file again changes nothing. The exit code is 3 when rows were refused.
    """
    error_file = ErrorFile(errors or place_for_errors(file))
    checked = check_reason(reason)

    async def work(session: Session) -> SuppressionImport:
        found = await campaign_of(session, campaign)
        defaults = Defaults(
            country=country_of(country, found),
            campaign_id=found.id if found else None,
            reason=checked,
            now=await session.ledger.now(),
        )
        source = SuppressionFile(path=file, phone_column=phone_column, defaults=defaults)
        with Progress("rows read") as progress:
            return await import_suppressions(
                session.ledger, source, on_rejected=error_file.add, on_progress=progress.at
            )

    try:
        report = run(work)
    finally:
        error_file.close()
    _tell(report, campaign, error_file)
    if as_json:
        put_json(_json(report, error_file))
    raise typer.Exit(ExitCode.ROWS_REFUSED if report.rejected else ExitCode.DONE)


def _tell(report: SuppressionImport, campaign: str | None, error_file: ErrorFile) -> None:
    counted = [
        f"{report.rows:,} rows: {report.added:,} put on the list {everyone(campaign)}",
        f"{report.changed:,} on it already got a later end or a reason" if report.changed else "",
        f"{report.unchanged:,} on it already" if report.unchanged else "",
        f"{report.rejected:,} refused" if report.rejected else "",
    ]
    say(", ".join(part for part in counted if part) + ".")
    if told := waiting_finished(report.finished):
        say(told)
    if report.rejected:
        say(f"The refused rows, with the reasons, are in {error_file.path}.")


def _json(report: SuppressionImport, error_file: ErrorFile) -> dict[str, object]:
    return {
        "rows": report.rows,
        "rejected": report.rejected,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "finished": report.finished,
        "error_file": str(error_file.path) if error_file.rows else None,
    }
