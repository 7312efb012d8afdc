"""Open attempts that news has come about, and what news changes in those that stay open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from dialer.domain.fence import Fence, Leases
from dialer.domain.news import Doubt
from dialer.ledger.attempts import OPEN_ATTEMPTS, FollowedAttempt, followed, owner_bounds
from dialer.ledger.session import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptInTheNews:
    """An open attempt.  ``rang_for``: as measured on the line."""

    followed: FollowedAttempt
    rang_for: timedelta | None


_IN_THE_NEWS: LiteralString = f"/* attempts_in_the_news */ {OPEN_ATTEMPTS} AND a.id = ANY (%(ids)s)"


async def attempts_in_the_news(
    ledger: Ledger, attempt_ids: Collection[UUID], *, fence: Fence, leases: Leases
) -> list[AttemptInTheNews]:
    """Those of these attempts that are open."""
    rows = await ledger.rows(_IN_THE_NEWS, {"ids": list(attempt_ids), **owner_bounds(fence, leases)})
    return [
        AttemptInTheNews(
            followed=followed(row),
            rang_for=timedelta(seconds=row["ring_seconds"]) if row["ring_seconds"] is not None else None,
        )
        for row in rows
    ]


async def note_doubts(ledger: Ledger, doubts: Sequence[tuple[UUID, Doubt]]) -> None:
    """These attempts stay open, in doubt; one that had been picked up is answered from now on."""
    await ledger.changed(
        """/* note_doubts */
        UPDATE attempts a
        SET doubt_since = coalesce(a.doubt_since, now()), doubt_rule = coalesce(a.doubt_rule, d.rule),
            state = CASE WHEN d.picked_up THEN 'answered' ELSE a.state END,
            answered_at = CASE WHEN d.picked_up THEN coalesce(a.answered_at, d.at) ELSE a.answered_at END,
            sentinel_sid = coalesce(a.sentinel_sid, l.sentinel_sid),
            seen_at = greatest(a.seen_at, least(d.at, now())), seen_status = coalesce(d.status, a.seen_status)
        FROM unnest(%(ids)s::uuid[], %(rules)s::text[], %(picked_up)s::bool[], %(statuses)s::text[],
                    %(at)s::timestamptz[]) AS d (id, rule, picked_up, status, at) CROSS JOIN line_status l
        WHERE a.id = d.id AND a.state <> 'ended'""",
        {
            "ids": [attempt_id for attempt_id, _ in doubts],
            "rules": [doubt.rule for _, doubt in doubts],
            "picked_up": [doubt.picked_up for _, doubt in doubts],
            "statuses": [doubt.status for _, doubt in doubts],
            "at": [doubt.at for _, doubt in doubts],
        },
    )


async def note_alone(ledger: Ledger, attempt_ids: Sequence[UUID]) -> None:
    """An agent left these calls; whoever is still in them counts as alone until a look finds company."""
    await ledger.changed(
        """/* note_alone */
        UPDATE attempts SET alone_since = now(), agent_at = coalesce(agent_at, now())
        WHERE id = ANY (%(ids)s) AND state = 'answered' AND has_agent AND alone_since IS NULL""",
        {"ids": list(attempt_ids)},
    )
