"""Contacts in the ledger: imports, chunk by chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Json

from dialer.domain.calling_window import Opening
from dialer.ledger.routes import CLASSES_LOCK
from dialer.ledger.session import Ledger, Row, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One file in one campaign.  ``rows`` = ``rejected`` + ``duplicates`` + ``contacts``.

    Attributes:
        suppressed: of the contacts: finished at once, because they are on the suppression list.
        never_open: of the contacts: finished at once, because their hours do not open.
        last_line: rows up to this line of the file are in.
        finished_at: None while it goes on, or when it was cut.
    """

    id: int
    rows: int
    rejected: int
    duplicates: int
    contacts: int
    suppressed: int
    never_open: int
    last_line: int
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewContact:
    """A contact as it comes out of a file.

    Attributes:
        zones: IANA names joined by commas, of which any may be the contact's; empty: the campaign's.
    """

    line: int
    number: str
    data: dict[str, str]
    zones: str = ""


@dataclass(frozen=True, slots=True)
class NeverOpen:
    """A contact that was finished at its import: its hours do not open."""

    line: int
    number: str


@dataclass(frozen=True, slots=True)
class WrittenChunk:
    """The import after a chunk, and the first of the chunk's contacts whose hours never open."""

    standing: Import
    never_open: tuple[NeverOpen, ...] = ()


_COLUMNS = "id, rows, rejected, duplicates, contacts, suppressed, never_open, last_line, finished_at"
#: So many contacts whose hours never open are named.
NAMED = 10


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
    openings: Mapping[str, Opening | None] | None = None,
) -> WrittenChunk:
    """Write one chunk: contacts, their call jobs and the import's figures, in one transaction.

    A number that is in the campaign already is a duplicate.  A chunk that another process has written meanwhile (the
    import stands no longer at ``after_line``) is left alone.

    Args:
        openings: by the contacts' ``zones``: when a call may begin there; None: never.  Zones that are missing here are
            open now and do not close.
    """
    async with ledger.transaction() as transaction:
        before = await _lock_import(transaction, import_id)
        if before.last_line != after_line:
            return WrittenChunk(before)
        await _keep_classes(transaction, campaign_id)
        await _copy_in(transaction, contacts)
        fresh = await _take_over(transaction, import_id, campaign_id, openings or {})
        row = await transaction.row(
            f"""/* import_chunk */
            UPDATE imports SET rows = rows + %(rows)s, rejected = rejected + %(rejected)s,
                contacts = contacts + %(fresh)s, duplicates = duplicates + %(duplicates)s,
                suppressed = suppressed + %(suppressed)s, never_open = never_open + %(never)s, last_line = %(last)s
            WHERE id = %(id)s RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
            {
                "id": import_id,
                "rows": rows,
                "rejected": rejected,
                "fresh": fresh["fresh"],
                "suppressed": fresh["suppressed"],
                "never": fresh["never_open"],
                "duplicates": len(contacts) - fresh["fresh"],
                "last": last_line,
            },
        )
    assert row is not None
    named = zip(fresh["lines"] or (), fresh["numbers"] or (), strict=True)
    return WrittenChunk(Import(**row), tuple(NeverOpen(*each) for each in named))


async def _lock_import(transaction: Transaction, import_id: int) -> Import:
    row = await transaction.row(
        f"/* import_chunk */ SELECT {_COLUMNS} FROM imports WHERE id = %(id)s FOR UPDATE",  # noqa: S608
        {"id": import_id},
    )
    assert row is not None
    return Import(**row)


async def _keep_classes(transaction: Transaction, campaign_id: int) -> None:
    """What the campaign's numbers are told apart by stays until the chunk is in; who changes it waits, as we do."""
    await transaction.rows("/* import_chunk */ SET LOCAL lock_timeout = '60s'")
    await transaction.rows(
        f"/* import_chunk */ SELECT pg_advisory_xact_lock_shared({CLASSES_LOCK})",
        {"campaign": campaign_id},
    )


async def _copy_in(transaction: Transaction, contacts: Sequence[NewContact]) -> None:
    await transaction.rows(
        """/* import_chunk */
        CREATE TEMP TABLE incoming (line int, number text, data json, zones text) ON COMMIT DROP"""
    )
    async with (
        transaction.connection.cursor() as cursor,
        cursor.copy("/* import_chunk */ COPY incoming (line, number, data, zones) FROM STDIN") as copy,
    ):
        for contact in contacts:
            await copy.write_row((contact.line, contact.number, Json(contact.data), contact.zones))


async def _take_over(
    transaction: Transaction, import_id: int, campaign_id: int, openings: Mapping[str, Opening | None]
) -> Row:
    """Make contacts and call jobs of what was copied in; those who are not to be called are finished at once."""
    row = await transaction.row(
        """/* import_chunk */
        WITH opening AS MATERIALIZED (
            SELECT * FROM unnest(%(zones)s::text[], %(opens)s::timestamptz[], %(until)s::timestamptz[],
                                 %(never)s::bool[]) AS t (zones, opens, open_until, never)
        ), fresh AS (
            INSERT INTO contacts (campaign_id, import_id, line, number, data)
            SELECT %(campaign)s, %(import)s, line, number, data
            FROM (SELECT DISTINCT ON (number) * FROM incoming ORDER BY number, line) AS first_of_number
            ORDER BY line
            ON CONFLICT (campaign_id, number) DO NOTHING
            RETURNING id, campaign_id, number, line
        ), judged AS (
            SELECT f.id, f.campaign_id, f.number, i.zones, o.opens, o.open_until,
                   CASE WHEN EXISTS (SELECT FROM suppressions WHERE removed_at IS NULL)
                             AND is_suppressed(f.number, f.campaign_id) THEN 'suppressed'
                        WHEN o.never THEN 'expired' END AS reason
            FROM fresh f JOIN incoming i USING (number, line) LEFT JOIN opening o ON o.zones = i.zones
        ), jobs AS (
            INSERT INTO call_jobs (id, campaign_id, number, zones, state, finish_reason, due_at, not_before, open_until,
                                   route)
            SELECT j.id, campaign_id, number, zones, CASE WHEN reason IS NULL THEN 'waiting' ELSE 'finished' END,
                   reason, greatest(opens, now()), CASE WHEN opens > now() THEN now() END, open_until,
                   CASE c.prefixes WHEN '{}' THEN '' ELSE route_of(number, c.prefixes) END
            FROM judged j JOIN campaigns c ON c.id = campaign_id ORDER BY j.id
            RETURNING id, finish_reason
        )
        SELECT count(*) AS fresh,
               count(*) FILTER (WHERE finish_reason = 'suppressed') AS suppressed,
               count(*) FILTER (WHERE finish_reason = 'expired') AS never_open,
               (array_agg(line ORDER BY id) FILTER (WHERE finish_reason = 'expired'))[1:%(named)s] AS lines,
               (array_agg(number ORDER BY id) FILTER (WHERE finish_reason = 'expired'))[1:%(named)s] AS numbers
        FROM jobs JOIN fresh USING (id)""",
        {
            "campaign": campaign_id,
            "import": import_id,
            "zones": list(openings),
            "opens": [opening and opening.at for opening in openings.values()],
            "until": [opening and opening.until for opening in openings.values()],
            "never": [opening is None for opening in openings.values()],
            "named": NAMED,
        },
    )
    assert row is not None
    return row


async def note_dial_columns(ledger: Ledger, campaign_id: int) -> None:
    """The campaign's contacts have columns that change the dial: from now on they are read before each."""
    await ledger.changed(
        "/* note_dial_columns */ UPDATE campaigns SET reads_columns = true WHERE id = %(id)s AND NOT reads_columns",
        {"id": campaign_id},
    )


async def finish_import(ledger: Ledger, import_id: int) -> None:
    await ledger.changed(
        "/* finish_import */ UPDATE imports SET finished_at = now() WHERE id = %(id)s AND finished_at IS NULL",
        {"id": import_id},
    )
