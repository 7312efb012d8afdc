"""Imports a contact file into a campaign: streaming, in chunks, each chunk one transaction.

Importing the same file twice changes nothing, and an import that was cut goes on where it stopped: the ledger knows the
file, read in this way, by a SHA-256 and up to which line it is in.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from dialer.domain.campaign import CampaignState
from dialer.domain.contact_file import ContactRow, RejectedRow, decode_lines, read_contacts
from dialer.errors import Conflict, InvalidInput
from dialer.ledger.campaigns import Campaign
from dialer.ledger.contacts import Import, NewContact, begin_import, finish_import, import_chunk
from dialer.ledger.session import Ledger

CHUNK_ROWS = 20_000
_READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactFile:
    """A file on this machine and how to read it."""

    path: Path
    country: str | None
    phone_column: str | None

    def rows(self) -> Iterator[ContactRow | RejectedRow]:
        """Its rows, read as they are asked for.  InvalidInput when the file as a whole cannot be used."""
        lines = decode_lines(self._blocks(), self.path.name)
        return read_contacts(lines, country=self.country, phone_column=self.phone_column, name=self.path.name)

    def sha256(self) -> str:
        """Of what is in it and how it is read: with another country or column, the same file is another import."""
        digest = hashlib.sha256(f"{self.country}/{self.phone_column}/".encode())
        for block in self._blocks():
            digest.update(block)
        return digest.hexdigest()

    def _blocks(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    yield block
        except OSError as error:
            raise InvalidInput(
                f"{self.path}: {error.strerror or error}", hint="give the path of a CSV file this user may read"
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of the file's rows; ``again`` when the very file was in the campaign already."""

    rows: int
    rejected: int
    duplicates: int
    contacts: int
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
    standing = await begin_import(ledger, campaign.id, sha256=file.sha256(), file_name=file.path.name)
    again = standing.finished_at is not None
    for chunk in _chunks(first, rows, on_rejected, skip_to=standing.last_line):
        standing = await _write(ledger, campaign.id, standing, chunk)
        on_progress(standing.rows)
    await finish_import(ledger, standing.id)
    return ImportReport(
        rows=standing.rows,
        rejected=standing.rejected,
        duplicates=standing.duplicates,
        contacts=standing.contacts,
        again=again,
    )


def count_rejected(file: ContactFile, *, most: int) -> list[RejectedRow]:
    """Read the whole file and return up to ``most`` rows that cannot be called; nothing is imported."""
    return list(islice((row for row in file.rows() if isinstance(row, RejectedRow)), most))


async def _write(ledger: Ledger, campaign_id: int, standing: Import, chunk: _Chunk) -> Import:
    return await import_chunk(
        ledger,
        standing.id,
        campaign_id,
        chunk.contacts,
        rows=chunk.rows,
        rejected=chunk.rejected,
        after_line=standing.last_line,
        last_line=chunk.last_line,
    )


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
    return NewContact(line=row.line, number=row.number.e164, data=data)
