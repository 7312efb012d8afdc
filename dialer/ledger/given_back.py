"""Attempts that are given back: they tell something about the trunk and nothing about the person who was called."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Ledger

#: Attempt ids are UUIDv7 made by the callers' clocks, which may be this far behind the ledger's.
_CLOCKS_APART = timedelta(minutes=5)

_GIVE_BACK = """/* give_back */
WITH back AS MATERIALIZED (
    SELECT id, call_job_id, counted FROM attempts
    WHERE id = ANY (%(ids)s) AND state = 'ended' AND given_back_at IS NULL AND outcome <> 'answered'
    ORDER BY id FOR NO KEY UPDATE
), given AS (
    UPDATE attempts a SET given_back_at = now(), given_back_for = %(rule)s, counted = false
    FROM back WHERE a.id = back.id
), jobs AS MATERIALIZED (
    SELECT b.*,
           NOT EXISTS (SELECT FROM attempts a WHERE a.call_job_id = b.id AND a.id > b.newest) AS is_last
    FROM (SELECT call_job_id AS id, count(*) FILTER (WHERE counted) AS counted,
                 (array_agg(id ORDER BY id DESC))[1] AS newest
          FROM back GROUP BY call_job_id) AS b
), again AS (
    UPDATE call_jobs j SET
        attempts_counted = greatest(0, j.attempts_counted - jobs.counted::int),
        state = CASE WHEN jobs.is_last AND j.state = 'finished' THEN 'waiting' ELSE j.state END,
        finish_reason = CASE WHEN NOT jobs.is_last THEN j.finish_reason END,
        due_at = CASE WHEN jobs.is_last THEN now() + %(due_in)s ELSE j.due_at END,
        not_before = CASE WHEN jobs.is_last THEN NULL ELSE j.not_before END,
        open_until = CASE WHEN jobs.is_last THEN 'epoch' ELSE j.open_until END  -- its window is computed anew
    FROM jobs JOIN call_jobs mine ON mine.id = jobs.id JOIN campaigns c ON c.id = mine.campaign_id
    WHERE j.id = jobs.id AND c.state <> 'cancelled'
      AND (j.state IN ('waiting', 'finished') AND (j.state = 'waiting' OR jobs.is_last
               AND j.finish_reason IN ('exhausted', 'invalid_number', 'failed', 'unknown')))
    RETURNING j.campaign_id
), under_way AS (
    UPDATE call_jobs j SET attempts_counted = greatest(0, j.attempts_counted - jobs.counted::int)
    FROM jobs WHERE j.id = jobs.id AND j.state IN ('queued', 'in_progress') AND jobs.counted > 0
), running AS (
    UPDATE campaigns SET state = 'running', finished_at = NULL
    WHERE state = 'finished' AND id IN (SELECT campaign_id FROM again)
)
SELECT count(*) AS given FROM back"""


async def give_back(ledger: Ledger, attempt_ids: Collection[UUID], *, rule: str, due_in: timedelta) -> int:
    """Take these attempts out of the contacts' accounts; whoever was last tried by one is due again.

    Who was finished by it is not any more, and its campaign goes on.  Says how many; safe to repeat.
    """
    row = await ledger.row(_GIVE_BACK, {"ids": list(attempt_ids), "rule": rule, "due_in": due_in})
    return int(row["given"]) if row else 0


async def attempts_of_storm(
    ledger: Ledger, trunk_id: int, *, sip_code: int, since: datetime, until: datetime, most_seconds: float
) -> list[UUID]:
    """Attempts that were answered with this code, too fast for a phone to have rung, in that time."""
    rows = await ledger.rows(
        """/* attempts_of_storm */
        SELECT id FROM attempts
        WHERE trunk_id = %(trunk)s AND state = 'ended' AND given_back_at IS NULL AND sip_code = %(code)s
          AND ended_at BETWEEN %(since)s AND %(until)s AND NOT rang
          AND coalesce((evidence ->> 'seconds')::float8, 0) < %(most)s
          AND id > %(oldest)s""",
        {
            "trunk": trunk_id,
            "code": sip_code,
            "since": since,
            "until": until,
            "most": most_seconds,
            "oldest": _before(since - _CLOCKS_APART),
        },
    )
    return [row["id"] for row in rows]


async def attempts_into_silence(
    ledger: Ledger, trunk_id: int, *, opened_at: datetime, since: datetime, until: datetime
) -> list[UUID]:
    """Attempts that a dead trunk has let ring out without ever ringing, begun in that time.

    Of those that are not known to have rung, the ones begun after the last from which the carrier was heard before the
    breaker opened.  By time alone each of them has rung: it took its whole ringing timeout.
    """
    rows = await ledger.rows(
        """/* attempts_into_silence */
        WITH recent AS MATERIALIZED (
            SELECT id, claimed_at, coalesce(answered_at, CASE WHEN sip_code IS NOT NULL THEN ended_at END) AS heard_at,
                   state = 'ended' AND given_back_at IS NULL AND rule = 'ring_timeout'
                       AND evidence ->> 'rang' IS DISTINCT FROM 'true' AS rang_out
            FROM attempts WHERE trunk_id = %(trunk)s AND id > %(oldest)s AND claimed_at BETWEEN %(since)s AND %(until)s
        )
        SELECT id FROM recent
        WHERE rang_out AND claimed_at > coalesce((SELECT max(claimed_at) FROM recent WHERE heard_at < %(opened)s),
                                                 '-infinity')""",
        {
            "trunk": trunk_id,
            "opened": opened_at,
            "since": since,
            "until": until,
            "oldest": _before(since - _CLOCKS_APART),
        },
    )
    return [row["id"] for row in rows]


def _before(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the primary key's index finds what is younger, at least."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
