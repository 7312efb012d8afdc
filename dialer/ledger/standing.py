"""How campaigns and trunks stand at this moment, for lists and for the question what holds a campaign back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dialer.ledger.session import Ledger

#: Attempt ids are UUIDv7 made by the callers' clocks, which may be this far behind the ledger's.
_CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkUse:
    """What a trunk does now, for all campaigns together.

    Attributes:
        calls_per_second: attempts begun, as an average of the last seconds.
        open_calls: attempts that are not over; each has a channel.
    """

    calls_per_second: float
    open_calls: int
    now: datetime


async def use_of_trunk(ledger: Ledger, trunk_id: int, *, window: timedelta) -> TrunkUse:
    """Count a trunk's attempts: those that are open, and those that began within ``window``."""
    now = await ledger.now()
    row = await ledger.row(
        """/* use_of_trunk */
        SELECT (SELECT count(*) FROM attempts WHERE trunk_id = %(trunk)s AND state <> 'ended') AS open_calls,
               (SELECT count(*) FROM attempts WHERE trunk_id = %(trunk)s AND id > %(oldest)s
                  AND claimed_at > %(since)s) AS begun""",
        {"trunk": trunk_id, "since": now - window, "oldest": _first_id_of(now - window - _CLOCKS_APART)},
    )
    assert row is not None
    return TrunkUse(calls_per_second=row["begun"] / window.total_seconds(), open_calls=row["open_calls"], now=now)


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
