"""How campaigns and trunks stand at this moment, for lists and for the question what holds a campaign back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Ledger, Statements

#: Attempt ids are UUIDv7 made by the callers' clocks, which may be this far behind the ledger's.
_CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """What a trunk was really sent, for all campaigns together.

    Attributes:
        until: what was begun later is not counted, as the carrier may not have answered it yet.
        sent: attempts begun in the last while before.
        refused: those of them that the carrier has refused as too much, as far as they are settled.
        span: since the first of them: right after its start, or a rest, that is less than the whole while.
        calls_up: calls that have been up for two seconds or more.
        calls_open: all attempts that are not over.
        under_way: when the newest of them were begun.
    """

    until: datetime
    sent: int
    refused: int
    span: timedelta
    calls_up: int
    calls_open: int
    under_way: dict[UUID, datetime]
    now: datetime


#: Of so many calls under way it is told when they were begun.
_NEWEST = 50
#: Attempts this young are not counted: the carrier has not answered them yet.
_YOUNG = timedelta(seconds=0.3)


async def sending_of_trunk(ledger: Ledger, trunk_id: int, *, over: timedelta) -> Sending:
    """How fast the trunk was sent calls in the last while (``over``), and how many are up."""
    now = await ledger.now()
    since, until = now - _YOUNG - over, now - _YOUNG
    row = await ledger.row(
        """/* sending_of_trunk */
        SELECT min(claimed_at) FILTER (WHERE claimed_at BETWEEN %(since)s AND %(until)s) AS first,
               count(*) FILTER (WHERE claimed_at BETWEEN %(since)s AND %(until)s AND sent IS NOT FALSE) AS sent,
               count(*) FILTER (WHERE claimed_at BETWEEN %(since)s AND %(until)s AND outcome = 'congestion' AND sent)
                   AS refused,
               (SELECT count(*) FROM attempts WHERE trunk_id = %(trunk)s AND state <> 'ended'
                   AND claimed_at < now() - interval '2 s') AS up,
               (SELECT count(*) FROM attempts WHERE trunk_id = %(trunk)s AND state <> 'ended') AS open
        FROM attempts WHERE trunk_id = %(trunk)s AND id > %(oldest)s""",
        {"trunk": trunk_id, "since": since, "until": until, "oldest": _first_id_of(since - _CLOCKS_APART)},
    )
    assert row is not None
    return Sending(
        until=until,
        sent=row["sent"],
        refused=row["refused"],
        span=until - row["first"] if row["first"] else timedelta(0),
        calls_up=row["up"],
        calls_open=row["open"],
        under_way=await _under_way(ledger, trunk_id),
        now=now,
    )


async def _under_way(ledger: Ledger, trunk_id: int) -> dict[UUID, datetime]:
    rows = await ledger.rows(
        """/* under_way */
        SELECT id, claimed_at FROM attempts WHERE trunk_id = %(trunk)s AND state <> 'ended'
        ORDER BY id DESC LIMIT %(most)s""",
        {"trunk": trunk_id, "most": _NEWEST},
    )
    return {row["id"]: row["claimed_at"] for row in rows}


def _first_id_of(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the primary key's index then finds the newest attempts without a scan."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


async def count_call_jobs(ledger: Ledger) -> dict[int, dict[str, int]]:
    """How many call jobs of each state every campaign has, by campaign id."""
    rows = await ledger.rows(
        """/* count_call_jobs */
        SELECT campaign_id, state, count(*) AS jobs FROM call_jobs GROUP BY campaign_id, state"""
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["campaign_id"], {})[row["state"]] = row["jobs"]
    return found


async def used_lately(
    statements: Statements, trunk_ids: Sequence[int], *, within: timedelta, now: datetime
) -> set[int]:
    """Which of these trunks were dialed through ``within``, or have something on their queue."""
    if not trunk_ids:
        return set()
    rows = await statements.rows(
        """/* used_lately */
        SELECT t.id FROM unnest(%(trunks)s::int[]) AS t (id)
        WHERE EXISTS (SELECT FROM attempts a WHERE a.trunk_id = t.id AND a.id > %(oldest)s
                        AND a.claimed_at > now() - %(within)s::interval)
           OR EXISTS (SELECT FROM call_jobs j WHERE j.trunk_id = t.id AND j.state = 'queued')""",
        {"trunks": list(trunk_ids), "within": within, "oldest": _first_id_of(now - within - _CLOCKS_APART)},
    )
    return {row["id"] for row in rows}
