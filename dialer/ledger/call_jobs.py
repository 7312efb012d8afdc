"""Call jobs in the ledger, from their release to the claim: looking, giving back, renewing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """One call job as a caller takes it up: under which release, and the id its attempt will have."""

    attempt_id: UUID
    call_job_id: int
    release_id: UUID
    trunk_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedJob:
    """What a look found: the call job's number and campaign, or the reason why it may not be dialed now.

    Attributes:
        zones: where the contact may live, IANA names joined by commas; empty: in the campaign's zone.
        open_until: no call may begin after this; None: never closes.
        data: the contact's columns, where the campaign's dials need them; else empty.
        tries: attempts of the call job that counted, so far.
        promised: it is a call back that was promised.
    """

    number: str
    campaign_id: int
    refusal: str | None
    epoch: int
    zones: str = ""
    open_until: datetime | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    promised: bool = False


async def look_at_jobs(ledger: Ledger, tickets: Sequence[Ticket]) -> list[QueuedJob | None]:
    """What each call job is now, in the order of the tickets; None: there is no such call job."""
    rows = await ledger.rows(
        """/* look_at_jobs */
        SELECT t.place, j.number, j.campaign_id, claim_refusal(j, c, t.release_id) AS refusal, i.epoch, j.zones,
               j.open_until, coalesce(p.data, '{}') AS data, j.attempts_counted AS tries, j.promised
        FROM unnest(%(jobs)s::bigint[], %(releases)s::uuid[]) WITH ORDINALITY AS t (job_id, release_id, place)
        JOIN call_jobs j ON j.id = t.job_id
        JOIN campaigns c ON c.id = j.campaign_id
        LEFT JOIN contacts p ON p.id = j.id AND (c.agent_name IS NOT NULL OR c.reads_columns)
        CROSS JOIN installation i""",
        {"jobs": [ticket.call_job_id for ticket in tickets], "releases": [ticket.release_id for ticket in tickets]},
    )
    found = {row.pop("place"): QueuedJob(**row) for row in rows}
    return [found.get(place) for place in range(1, len(tickets) + 1)]


async def give_back_jobs(ledger: Ledger, tickets: Sequence[Ticket], delays: Sequence[timedelta]) -> None:
    """Put call jobs that are still QUEUED under these releases back to WAITING, due after their delay."""
    await ledger.changed(
        """/* give_back_jobs */
        UPDATE call_jobs j
        SET state = 'waiting', due_at = now() + t.delay, lease_token = NULL, lease_until = NULL
        FROM unnest(%(jobs)s::bigint[], %(releases)s::uuid[], %(delays)s::interval[]) AS t (job_id, release_id, delay)
        WHERE j.id = t.job_id AND j.state = 'queued' AND j.lease_token = t.release_id""",
        {
            "jobs": [ticket.call_job_id for ticket in tickets],
            "releases": [ticket.release_id for ticket in tickets],
            "delays": list(delays),
        },
    )


async def finish_jobs(ledger: Ledger, tickets: Sequence[Ticket], reasons: Sequence[str]) -> None:
    """Finish call jobs that are still QUEUED under these releases."""
    await ledger.changed(
        """/* finish_jobs */
        UPDATE call_jobs j
        SET state = 'finished', finish_reason = t.reason, lease_token = NULL, lease_until = NULL
        FROM unnest(%(jobs)s::bigint[], %(releases)s::uuid[], %(reasons)s::text[]) AS t (job_id, release_id, reason)
        WHERE j.id = t.job_id AND j.state = 'queued' AND j.lease_token = t.release_id""",
        {
            "jobs": [ticket.call_job_id for ticket in tickets],
            "releases": [ticket.release_id for ticket in tickets],
            "reasons": list(reasons),
        },
    )


async def report_fault(ledger: Ledger, ticket: Ticket, *, most: int, delay: timedelta) -> None:
    """A fault of ours struck while this call job was held and not yet claimed; ``most`` of them finish it."""
    await ledger.changed(
        """/* report_fault */
        UPDATE call_jobs SET
            faults = faults + 1, lease_token = NULL, lease_until = NULL, due_at = now() + %(delay)s,
            state = CASE WHEN faults + 1 >= %(most)s THEN 'finished' ELSE 'waiting' END,
            finish_reason = CASE WHEN faults + 1 >= %(most)s THEN 'failed' END
        WHERE id = %(job)s AND state = 'queued' AND lease_token = %(release)s""",
        {"job": ticket.call_job_id, "release": ticket.release_id, "most": most, "delay": delay},
    )


async def renew_leases(ledger: Ledger, tickets: Sequence[Ticket], *, lease: timedelta) -> None:
    """Keep the call jobs that a caller holds before their claim."""
    await ledger.changed(
        """/* renew_leases */
        UPDATE call_jobs j SET lease_until = now() + %(lease)s
        FROM unnest(%(jobs)s::bigint[], %(releases)s::uuid[]) AS t (job_id, release_id)
        WHERE j.id = t.job_id AND j.state = 'queued' AND j.lease_token = t.release_id AND j.lease_until > now()""",
        {
            "jobs": [ticket.call_job_id for ticket in tickets],
            "releases": [ticket.release_id for ticket in tickets],
            "lease": lease,
        },
    )


async def put_back_lapsed(ledger: Ledger) -> int:
    """Call jobs whose lease ran out go back to WAITING, due now: nothing of theirs ever rang.  Says how many."""
    return await ledger.changed(
        """/* put_back_lapsed */
        UPDATE call_jobs SET state = 'waiting', due_at = now(), lease_token = NULL, lease_until = NULL
        WHERE id IN (SELECT id FROM call_jobs WHERE state = 'queued' AND lease_until <= now()
                     LIMIT 1000 FOR UPDATE SKIP LOCKED)"""
    )


async def cancel_waiting(ledger: Ledger) -> int:
    """Finish what waits in cancelled campaigns; says how many.  Attempts that are open end by themselves."""
    return await ledger.changed(
        """/* cancel_waiting */
        UPDATE call_jobs j
        SET state = 'finished', finish_reason = 'cancelled', lease_token = NULL, lease_until = NULL
        FROM (SELECT w.id FROM campaigns c, LATERAL (
                  (SELECT id FROM call_jobs WHERE campaign_id = c.id AND state = 'waiting' LIMIT 5000)
                  UNION ALL
                  (SELECT id FROM call_jobs WHERE campaign_id = c.id AND state = 'queued' LIMIT 5000)
              ) AS w WHERE c.state = 'cancelled') AS gone
        WHERE j.id = gone.id AND j.state IN ('waiting', 'queued')"""
    )
