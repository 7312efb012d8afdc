"""Contacts in the ledger: imports, chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Json

from dialer.ledger.session import Ledger, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One file in one campaign.  ``rows`` = ``rejected`` + ``duplicates`` + ``contacts``.

    Attributes:
        last_line: rows up to this line of the file are in.
        finished_at: None while it goes on, or when it was cut.
    """

    id: int
    rows: int
    rejected: int
    duplicates: int
    contacts: int
    last_line: int
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewContact:
    """A contact as it comes out of a file."""

    line: int
    number: str
    data: dict[str, str]


_COLUMNS = "id, rows, rejected, duplicates, contacts, last_line, finished_at"


async def begin_import(ledger: Ledger, campaign_id: int, *, sha256: str, file_name: str) -> Import:
    """The import of this very file into this campaign: a new one, or the one that is there."""
    row = await ledger.row(
        f"""/* begin_import */
        INSERT INTO imports (campaign_id, sha256, file_name) VALUES (%(campaign)s, %(sha)s, %(name)s)
        ON CONFLICT (campaign_id, sha256) DO UPDATE SET file_name = imports.file_name
        RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
        {"campaign": campaign_id, "sha": sha256, "name": file_name},
    )
    assert row is not None
    return Import(**row)


async def import_chunk(
    ledger: Ledger,
    import_id: int,
    campaign_id: int,
    contacts: Sequence[NewContact],
    *,
    rows: int,
    rejected: int,
    after_line: int,
    last_line: int,
) -> Import:
    """Write one chunk: contacts, their call jobs and the import's figures, in one transaction.

    A number that is in the campaign already is a duplicate.  A chunk that another process has written meanwhile (the
    import stands no longer at ``after_line``) is left alone.
    """
    async with ledger.transaction() as transaction:
        before = await _lock_import(transaction, import_id)
        if before.last_line != after_line:
            return before
        fresh = await _copy_in(transaction, import_id, campaign_id, contacts)
        row = await transaction.row(
            f"""/* import_chunk */
            UPDATE imports SET rows = rows + %(rows)s, rejected = rejected + %(rejected)s,
                contacts = contacts + %(fresh)s, duplicates = duplicates + %(duplicates)s, last_line = %(last)s
            WHERE id = %(id)s RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
            {
                "id": import_id,
                "rows": rows,
                "rejected": rejected,
                "fresh": fresh,
                "duplicates": len(contacts) - fresh,
                "last": last_line,
            },
        )
        assert row is not None
        return Import(**row)


async def _lock_import(transaction: Transaction, import_id: int) -> Import:
    row = await transaction.row(
        f"/* import_chunk */ SELECT {_COLUMNS} FROM imports WHERE id = %(id)s FOR UPDATE",  # noqa: S608
        {"id": import_id},
    )
    assert row is not None
    return Import(**row)


async def _copy_in(transaction: Transaction, import_id: int, campaign_id: int, contacts: Sequence[NewContact]) -> int:
    await transaction.rows(
        "/* import_chunk */ CREATE TEMP TABLE incoming (line int, number text, data json) ON COMMIT DROP"
    )
    async with (
        transaction.connection.cursor() as cursor,
        cursor.copy("/* import_chunk */ COPY incoming (line, number, data) FROM STDIN") as copy,
    ):
        for contact in contacts:
            await copy.write_row((contact.line, contact.number, Json(contact.data)))
    row = await transaction.row(
        """/* import_chunk */
        WITH fresh AS (
            INSERT INTO contacts (campaign_id, import_id, line, number, data)
            SELECT %(campaign)s, %(import)s, line, number, data
            FROM (SELECT DISTINCT ON (number) * FROM incoming ORDER BY number, line) AS first_of_number
            ORDER BY line
            ON CONFLICT (campaign_id, number) DO NOTHING
            RETURNING id, campaign_id, number
        ), jobs AS (
            INSERT INTO call_jobs (id, campaign_id, number) SELECT id, campaign_id, number FROM fresh ORDER BY id
            RETURNING id
        )
        SELECT count(*) AS fresh FROM jobs""",
        {"campaign": campaign_id, "import": import_id},
    )
    assert row is not None
    return int(row["fresh"])


async def finish_import(ledger: Ledger, import_id: int) -> None:
    await ledger.changed(
        "/* finish_import */ UPDATE imports SET finished_at = now() WHERE id = %(id)s AND finished_at IS NULL",
        {"id": import_id},
    )
