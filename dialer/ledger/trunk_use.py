"""What trunks do now, as the ledger knows it: all of them with one question."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Statements

#: Attempt ids are UUIDv7 made by the callers' clocks, which may be this far behind the ledger's.
_CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkActivity:
    """One trunk, for all campaigns together.

    Attributes:
        calls_per_second: attempts begun, as an average of the last seconds.
        open_calls: attempts that are not over; each has a channel.
        in_doubt: of these, those of which nobody knows yet whether they ring.
        queued: call jobs that were released for it and wait for a slot or a turn.
        running: names of the campaigns that run and may dial through it.
        campaigns: of all that are not over.
    """

    calls_per_second: float
    open_calls: int
    in_doubt: int
    queued: int
    running: tuple[str, ...]
    campaigns: tuple[str, ...]


async def read_activity(
    statements: Statements, windows: Mapping[int, timedelta], *, now: datetime
) -> dict[int, TrunkActivity]:
    """What these trunks do, by id.

    Args:
        windows: over how long the begun attempts of each trunk are counted.
        now: the ledger's clock.
    """
    if not windows:
        return {}
    longest = max(windows.values())
    rows = await statements.rows(
        """/* read_activity */
        SELECT t.id, w.span, o.open, o.in_doubt, b.begun, q.queued, c.running, c.campaigns
        FROM unnest(%(trunks)s::int[], %(spans)s::float[]) AS w (trunk_id, span)
        JOIN trunks t ON t.id = w.trunk_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS open, count(*) FILTER (WHERE doubt_since IS NOT NULL) AS in_doubt
            FROM attempts WHERE trunk_id = t.id AND state <> 'ended') AS o
        CROSS JOIN LATERAL (
            SELECT count(*) AS begun FROM attempts
            WHERE trunk_id = t.id AND id > %(oldest)s AND claimed_at > %(now)s - make_interval(secs => w.span)
              AND sent IS NOT FALSE) AS b
        CROSS JOIN LATERAL (
            SELECT count(*) AS queued FROM call_jobs WHERE trunk_id = t.id AND state = 'queued') AS q
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(name ORDER BY name) FILTER (WHERE state = 'running'), '{}') AS running,
                   coalesce(array_agg(name ORDER BY name), '{}') AS campaigns
            FROM campaigns c WHERE state NOT IN ('finished', 'cancelled')
              AND EXISTS (SELECT FROM routes r WHERE r.campaign_id = c.id AND r.trunk_id = t.id)) AS c""",
        {
            "trunks": list(windows),
            "spans": [span.total_seconds() for span in windows.values()],
            "now": now,
            "oldest": UUID(int=int((now - longest - _CLOCKS_APART).timestamp() * 1000) << 80),
        },
    )
    return {
        row["id"]: TrunkActivity(
            calls_per_second=row["begun"] / row["span"],
            open_calls=row["open"],
            in_doubt=row["in_doubt"],
            queued=row["queued"],
            running=tuple(row["running"]),
            campaigns=tuple(row["campaigns"]),
        )
        for row in rows
    }
