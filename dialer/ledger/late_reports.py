"""What agents reported after their attempts had ended, and the call backs that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.json_text import json_text
from dialer.ledger.session import Statements


@dataclass(frozen=True, slots=True)
class LateReport:
    """What an ended attempt has been reported in all."""

    number: str
    report: Mapping[str, str]


async def note_late_reports(
    statements: Statements, reports: Mapping[UUID, Mapping[str, str]]
) -> dict[UUID, LateReport]:
    """Add what agents said afterwards to attempts that have ended; returns those that it changed."""
    rows = await statements.rows(
        """/* note_late_reports */
        UPDATE attempts a SET report = a.report || t.report::jsonb
        FROM unnest(%(ids)s::uuid[], %(reports)s::text[]) AS t (id, report)
        WHERE a.id = t.id AND a.state = 'ended' AND NOT a.report @> t.report::jsonb
        RETURNING a.id, a.number, a.report""",
        {"ids": list(reports), "reports": [json_text(dict(report)) for report in reports.values()]},
    )
    return {row["id"]: LateReport(row["number"], row["report"]) for row in rows}


async def promise_late(
    statements: Statements, wishes: Mapping[UUID, datetime], *, not_after: timedelta, most: int
) -> set[UUID]:
    """Make the call jobs of these answered attempts due at these moments, as call backs that were promised.

    A call job that is finished as reached waits again, and a campaign that has just finished goes on.  Not when its
    campaign was cancelled, when it was called again since, when the attempt ended more than ``not_after`` ago, or when
    the contact was called back ``most`` times already.

    Returns:
        The attempts whose wish was granted.
    """
    parameters = {"ids": list(wishes), "moments": list(wishes.values()), "not_after": not_after, "most": most}
    # Whoever finishes campaigns waits for this: afterwards it sees what waits.
    await statements.rows(
        """/* hold_their_campaigns */
        SELECT id FROM campaigns WHERE id IN (SELECT campaign_id FROM attempts WHERE id = ANY (%(ids)s))
        ORDER BY id FOR NO KEY UPDATE""",
        parameters,
    )
    rows = await statements.rows(
        """/* promise_late */
        WITH mine AS MATERIALIZED (
            SELECT a.id, w.at, j.id AS call_job_id, j.campaign_id
            FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) AS w (id, at)
            JOIN attempts a ON a.id = w.id JOIN call_jobs j ON j.id = a.call_job_id
            JOIN campaigns c ON c.id = j.campaign_id
            WHERE a.outcome = 'answered' AND a.ended_at > now() - %(not_after)s::interval
              AND (j.state = 'waiting' OR (j.state = 'finished' AND j.finish_reason = 'reached'))
              AND c.state <> 'cancelled'
              AND NOT EXISTS (SELECT FROM attempts p WHERE p.call_job_id = j.id AND p.claimed_at > a.claimed_at)
              AND (SELECT count(*) FROM attempts p WHERE p.call_job_id = j.id AND p.outcome = 'answered') <= %(most)s
            ORDER BY j.id FOR NO KEY UPDATE OF j
        ), moved AS (
            -- the feeder computes its window when it is due
            UPDATE call_jobs j SET state = 'waiting', finish_reason = NULL, promised = true, due_at = m.at,
                                   not_before = m.at, open_until = 'epoch'
            FROM mine m WHERE j.id = m.call_job_id
        ), going_on AS (
            UPDATE campaigns SET state = 'running', finished_at = NULL
            WHERE state = 'finished' AND id IN (SELECT campaign_id FROM mine)
        )
        SELECT id FROM mine""",
        parameters,
    )
    return {row["id"] for row in rows}
