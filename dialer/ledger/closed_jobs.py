"""Call jobs whose calling window has closed before they were called: a new window, or the end.

``open_until`` in the year 1970 says that a window has to be computed anew (``forget_windows``).  Whose call is on the
line when the hours are changed carries the mark too, and keeps it when the call is settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dialer.domain.calling_window import Opening
from dialer.ledger.session import Ledger, Statements

#: Call jobs that one statement moves.
BITE = 5000

#: SQL: a number that stands for the hours of campaign ``c``, another one as soon as one of their rules is changed.
HOURS_MARK = """hash_record_extended(
    ROW (c.calling_hours, c.time_zone, c.start_at, c.end_at, c.ringing_timeout_seconds), 0)"""


@dataclass(frozen=True, slots=True)
class Closed:
    """Call jobs that are due and closed: of one campaign, in the same zones (as ``next_opening`` takes them)."""

    campaign_id: int
    zones: str


async def find_closed(statements: Statements) -> list[Closed]:
    """Whose windows have to be computed: of running campaigns, as many kinds as are among the next bite.

    Until the end of the transaction no rule of these campaigns can change.
    """
    rows = await statements.rows(
        """/* find_closed */
        WITH closed AS MATERIALIZED (
            SELECT j.campaign_id, j.zones FROM campaigns c, LATERAL (
                SELECT campaign_id, zones FROM call_jobs
                WHERE campaign_id = c.id AND state = 'waiting' AND open_until <= now() AND due_at <= now()
                LIMIT %(most)s
            ) AS j WHERE c.state = 'running'
        ), kept AS MATERIALIZED (
            SELECT id FROM campaigns WHERE id IN (SELECT campaign_id FROM closed) ORDER BY id FOR SHARE
        )
        SELECT DISTINCT campaign_id, zones FROM closed JOIN kept ON kept.id = closed.campaign_id""",
        {"most": BITE},
    )
    return [Closed(row["campaign_id"], row["zones"]) for row in rows]


async def give_windows(statements: Statements, openings: Mapping[Closed, Opening | None]) -> int:
    """Write the windows of one bite; None finishes the call jobs as expired.  Says how many were moved."""
    return await statements.changed(
        """/* give_windows */
        WITH opening AS MATERIALIZED (
            SELECT * FROM unnest(%(campaigns)s::int[], %(zones)s::text[], %(opens)s::timestamptz[],
                                 %(until)s::timestamptz[], %(never)s::bool[])
                AS t (campaign_id, zones, opens, open_until, never)
        ), closed AS MATERIALIZED (
            SELECT j.id, o.opens, o.open_until, o.never
            FROM opening o JOIN call_jobs j ON j.campaign_id = o.campaign_id AND j.zones = o.zones
            WHERE j.state = 'waiting' AND j.open_until <= now() AND j.due_at <= now()
            LIMIT %(most)s FOR UPDATE OF j SKIP LOCKED
        )
        UPDATE call_jobs j SET
            state = CASE WHEN closed.never THEN 'finished' ELSE j.state END,
            finish_reason = CASE WHEN closed.never THEN 'expired' END,
            not_before = coalesce(j.not_before, j.due_at),
            due_at = greatest(j.due_at, closed.opens),
            open_until = closed.open_until
        FROM closed WHERE j.id = closed.id""",
        {
            "campaigns": [closed.campaign_id for closed in openings],
            "zones": [closed.zones for closed in openings],
            "opens": [opening and opening.at for opening in openings.values()],
            "until": [opening and opening.until for opening in openings.values()],
            "never": [opening is None for opening in openings.values()],
            "most": BITE,
        },
    )


async def expire_waiting(ledger: Ledger) -> int:
    """Finish what waits in running campaigns that are over, or will be before a phone has rung; says how many."""
    return await ledger.changed(
        """/* expire_waiting */
        UPDATE call_jobs j SET state = 'finished', finish_reason = 'expired'
        FROM (SELECT w.id FROM campaigns c, LATERAL (
                  SELECT id FROM call_jobs WHERE campaign_id = c.id AND state = 'waiting'
                  LIMIT %(most)s FOR UPDATE SKIP LOCKED
              ) AS w
              WHERE c.state = 'running' AND c.end_at - make_interval(secs => c.ringing_timeout_seconds) <= now()
             ) AS late
        WHERE j.id = late.id""",
        {"most": BITE},
    )


async def forget_windows(statements: Statements, campaign_id: int) -> None:
    """The campaign's hours were changed: nobody is called by the old ones, and the feeder computes new ones.

    Who is queued is given back by the claim, which finds the window closed.  A call that is settled meanwhile, by the
    old hours, is found by the second statement or waits for it; that one comes last, so that nobody waits for long.
    """
    await statements.changed(
        """/* forget_windows */
        UPDATE call_jobs SET
            due_at = CASE WHEN state = 'waiting' THEN coalesce(not_before, due_at) ELSE due_at END, open_until = 'epoch'
        WHERE campaign_id = %(id)s AND state IN ('waiting', 'queued')""",
        {"id": campaign_id},
    )
    await statements.changed(
        """/* forget_windows_on_the_line */
        UPDATE call_jobs SET
            due_at = CASE WHEN state = 'waiting' THEN coalesce(not_before, due_at) ELSE due_at END, open_until = 'epoch'
        WHERE state <> 'finished' AND open_until IS DISTINCT FROM 'epoch'
          AND id IN (SELECT call_job_id FROM attempts WHERE campaign_id = %(id)s AND state <> 'ended'
                     UNION SELECT id FROM call_jobs WHERE campaign_id = %(id)s AND state = 'waiting'
                                                      AND open_until IS DISTINCT FROM 'epoch')""",
        {"id": campaign_id},
    )
