"""Releasing in the ledger: what is queued, what is due, and the move from WAITING to QUEUED.

What is due is found through ``call_jobs_turns``: by campaign, class of numbers and whether it is a retry, the longest
due first.  So neither contacts that are not due cost anything, nor those of another class, nor retries where new ones
are asked for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dialer.domain.due_work import Work, WorkKind
from dialer.domain.release_plan import Pick
from dialer.ledger.session import Row, Statements, Transaction

#: A try that has found no other trunk for so long is over; the next one may take any.
TRY_GOES_ON = timedelta(seconds=60)

_DUE = "j.due_at <= now() AND (j.open_until IS NULL OR j.open_until > now())"
_PROMISED = f"j.state = 'waiting' AND j.promised AND {_DUE}"
#: As ``call_jobs_turns`` has it: no other index will do.
_IN_TURN = f"j.state || '' = 'waiting' AND NOT j.promised AND {_DUE}"
_NOT_TRUNKS = "CASE WHEN j.due_at > now() - %(goes_on)s::interval THEN j.not_trunks ELSE '{}' END"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningCampaign:
    """A campaign that is running.

    Attributes:
        is_begun: neither before its start nor after its end.
    """

    id: int
    name: str
    weight: int
    max_concurrent_calls: int | None
    retries_first: bool
    has_agent: bool
    is_begun: bool


async def running_campaigns(statements: Statements) -> list[RunningCampaign]:
    rows = await statements.rows(
        """/* running_campaigns */
        SELECT id, name, weight, max_concurrent_calls, retries_first, agent_name IS NOT NULL AS has_agent,
               (start_at IS NULL OR start_at <= now()) AND (end_at IS NULL OR end_at > now()) AS is_begun
        FROM campaigns WHERE state = 'running' ORDER BY id"""
    )
    return [RunningCampaign(**row) for row in rows]


async def lock_trunks(transaction: Transaction, trunk_ids: Collection[int]) -> set[int]:
    """For which of these trunks this transaction, and no other feeder, releases until its end."""
    rows = await transaction.rows(
        """/* release_lock */
        SELECT t.id FROM unnest(%(trunks)s::int[]) AS t (id)
        WHERE pg_try_advisory_xact_lock(hashtextextended('dialer/release', t.id))""",
        {"trunks": sorted(trunk_ids)},
    )
    return {row["id"] for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedJobs:
    """How many call jobs of a campaign are QUEUED for a trunk, and how many of those were released lately."""

    trunk_id: int
    campaign_id: int
    jobs: int
    fresh: int


async def queued_jobs(statements: Statements, *, fresh_after: UUID) -> list[QueuedJobs]:
    """The QUEUED call jobs of every trunk; release ids are UUIDv7, so those after this one are the newer."""
    rows = await statements.rows(
        """/* queued_jobs */
        SELECT coalesce(j.trunk_id, c.trunk_id) AS trunk_id, j.campaign_id, count(*) AS jobs,
               count(*) FILTER (WHERE j.lease_token > %(fresh)s) AS fresh
        FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id
        WHERE j.state = 'queued' AND coalesce(j.trunk_id, c.trunk_id) IS NOT NULL GROUP BY 1, 2""",
        {"fresh": fresh_after},
    )
    return [QueuedJobs(**row) for row in rows]


_DUE_WORK = f"""/* due_work */
SELECT w.campaign_id, w.route, d.kind, d.not_trunks, d.jobs
FROM unnest(%(campaigns)s::int[], %(routes)s::text[], %(most)s::int[]) AS w (campaign_id, route, most), LATERAL (
    SELECT 'retry' AS kind, r.not_trunks, count(*) AS jobs FROM (
        SELECT {_NOT_TRUNKS} AS not_trunks FROM call_jobs j
        WHERE j.campaign_id = w.campaign_id AND j.route = w.route AND j.tried AND {_IN_TURN}
        ORDER BY j.due_at, j.id LIMIT w.most) AS r GROUP BY 2
    UNION ALL
    SELECT 'new', '{{}}', count(*) FROM (
        SELECT FROM call_jobs j
        WHERE j.campaign_id = w.campaign_id AND j.route = w.route AND NOT j.tried AND {_IN_TURN}
        ORDER BY j.due_at, j.id LIMIT w.most) AS n
) AS d WHERE d.jobs > 0
UNION ALL
SELECT w.campaign_id, p.route, 'promised', p.not_trunks, count(*)
FROM (SELECT DISTINCT ON (campaign_id) campaign_id, most
      FROM unnest(%(campaigns)s::int[], %(most)s::int[]) AS c (campaign_id, most)) AS w, LATERAL (
    SELECT j.route, {_NOT_TRUNKS} AS not_trunks FROM call_jobs j
    WHERE j.campaign_id = w.campaign_id AND {_PROMISED}
    ORDER BY j.due_at LIMIT w.most) AS p
GROUP BY 1, 2, 3, 4"""  # noqa: S608 - constants


async def due_work(
    statements: Statements, routes: Mapping[int, Collection[str]], most: Mapping[int, int]
) -> list[Work]:
    """What is due and open now, by campaign, class of numbers and trunks that failed.

    Args:
        routes: the classes of numbers, by campaign.
        most: of each kind no more are counted than this, by campaign.
    """
    pairs = [(campaign_id, route) for campaign_id, own in routes.items() for route in own if most[campaign_id] > 0]
    rows = await statements.rows(
        _DUE_WORK,
        {
            "campaigns": [campaign_id for campaign_id, _ in pairs],
            "routes": [route for _, route in pairs],
            "most": [most[campaign_id] for campaign_id, _ in pairs],
            "goes_on": TRY_GOES_ON,
        },
    )
    return _works(rows)


def _works(rows: Iterable[Row]) -> list[Work]:
    works: dict[tuple[int, str, frozenset[int]], Work] = {}
    for row in rows:
        key = (row["campaign_id"], row["route"], frozenset(row["not_trunks"]))
        work = works.setdefault(key, Work(campaign_id=key[0], route=key[1], not_trunks=key[2]))
        work.due[WorkKind(row["kind"])] = row["jobs"]
    return list(works.values())


_RELEASE = f"""/* release_jobs */
WITH pick AS MATERIALIZED (
    SELECT p.* FROM unnest(%(picks)s::int[], %(trunks)s::int[], %(campaigns)s::int[], %(routes)s::text[],
                           %(kinds)s::text[], %(counts)s::int[], %(firsts)s::int[])
        AS p (pick, trunk_id, campaign_id, route, kind, jobs, first)
    JOIN campaigns c ON c.id = p.campaign_id
    WHERE c.state = 'running' AND (c.start_at IS NULL OR c.start_at <= now()) AND (c.end_at IS NULL OR c.end_at > now())
), found AS MATERIALIZED (
    SELECT p.*, j.* FROM pick p, LATERAL (
        SELECT j.id, j.number, j.due_at FROM call_jobs j
        WHERE p.kind = 'promised' AND j.campaign_id = p.campaign_id AND j.route = p.route AND {_PROMISED}
          AND (p.trunk_id <> ALL (j.not_trunks) OR j.due_at <= now() - %(goes_on)s::interval)
        ORDER BY j.due_at LIMIT p.jobs FOR UPDATE SKIP LOCKED) AS j
    UNION ALL
    SELECT p.*, j.* FROM pick p, LATERAL (
        SELECT j.id, j.number, j.due_at FROM call_jobs j
        WHERE p.kind IN ('retry', 'oldest') AND j.campaign_id = p.campaign_id AND j.route = p.route AND j.tried
          AND {_IN_TURN}
          AND (p.trunk_id <> ALL (j.not_trunks) OR j.due_at <= now() - %(goes_on)s::interval)
        ORDER BY j.due_at, j.id LIMIT p.jobs FOR UPDATE SKIP LOCKED) AS j
    UNION ALL
    SELECT p.*, j.* FROM pick p, LATERAL (
        SELECT j.id, j.number, j.due_at FROM call_jobs j
        WHERE p.kind IN ('new', 'oldest') AND j.campaign_id = p.campaign_id AND j.route = p.route AND NOT j.tried
          AND {_IN_TURN}
        ORDER BY j.due_at, j.id LIMIT p.jobs FOR UPDATE SKIP LOCKED) AS j
), chosen AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.pick ORDER BY f.due_at, f.id) AS turn FROM found f
), judged AS MATERIALIZED (
    SELECT c.*, is_suppressed(c.number, c.campaign_id) AS is_suppressed FROM chosen c WHERE c.turn <= c.jobs
), placed AS (
    SELECT j.id, j.trunk_id, j.is_suppressed, j.first,
           row_number() OVER (PARTITION BY j.trunk_id, j.is_suppressed
                              ORDER BY j.kind <> 'promised', (j.turn - 0.5) / j.jobs, j.id) - 1 AS place
    FROM judged j
)
UPDATE call_jobs j SET
    state = CASE WHEN p.is_suppressed THEN 'finished' ELSE 'queued' END,
    finish_reason = CASE WHEN p.is_suppressed THEN 'suppressed' END,
    trunk_id = p.trunk_id,
    lease_until = CASE WHEN NOT p.is_suppressed THEN now() + %(lease)s END,
    lease_token = CASE WHEN NOT p.is_suppressed THEN (%(releases)s::uuid[])[p.first + p.place / %(size)s] END
FROM placed p WHERE j.id = p.id
RETURNING j.id, j.lease_token"""  # noqa: S608 - constants


async def release_jobs(
    statements: Statements,
    picks: Sequence[Pick],
    *,
    lease: timedelta,
    releases: Mapping[int, Sequence[UUID]],
    size: int,
) -> dict[UUID, list[int]]:
    """Move call jobs to QUEUED, ``size`` under each release id; returns them by release.

    Numbers that must not be called are finished instead.  On the queue promised calls back come first, and the picks
    of a trunk lie evenly among each other, so that none waits behind another's list.  A campaign that is not running,
    has not begun or is over releases nothing.

    Args:
        releases: release ids of each trunk, enough for all its picks.
    """
    first, ids = _numbered(releases)
    rows = [(place, pick, route) for place, pick in enumerate(picks) for route in pick.routes]
    released = await statements.rows(
        _RELEASE,
        {
            "picks": [place for place, _, _ in rows],
            "trunks": [pick.trunk_id for _, pick, _ in rows],
            "campaigns": [pick.campaign_id for _, pick, _ in rows],
            "routes": [route for _, _, route in rows],
            "kinds": [pick.kind.value for _, pick, _ in rows],
            "counts": [pick.jobs for _, pick, _ in rows],
            "firsts": [first[pick.trunk_id] for _, pick, _ in rows],
            "releases": ids,
            "lease": lease,
            "size": size,
            "goes_on": TRY_GOES_ON,
        },
    )
    found: dict[UUID, list[int]] = {}
    for row in released:
        if row["lease_token"]:
            found.setdefault(row["lease_token"], []).append(row["id"])
    return found


def _numbered(releases: Mapping[int, Sequence[UUID]]) -> tuple[dict[int, int], list[UUID]]:
    """All ids in one list, and where in it, from 1, those of each trunk begin."""
    first: dict[int, int] = {}
    ids: list[UUID] = []
    for trunk_id, own in releases.items():
        first[trunk_id] = len(ids) + 1
        ids += own
    return first, ids
