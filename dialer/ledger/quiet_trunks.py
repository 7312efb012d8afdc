"""Calls of trunks from which nothing was heard for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietCall:
    """An attempt that is dialing, on a trunk that has told nothing since it was begun."""

    attempt_id: UUID
    trunk_id: int
    number: str
    claimed_at: datetime


async def quiet_calls(ledger: Ledger, *, older_than: timedelta, most: int) -> list[QuietCall]:
    """At most so many of each trunk that is quiet: the newest that are old enough to have rung.

    A trunk is quiet when no attempt that was begun after the oldest of them has ended or was answered.  Trunks that
    nobody dials through just now (their breaker is not closed) have their probe.
    """
    rows = await ledger.rows(
        """/* quiet_calls */
        WITH old AS MATERIALIZED (
            SELECT id, trunk_id, number, claimed_at,
                   row_number() OVER (PARTITION BY trunk_id ORDER BY claimed_at DESC) AS place
            FROM attempts
            WHERE state = 'dialing' AND doubt_since IS NULL AND mark IS NULL AND claimed_at < now() - %(age)s
        ), first AS (
            SELECT trunk_id, min(claimed_at) AS since, min(id::text)::uuid AS first_id FROM old WHERE place <= %(most)s
            GROUP BY trunk_id
        )
        SELECT old.id AS attempt_id, old.trunk_id, old.number, old.claimed_at
        FROM old JOIN first USING (trunk_id)
        WHERE old.place <= %(most)s
          AND NOT EXISTS (SELECT FROM health h WHERE h.scope = 'trunk' AND h.scope_id = old.trunk_id
                            AND h.state <> 'closed')
          AND NOT EXISTS (SELECT FROM attempts a WHERE a.trunk_id = old.trunk_id AND a.id > first.first_id
                            AND a.claimed_at > first.since AND (a.state = 'answered'
                                OR (a.state = 'ended' AND a.sent)))
        ORDER BY old.claimed_at""",
        {"age": older_than, "most": most},
    )
    return [QuietCall(**row) for row in rows]
