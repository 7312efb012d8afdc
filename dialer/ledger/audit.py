"""Counts what must always hold, in one snapshot of the ledger, without locking anybody out."""

from uuid import UUID

from dialer.domain.invariants import Checked, Invariant
from dialer.ledger.session import Ledger, Transaction


async def audit_ledger(ledger: Ledger) -> tuple[list[Checked], dict[int, list[UUID]]]:
    """Every invariant of the ledger, and its open attempts by trunk for the comparison with the slots."""
    async with ledger.transaction() as transaction:
        await transaction.rows("/* audit */ SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        checked = [
            await _rows(transaction),
            await _call_jobs(transaction),
            await _open_attempts(transaction),
            await _counters(transaction),
            await _counted(transaction),
            await _finished(transaction),
        ]
        rows = await transaction.rows("/* audit_open */ SELECT id, trunk_id FROM attempts WHERE state <> 'ended'")
    open_ids: dict[int, list[UUID]] = {}
    for row in rows:
        open_ids.setdefault(row["trunk_id"], []).append(row["id"])
    return checked, open_ids


async def _rows(transaction: Transaction) -> Checked:
    row = await transaction.row(
        """/* audit_rows */
        SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(rejected + duplicates), 0) AS refused,
               (SELECT count(*) FROM contacts WHERE import_id IS NOT NULL) AS contacts FROM imports"""
    )
    broken = await transaction.rows(
        """/* audit_rows */
        SELECT i.file_name, i.rows, i.rejected, i.duplicates, coalesce(c.contacts, 0) AS contacts FROM imports i
        LEFT JOIN (SELECT import_id, count(*) AS contacts FROM contacts GROUP BY import_id) c ON c.import_id = i.id
        WHERE i.rows <> i.rejected + i.duplicates + coalesce(c.contacts, 0) LIMIT 100"""
    )
    assert row is not None
    return Checked(
        invariant=Invariant.ROWS,
        left=row["rows"],
        right=row["refused"] + row["contacts"],
        broken=tuple(
            f"{found['file_name']}: {found['rows']} rows, but {found['rejected']} rejected + "
            f"{found['duplicates']} duplicates + {found['contacts']} contacts"
            for found in broken
        ),
    )


async def _call_jobs(transaction: Transaction) -> Checked:
    row = await transaction.row(
        """/* audit_call_jobs */
        SELECT (SELECT count(*) FROM contacts) AS contacts, count(*) AS jobs,
               count(*) FILTER (WHERE state NOT IN ('waiting', 'queued', 'in_progress', 'finished')) AS odd
        FROM call_jobs"""
    )
    assert row is not None
    broken = await transaction.rows(
        """/* audit_call_jobs */
        SELECT c.id FROM contacts c LEFT JOIN call_jobs j ON j.id = c.id WHERE j.id IS NULL LIMIT 100"""
    )
    named = [f"contact {found['id']} has no call job" for found in broken]
    if row["odd"]:
        named.append(f"{row['odd']} call jobs are in no known state")
    return Checked(invariant=Invariant.CALL_JOBS, left=row["contacts"], right=row["jobs"], broken=tuple(named))


async def _open_attempts(transaction: Transaction) -> Checked:
    row = await transaction.row(
        """/* audit_open_attempts */
        SELECT (SELECT count(*) FROM attempts WHERE state <> 'ended') AS open,
               (SELECT count(*) FROM call_jobs WHERE state = 'in_progress') AS in_progress"""
    )
    broken = await transaction.rows(
        """/* audit_open_attempts */
        SELECT j.id, j.state, count(a.id) AS open FROM call_jobs j
        LEFT JOIN attempts a ON a.call_job_id = j.id AND a.state <> 'ended'
        WHERE j.state = 'in_progress' OR a.id IS NOT NULL
        GROUP BY j.id HAVING count(a.id) <> (j.state = 'in_progress')::int LIMIT 100"""
    )
    assert row is not None
    return Checked(
        invariant=Invariant.OPEN_ATTEMPTS,
        left=row["open"],
        right=row["in_progress"],
        broken=tuple(
            f"call job {found['id']} is {found['state']} with {found['open']} open attempts" for found in broken
        ),
    )


async def _counters(transaction: Transaction) -> Checked:
    rows = await transaction.rows(
        """/* audit_counters */
        SELECT trunk_id, outcome, coalesce(c.value, 0) AS counted, coalesce(a.ended, 0) AS ended
        FROM (SELECT trunk_id, outcome, sum(value) AS value FROM (
                  SELECT trunk_id, outcome, value FROM attempt_counters
                  UNION ALL SELECT trunk_id, outcome, 1 FROM corrections
                  UNION ALL SELECT trunk_id, outcome_before, -1 FROM corrections) AS each
              GROUP BY trunk_id, outcome) AS c
        FULL JOIN (SELECT trunk_id, outcome, count(*) AS ended FROM attempts WHERE state = 'ended'
                   GROUP BY trunk_id, outcome) a USING (trunk_id, outcome)"""
    )
    return Checked(
        invariant=Invariant.COUNTERS,
        left=sum(int(row["counted"]) for row in rows),
        right=sum(int(row["ended"]) for row in rows),
        broken=tuple(
            f"trunk {row['trunk_id']}, {row['outcome']}: counter {row['counted']}, attempts {row['ended']}"
            for row in rows
            if row["counted"] != row["ended"]
        ),
    )


async def _counted(transaction: Transaction) -> Checked:
    row = await transaction.row(
        """/* audit_counted */
        SELECT (SELECT coalesce(sum(attempts_counted), 0) FROM call_jobs) AS jobs,
               (SELECT count(*) FROM attempts WHERE counted) AS attempts"""
    )
    broken = await transaction.rows(
        """/* audit_counted */
        SELECT j.id, j.attempts_counted, coalesce(a.counted, 0) AS counted FROM call_jobs j
        LEFT JOIN (SELECT call_job_id, count(*) AS counted FROM attempts WHERE counted GROUP BY call_job_id) a
               ON a.call_job_id = j.id
        WHERE j.attempts_counted <> coalesce(a.counted, 0) LIMIT 100"""
    )
    assert row is not None
    return Checked(
        invariant=Invariant.COUNTED,
        left=int(row["jobs"]),
        right=row["attempts"],
        broken=tuple(
            f"call job {found['id']} counts {found['attempts_counted']}, its attempts {found['counted']}"
            for found in broken
        ),
    )


async def _finished(transaction: Transaction) -> Checked:
    row = await transaction.row(
        """/* audit_finished */
        SELECT count(*) FILTER (WHERE state = 'finished') AS finished, count(finish_reason) AS reasons FROM call_jobs"""
    )
    broken = await transaction.rows(
        """/* audit_finished */
        SELECT id, state, finish_reason FROM call_jobs
        WHERE (state = 'finished') <> (finish_reason IS NOT NULL) LIMIT 100"""
    )
    assert row is not None
    return Checked(
        invariant=Invariant.FINISHED,
        left=row["finished"],
        right=row["reasons"],
        broken=tuple(
            f"call job {found['id']} is {found['state']}, reason {found['finish_reason']}" for found in broken
        ),
    )
