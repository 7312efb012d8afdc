"""Imports a contact file into a campaign: streaming, in chunks, each chunk one transaction.

Importing the same file twice changes nothing, and an import that was cut goes on where it stopped: the ledger knows the
file, read in this way, by a SHA-256 and up to which line it is in.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from dialer.actions.read_file import read_blocks
from dialer.domain.calling_window import CallingHours, Opening
from dialer.domain.campaign import CampaignState
from dialer.domain.contact_file import ContactRow, read_contacts
from dialer.domain.csv_lines import decode_lines
from dialer.domain.dial_options import is_dial_column
from dialer.domain.rejected_rows import RejectedRow
from dialer.domain.time_zones import zones_of_number
from dialer.errors import Conflict, InvalidInput
from dialer.ledger.campaigns import Campaign, read_campaigns
from dialer.ledger.closed_jobs import forget_windows
from dialer.ledger.contacts import (
    NAMED,
    Import,
    NeverOpen,
    NewContact,
    begin_import,
    finish_import,
    import_chunk,
    note_dial_columns,
)
from dialer.ledger.session import Ledger

CHUNK_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactFile:
    """A file on this machine and how to read it."""

    path: Path
    country: str | None
    phone_column: str | None

    def rows(self) -> Iterator[ContactRow | RejectedRow]:
        """Its rows, read as they are asked for.  InvalidInput when the file as a whole cannot be used."""
        lines = decode_lines(read_blocks(self.path), self.path.name)
        return read_contacts(lines, country=self.country, phone_column=self.phone_column, name=self.path.name)

    def sha256(self) -> str:
        """Of what is in it and how it is read: with another country or column, the same file is another import."""
        digest = hashlib.sha256(f"{self.country}/{self.phone_column}/".encode())
        for block in read_blocks(self.path):
            digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of the file's rows.

    Attributes:
        suppressed, never_open: of the contacts; they will not be called.
        named: the first contacts whose hours do not open; none of an earlier run that was cut.
        again: the very file was in the campaign already.
    """

    rows: int
    rejected: int
    duplicates: int
    contacts: int
    suppressed: int
    never_open: int
    named: tuple[NeverOpen, ...]
    again: bool


@dataclass(slots=True)
class _Chunk:
    rows: int = 0
    rejected: int = 0
    last_line: int = 0
    contacts: list[NewContact] = field(default_factory=list)


async def import_contacts(
    ledger: Ledger,
    campaign: Campaign,
    file: ContactFile,
    *,
    on_rejected: Callable[[RejectedRow], None] = lambda row: None,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> ImportReport:
    """Import a file.  A bad row is handed to ``on_rejected`` and the rest goes on; every row is counted once.

    Args:
        on_progress: called with the rows done so far, after each chunk.

    Raises:
        InvalidInput: the file cannot be read or has no phone column; nothing is imported of a file without one.
        Conflict: the campaign is cancelled.
    """
    if campaign.state is CampaignState.CANCELLED:
        raise Conflict(f"campaign {campaign.name!r} is cancelled", hint="create a new campaign for these contacts")
    rows = file.rows()
    first = next(rows, None)
    if first is None:
        raise InvalidInput(f"{file.path.name} has a header and no rows", hint="is it the right file?")
    if any(is_dial_column(column) for column in first.data):
        await note_dial_columns(ledger, campaign.id)
    standing = await begin_import(ledger, campaign.id, sha256=file.sha256(), file_name=file.path.name)
    again = standing.finished_at is not None
    named: list[NeverOpen] = []
    for chunk in _chunks(first, rows, on_rejected, skip_to=standing.last_line):
        standing = await _write(ledger, campaign, standing, chunk, named)
        on_progress(standing.rows)
    await finish_import(ledger, standing.id)
    await _follow_an_edit(ledger, campaign)
    return _report(standing, named, again=again)


async def _follow_an_edit(ledger: Ledger, campaign: Campaign) -> None:
    """Hours that were changed while the import ran could not be seen by it, nor the import's last chunk by the edit."""
    for now in await read_campaigns(ledger, [campaign.id]):
        if now.hours.is_other_than(campaign.hours):
            await forget_windows(ledger, campaign.id)


def _report(standing: Import, named: list[NeverOpen], *, again: bool) -> ImportReport:
    return ImportReport(
        rows=standing.rows,
        rejected=standing.rejected,
        duplicates=standing.duplicates,
        contacts=standing.contacts,
        suppressed=standing.suppressed,
        never_open=standing.never_open,
        named=tuple(named[:NAMED]),
        again=again,
    )


def count_rejected(file: ContactFile, *, most: int) -> list[RejectedRow]:
    """Read the whole file and return up to ``most`` rows that cannot be called; nothing is imported."""
    return list(islice((row for row in file.rows() if isinstance(row, RejectedRow)), most))


async def _write(ledger: Ledger, campaign: Campaign, standing: Import, chunk: _Chunk, named: list[NeverOpen]) -> Import:
    written = await import_chunk(
        ledger,
        standing.id,
        campaign.id,
        chunk.contacts,
        rows=chunk.rows,
        rejected=chunk.rejected,
        after_line=standing.last_line,
        last_line=chunk.last_line,
        openings=await _openings(ledger, campaign.hours, chunk.contacts),
    )
    named += written.never_open
    return written.standing


async def _openings(ledger: Ledger, hours: CallingHours, contacts: list[NewContact]) -> dict[str, Opening | None]:
    if hours.are_any_time:
        return {}
    now = await ledger.now()
    return {zones: hours.next_opening(now, zones) for zones in {contact.zones for contact in contacts}}


def _chunks(
    first: ContactRow | RejectedRow,
    rest: Iterator[ContactRow | RejectedRow],
    on_rejected: Callable[[RejectedRow], None],
    *,
    skip_to: int,
) -> Iterator[_Chunk]:
    """Chunks of the rows behind line ``skip_to``; rejected rows before it are handed out again, for the error file."""
    chunk = _Chunk()
    for row in chain([first], rest):
        if isinstance(row, RejectedRow):
            on_rejected(row)
        if row.line <= skip_to:
            continue
        chunk.rows += 1
        chunk.last_line = row.line
        if isinstance(row, RejectedRow):
            chunk.rejected += 1
        else:
            chunk.contacts.append(_contact(row))
        if chunk.rows == CHUNK_ROWS:
            yield chunk
            chunk = _Chunk()
    if chunk.rows:
        yield chunk


def _contact(row: ContactRow) -> NewContact:
    data = row.data
    if row.number.extension and "extension" not in data:
        data = {**data, "extension": row.number.extension}
    zones = row.zone or ",".join(zones_of_number(row.number.e164))
    return NewContact(line=row.line, number=row.number.e164, data=data, zones=zones)
