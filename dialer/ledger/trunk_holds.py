"""What holds each trunk back, written by the feeder for everybody to read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.domain.trunk_holds import Hold, HoldReason
from dialer.ledger.session import Statements


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkHold:
    """What a feeder last saw.

    Attributes:
        since: the reason has been this one without a break.
        seen_at: when it was last found so; when that is long ago no feeder runs.
    """

    reason: HoldReason
    detail: str
    since: datetime
    seen_at: datetime


async def read_holds(statements: Statements) -> dict[int, TrunkHold]:
    """By trunk; one that no feeder has looked at yet has none."""
    rows = await statements.rows("/* read_holds */ SELECT * FROM trunk_holds")
    return {
        row["trunk_id"]: TrunkHold(
            reason=HoldReason(row["reason"]), detail=row["detail"], since=row["since"], seen_at=row["seen_at"]
        )
        for row in rows
    }


async def write_holds(statements: Statements, holds: Mapping[int, Hold]) -> None:
    """Write what was seen just now; ``since`` moves only when the reason is another."""
    await statements.changed(
        """/* write_holds */
        INSERT INTO trunk_holds AS h (trunk_id, reason, detail)
        SELECT * FROM unnest(%(trunks)s::int[], %(reasons)s::text[], %(details)s::text[])
        ON CONFLICT (trunk_id) DO UPDATE SET
            since = CASE WHEN h.reason = excluded.reason THEN h.since ELSE now() END,
            reason = excluded.reason, detail = excluded.detail, seen_at = now()""",
        {
            "trunks": list(holds),
            "reasons": [hold.reason.value for hold in holds.values()],
            "details": [hold.detail for hold in holds.values()],
        },
    )


async def next_due(statements: Statements, campaign_ids: Collection[int]) -> dict[int, datetime]:
    """When the first of the waiting call jobs of each campaign is due; a campaign in which nobody waits has none."""
    rows = await statements.rows(
        """/* next_due */
        SELECT c.id, j.due_at FROM unnest(%(campaigns)s::int[]) AS c (id), LATERAL (
            SELECT due_at FROM call_jobs WHERE campaign_id = c.id AND state = 'waiting' ORDER BY due_at LIMIT 1
        ) AS j""",
        {"campaigns": list(campaign_ids)},
    )
    return {row["id"]: row["due_at"] for row in rows}
