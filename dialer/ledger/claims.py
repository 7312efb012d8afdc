"""The claim: one statement opens attempts and takes their call jobs, or says why not.

What it tests is one named list, the SQL function ``claim_refusal``; what it cannot be talked out of is the unique index
``attempts_open``: one open attempt per number, over all campaigns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from dialer.domain.outcome import Outcome
from dialer.domain.retry import PastAttempt
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.session import Ledger


class Refusal(StrEnum):
    """Why a call job was not claimed."""

    NOT_MINE = "not_mine"  #: another delivery had it, or its lease is over: forget it
    LOCKED = "locked"  #: somebody works on its row just now: try again
    PAUSED = "paused"  #: its campaign is not running
    SUPPRESSED = "suppressed"  #: the number must not be called
    CLOSED = "closed"  #: its hours are over, or its campaign has not begun or is over
    NUMBER_OPEN = "number_open_elsewhere"  #: the same phone may be ringing for another call job
    NO_ATTEMPTS_LEFT = "no_attempts_left"
    OTHER_EPOCH = "other_epoch"  #: the limits were rebuilt since the turn was planned
    OTHER = "other"  #: for a reason that a newer version of the ledger knows and this program does not

    @classmethod
    def _missing_(cls, value: object) -> "Refusal":
        """A migration may bring new reasons while older callers still run: they give the call job back."""
        return cls.OTHER


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """An open attempt.  ``history`` is the call job's ended attempts, oldest first."""

    claimed_at: datetime
    history: tuple[PastAttempt, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRequest:
    """What is to be claimed, and the epoch in which its turn was planned."""

    ticket: Ticket
    epoch: int
    ringing_timeout_seconds: int
    talk_limit_seconds: int
    is_probe: bool = False


_CLAIM = """/* claim_attempts */
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(attempts)s::uuid[], %(jobs)s::bigint[], %(releases)s::uuid[], %(trunks)s::int[],
                         %(ringing)s::int[], %(talk)s::int[], %(probes)s::bool[])
             AS w (attempt_id, job_id, release_id, trunk_id, ringing, talk, is_probe)
), epoch AS MATERIALIZED (
    SELECT epoch FROM installation WHERE epoch = %(epoch)s FOR SHARE
), mine AS MATERIALIZED (
    SELECT w.*, j.number, j.campaign_id, j.try_id, c.agent_name IS NOT NULL AS has_agent
    FROM wanted w JOIN call_jobs j ON j.id = w.job_id JOIN campaigns c ON c.id = j.campaign_id
    WHERE EXISTS (SELECT FROM epoch) AND claim_refusal(j, c, w.release_id) IS NULL
    ORDER BY j.number, j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
), opened AS (
    INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, worker_id, ringing_timeout_seconds,
                          talk_limit_seconds, has_agent, try_id, is_probe)
    SELECT attempt_id, job_id, campaign_id, trunk_id, number, %(worker)s, ringing, talk, has_agent, try_id, is_probe
    FROM (SELECT DISTINCT ON (number) * FROM mine ORDER BY number, job_id) AS one_per_number
    ON CONFLICT DO NOTHING
    RETURNING id, call_job_id, claimed_at
), taken AS (
    UPDATE call_jobs j SET state = 'in_progress', lease_token = NULL, lease_until = NULL, tried = true
    FROM opened WHERE j.id = opened.call_job_id
    RETURNING opened.id, j.id AS job_id, opened.claimed_at
)
SELECT taken.id, taken.claimed_at, past.history
FROM taken CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(a.outcome, a.counted, a.sent, a.rule, extract(epoch FROM a.ended_at))
                    ORDER BY a.ended_at) AS history
    FROM attempts a WHERE a.call_job_id = taken.job_id AND a.state = 'ended' AND a.given_back_at IS NULL
) AS past"""

_REFUSALS = """/* claim_refusals */
SELECT w.attempt_id, CASE
    WHEN j.id IS NULL THEN 'not_mine'
    WHEN i.epoch <> %(epoch)s THEN 'other_epoch'
    ELSE coalesce(claim_refusal(j, c, w.release_id),
                  CASE WHEN EXISTS (SELECT FROM attempts a WHERE a.number = j.number AND a.state <> 'ended')
                       THEN 'number_open_elsewhere' ELSE 'locked' END)
    END AS refusal
FROM unnest(%(attempts)s::uuid[], %(jobs)s::bigint[], %(releases)s::uuid[]) AS w (attempt_id, job_id, release_id)
LEFT JOIN call_jobs j ON j.id = w.job_id LEFT JOIN campaigns c ON c.id = j.campaign_id CROSS JOIN installation i"""


async def claim_attempts(ledger: Ledger, requests: Sequence[ClaimRequest], *, worker_id: UUID) -> list[Claim | Refusal]:
    """Open one attempt for each request, committed when this returns; one that is refused never takes others along.

    All requests are of one epoch.

    Raises:
        psycopg.errors.LockNotAvailable, DeadlockDetected: nothing was committed, it may be tried again.
        Anything else: whether it was committed is not known; see ``bury_claim``.
    """
    tickets = [request.ticket for request in requests]
    parameters = {
        "attempts": [ticket.attempt_id for ticket in tickets],
        "jobs": [ticket.call_job_id for ticket in tickets],
        "releases": [ticket.release_id for ticket in tickets],
        "trunks": [ticket.trunk_id for ticket in tickets],
        "ringing": [request.ringing_timeout_seconds for request in requests],
        "talk": [request.talk_limit_seconds for request in requests],
        "probes": [request.is_probe for request in requests],
        "epoch": requests[0].epoch,
        "worker": worker_id,
    }
    async with ledger.session() as session:
        answers: dict[UUID, Claim | Refusal] = {
            row["id"]: Claim(claimed_at=row["claimed_at"], history=past_attempts(row["history"]))
            for row in await session.rows(_CLAIM, parameters)
        }
        if len(answers) < len(requests):
            for row in await session.rows(_REFUSALS, parameters):
                answers.setdefault(row["attempt_id"], Refusal(row["refusal"]))
    return [answers[ticket.attempt_id] for ticket in tickets]


def past_attempts(history: list[list[object]] | None) -> tuple[PastAttempt, ...]:
    """The rows of ``json_build_array(outcome, counted, sent, rule, ended_at)`` as values."""
    return tuple(
        PastAttempt(
            outcome=Outcome(str(outcome)),
            counted=bool(counted),
            sent=bool(sent),
            rule=str(rule),
            at=datetime.fromtimestamp(float(str(ended)), tz=UTC),
        )
        for outcome, counted, sent, rule, ended in history or ()
    )


async def bury_claim(ledger: Ledger, request: ClaimRequest, *, number: str, campaign_id: int) -> None:
    """Make sure that a claim whose answer was lost is never dialed: write its attempt as ended, not sent.

    Waits for a claim that is still open in another connection; one that comes later finds the id taken and opens
    nothing.  The call job, whoever has it, goes back to WAITING.  Safe to repeat.
    """
    ticket = request.ticket
    parameters = {
        "attempt": ticket.attempt_id,
        "job": ticket.call_job_id,
        "release": ticket.release_id,
        "campaign": campaign_id,
        "trunk": ticket.trunk_id,
        "number": number,
        "ringing": request.ringing_timeout_seconds,
        "talk": request.talk_limit_seconds,
    }
    async with ledger.transaction() as transaction:
        await transaction.rows("/* bury_claim */ SET LOCAL lock_timeout = '30s'")
        buried = await transaction.row(_BURY, parameters)
        if buried is not None:
            await transaction.changed(_BURY_COUNT, parameters)
            await transaction.changed(_BURY_JOB, parameters)


_BURY = """/* bury_claim */
INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, ringing_timeout_seconds, talk_limit_seconds,
                      state, ended_at, outcome, blame, counted, sent, rang, rule)
VALUES (%(attempt)s, %(job)s, %(campaign)s, %(trunk)s, %(number)s, %(ringing)s, %(talk)s,
        'ended', now(), 'cancelled', 'system', false, false, false, 'claim_reply_lost')
ON CONFLICT (id) DO UPDATE
SET state = 'ended', ended_at = now(), outcome = 'cancelled', blame = 'system', counted = false, sent = false,
    rang = false, rule = 'claim_reply_lost'
WHERE attempts.state <> 'ended'
RETURNING id"""

_BURY_COUNT = """/* bury_claim */
INSERT INTO attempt_counters (trunk_id, outcome, value) VALUES (%(trunk)s, 'cancelled', 1)
ON CONFLICT (trunk_id, outcome) DO UPDATE SET value = attempt_counters.value + 1"""

_BURY_JOB = """/* bury_claim */
UPDATE call_jobs SET state = 'waiting', due_at = now() + interval '2 s', lease_token = NULL, lease_until = NULL
WHERE id = %(job)s AND (state = 'in_progress' AND NOT EXISTS (
          SELECT FROM attempts a WHERE a.call_job_id = %(job)s AND a.state <> 'ended' AND a.id <> %(attempt)s)
      OR state = 'queued' AND lease_token = %(release)s)"""
