"""Open attempts in the ledger: which are to be asked about, and what a look found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from dialer.domain.attempt import AttemptState
from dialer.domain.doubt import OpenAttempt
from dialer.domain.fence import Fence, Leases
from dialer.domain.retry import PastAttempt
from dialer.ledger.claims import past_attempts
from dialer.ledger.json_text import json_text
from dialer.ledger.session import Ledger, Row


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedAttempt:
    """An open attempt with what is needed to settle it.

    Attributes:
        is_nobodys: its owner is gone or its deadline has passed: nobody waits for the POST's answer.
    """

    open: OpenAttempt
    campaign_id: int
    trunk_id: int
    number: str
    zones: str
    history: tuple[PastAttempt, ...]
    is_nobodys: bool


#: No owner waits for the POST's answer: it is gone, or its deadline has passed.
_IS_NOBODYS: LiteralString = """
    (w.id IS NULL OR w.heartbeat_at < now() - %(owner)s::interval OR w.state = 'left'
     OR a.claimed_at + make_interval(secs => a.ringing_timeout_seconds) + %(deadline)s::interval < now())"""

#: Open attempts with all that ``followed`` reads.  A statement puts its own name before it and goes on with ``AND``.
OPEN_ATTEMPTS: LiteralString = f"""/* as_followed */
SELECT a.*, now() AS ledger_now, l.sentinel_sid AS sentinel_now, l.away_at, j.zones, {_IS_NOBODYS} AS is_nobodys,
       (SELECT json_agg(json_build_array(p.outcome, p.counted, p.sent, p.rule, extract(epoch FROM p.ended_at))
                        ORDER BY p.ended_at)
        FROM attempts p WHERE p.call_job_id = a.call_job_id AND p.state = 'ended' AND p.given_back_at IS NULL
       ) AS history
FROM attempts a CROSS JOIN line_status l JOIN call_jobs j ON j.id = a.call_job_id
LEFT JOIN workers w ON w.id = a.worker_id
WHERE a.state <> 'ended'"""  # noqa: S608 - constants

_FOLLOWED: LiteralString = f"""/* attempts_to_follow */
{OPEN_ATTEMPTS}
  AND (a.state = 'answered' OR a.doubt_since IS NOT NULL OR {_IS_NOBODYS})
  AND (a.looked_at IS NULL OR a.looked_at < now() - CASE
       WHEN a.state = 'answered' AND a.empty_since IS NOT NULL THEN %(gone)s::interval
       WHEN a.mark IS NOT NULL OR a.alone_since IS NOT NULL THEN %(again)s::interval
       WHEN a.state = 'answered' AND a.has_agent THEN %(company)s::interval
       ELSE %(look)s::interval END)
ORDER BY a.looked_at NULLS FIRST
LIMIT %(most)s"""


async def attempts_to_follow(
    ledger: Ledger, *, fence: Fence, leases: Leases, look_every: timedelta, most: int
) -> list[FollowedAttempt]:
    """Open attempts whose look is due: answered, in doubt, without an owner, or past their owner's deadline.

    A person who talks with an agent is looked at five times as often, one who is alone, or hung up on, ten times.
    """
    rows = await ledger.rows(
        _FOLLOWED,
        {
            **owner_bounds(fence, leases),
            "gone": fence.gone,
            "look": look_every,
            "company": look_every / 5,
            "again": look_every / 10,
            "most": most,
        },
    )
    return [followed(row) for row in rows]


def owner_bounds(fence: Fence, leases: Leases) -> dict[str, timedelta]:
    """The parameters of ``OPEN_ATTEMPTS``."""
    return {"owner": leases.owner, "deadline": fence.gate + fence.answer}


def followed(row: Row) -> FollowedAttempt:
    """An open attempt out of a row of ``attempts`` with what else such a statement selects."""
    attempt = OpenAttempt(
        attempt_id=row["id"],
        state=AttemptState(row["state"]),
        claimed_at=row["claimed_at"],
        ringing_timeout=timedelta(seconds=row["ringing_timeout_seconds"]),
        talk_limit=timedelta(seconds=row["talk_limit_seconds"]),
        mark=row["mark"],
        has_agent=row["has_agent"],
        agent_at=row["agent_at"],
        alone_since=row["alone_since"],
        report=row["report"],
        answered_at=row["answered_at"],
        doubt_since=row["doubt_since"],
        doubt_rule=row["doubt_rule"],
        seen_at=row["seen_at"],
        seen_status=row["seen_status"],
        empty_since=row["empty_since"],
        looked_at=row["looked_at"],
        livekit_forgot=row["sentinel_sid"] != row["sentinel_now"],
        livekit_away_at=row["away_at"],
        now=row["ledger_now"],
    )
    return FollowedAttempt(
        open=attempt,
        campaign_id=row["campaign_id"],
        trunk_id=row["trunk_id"],
        number=row["number"],
        zones=row["zones"],
        history=past_attempts(row["history"]),
        is_nobodys=row["is_nobodys"],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class LookNote:
    """What one look changes in an attempt that stays open."""

    attempt_id: UUID
    looked_at: datetime | None
    seen_at: datetime | None
    seen_status: str | None
    empty_since: datetime | None
    doubt_since: datetime | None
    doubt_rule: str | None
    agent_at: datetime | None = None
    alone_since: datetime | None = None
    mark: str | None = None
    report: Mapping[str, str] = field(default_factory=dict)


async def note_looks(ledger: Ledger, notes: Sequence[LookNote]) -> None:
    """Keep what looks found, so that another rescuer goes on where one stopped."""
    await ledger.changed(
        """/* note_looks */
        UPDATE attempts a
        SET looked_at = n.looked_at, seen_at = n.seen_at, seen_status = n.seen_status, empty_since = n.empty_since,
            doubt_since = n.doubt_since, doubt_rule = n.doubt_rule, agent_at = n.agent_at,
            alone_since = n.alone_since, report = a.report || n.report::jsonb, mark = coalesce(a.mark, n.mark),
            marked_at = CASE WHEN a.mark IS NULL AND n.mark IS NOT NULL THEN now() ELSE a.marked_at END
        FROM unnest(%(ids)s::uuid[], %(looked)s::timestamptz[], %(seen)s::timestamptz[], %(statuses)s::text[],
                    %(empty)s::timestamptz[], %(doubt)s::timestamptz[], %(rules)s::text[], %(agents)s::timestamptz[],
                    %(alone)s::timestamptz[], %(marks)s::text[], %(reports)s::text[])
             AS n (id, looked_at, seen_at, seen_status, empty_since, doubt_since, doubt_rule, agent_at, alone_since,
                   mark, report)
        WHERE a.id = n.id AND a.state <> 'ended'""",
        {
            "ids": [note.attempt_id for note in notes],
            "looked": [note.looked_at for note in notes],
            "seen": [note.seen_at for note in notes],
            "statuses": [note.seen_status for note in notes],
            "empty": [note.empty_since for note in notes],
            "doubt": [note.doubt_since for note in notes],
            "rules": [note.doubt_rule for note in notes],
            "agents": [note.agent_at for note in notes],
            "alone": [note.alone_since for note in notes],
            "marks": [note.mark for note in notes],
            "reports": [json_text(dict(note.report)) for note in notes],
        },
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an open attempt is counted."""

    attempt_id: UUID
    trunk_id: int
    account_id: int | None
    campaign_id: int


async def open_places(ledger: Ledger) -> list[Place]:
    """Every open attempt."""
    rows = await ledger.rows(
        """/* open_attempts */
        SELECT a.id AS attempt_id, a.trunk_id, t.account_id, a.campaign_id
        FROM attempts a LEFT JOIN trunks t ON t.id = a.trunk_id WHERE a.state <> 'ended'"""
    )
    return [Place(**row) for row in rows]


async def newest_claim(ledger: Ledger) -> datetime | None:
    """The newest ``claimed_at``; when it is older than Redis's mirror of it, the ledger was restored from a backup.

    Attempt ids are UUIDv7: the newest ids are the newest claims, give or take the callers' clocks.
    """
    row = await ledger.row(
        """/* newest_claim */
        SELECT max(claimed_at) AS newest FROM (SELECT claimed_at FROM attempts ORDER BY id DESC LIMIT 5000) AS last"""
    )
    return row["newest"] if row else None
