"""What tests of pacing have in common: several trunks, tickets of any of them, answers, and what was learned."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.trunk import Account, Trunk
from dialer.domain.trunk_state import WELL, Health
from dialer.ledger.accounts import add_account
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaigns import Campaign
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.trunks import edit_trunk
from dialer.telephony.line import DialRequest, Gate
from tests.factories import make_trunk
from tests.fakes import ScriptedLine

LIVEKIT_QUOTA = LineResult(
    reply=Reply.REFUSED, http_status=429, twirp_code="resource_exhausted", message="rate limit exceeded", seconds=0.05
)
NO_SIP_NODE = LineResult(
    reply=Reply.REFUSED, http_status=503, twirp_code="unavailable", message="no response from servers", seconds=2.0
)
RING_TIMEOUT = LineResult(
    reply=Reply.REFUSED,
    http_status=408,
    twirp_code="deadline_exceeded",
    message="twirp error unknown: sip request timed out",
    seconds=30.0,
)
REFUSED_REQUEST = LineResult(
    reply=Reply.REFUSED, http_status=400, twirp_code="invalid_argument", message="no such field", seconds=0.01
)


def sip(code: int, status: str = "", *, seconds: float = 0.2, rang: bool | None = None) -> LineResult:
    """The carrier's answer, as LiveKit passes it on."""
    return LineResult(
        reply=Reply.REFUSED,
        http_status=429 if code == 486 else 412,
        twirp_code="resource_exhausted" if code == 486 else "failed_precondition",
        message=f"twirp error unknown: INVITE failed: sip status: {code}: {status}",
        sip_code=code,
        sip_status=status or None,
        seconds=seconds,
        rang=rang,
    )


DOWN = sip(503, "Service Unavailable")
TOO_FAST = sip(503, "Trunk CPS limit exceeded")
FULL = sip(503, "Concurrent call limit reached")
BROKE = sip(403, "Account suspended")
DECLINED = sip(603, "Decline")


class TrunkLine(ScriptedLine):
    """A line that answers by trunk: each has its own row of results, the last of which repeats."""

    def __init__(self, by_trunk: dict[str, list[LineResult]]) -> None:
        super().__init__()
        self.by_trunk = by_trunk

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        await gate()
        self.dialed.append(request)
        results = self.by_trunk[request.livekit_trunk_id or ""]
        return results.pop(0) if len(results) > 1 else results[0]


async def make_trunks(dialer: Dialer, *names: str, account: Account | None = None, **more: object) -> list[Trunk]:
    """Trunks with these names and ``ST_<name>`` as their ids; ``more`` are further settings of each."""
    made = []
    for name in names:
        trunk = await make_trunk(dialer.ledger, name=name, livekit_trunk_id=f"ST_{name}")
        trunk = replace(trunk, account_id=account.id if account else None, **more)  # type: ignore[arg-type]
        await edit_trunk(dialer.ledger, trunk)
        made.append(trunk)
    return made


async def make_account(dialer: Dialer, *, rate: float | None = None, calls: int | None = None) -> Account:
    return await add_account(dialer.ledger, "carrier", calls_per_second=rate, max_concurrent_calls=calls)


async def add_ways(dialer: Dialer, campaign: Campaign, *trunks: Trunk, prefix: str = "") -> None:
    """These trunks, in this order, for the campaign."""
    for place, trunk in enumerate(trunks):
        await dialer.ledger.changed(
            """INSERT INTO campaign_trunks (campaign_id, trunk_id, prefix, place)
               VALUES (%(campaign)s, %(trunk)s, %(prefix)s, %(place)s)""",
            {"campaign": campaign.id, "trunk": trunk.id, "prefix": prefix, "place": place},
        )


async def queue(
    dialer: Dialer, campaign: Campaign, trunk: Trunk, *, most: int = 100, release_id: UUID | None = None
) -> list[Ticket]:
    """Call jobs that wait, due or not, QUEUED for the trunk as a feeder does it, and taken up."""
    release = release_id or dialer.new_id()
    rows = await dialer.ledger.rows(
        """UPDATE call_jobs SET state = 'queued', lease_token = %(release)s, lease_until = now() + interval '60 s',
               trunk_id = %(trunk)s
           WHERE id IN (SELECT id FROM call_jobs WHERE campaign_id = %(campaign)s AND state = 'waiting'
                        ORDER BY id LIMIT %(most)s)
           RETURNING id""",
        {"release": release, "trunk": trunk.id, "campaign": campaign.id, "most": most},
    )
    return [
        Ticket(attempt_id=dialer.new_id(), call_job_id=job_id, release_id=release, trunk_id=trunk.id)
        for job_id in sorted(row["id"] for row in rows)
    ]


async def place_in_turn(desk: Desk, tickets: Iterable[Ticket]) -> None:
    """One after another, and what was learned of each before the next."""
    for ticket in tickets:
        await place_call(desk, ticket)
        await learned(desk)


async def place_at_once(desk: Desk, tickets: Iterable[Ticket]) -> None:
    await asyncio.gather(*(place_call(desk, ticket) for ticket in tickets))
    await learned(desk)


async def learned(desk: Desk) -> None:
    """Until all that was answered is taken in; what broke over it breaks the test."""
    while desk._lessons:
        await asyncio.gather(*desk._lessons)


async def health_of(dialer: Dialer, trunk: Trunk) -> Health:
    return (await read_health(dialer.ledger)).get(("trunk", trunk.id), WELL)


async def state_of(dialer: Dialer, scope: Scope) -> BreakerState:
    return (await read_health(dialer.ledger)).get(scope, WELL).breaker.state


async def set_breaker(dialer: Dialer, scope: Scope, breaker: Breaker, *, probe: UUID | None = None) -> None:
    """Write a breaker as if it had come to be so."""
    known = (await read_health(dialer.ledger)).get(scope, WELL)
    assert await write_health(dialer.ledger, scope, replace(known, breaker=breaker, probe_release=probe))


async def jobs(dialer: Dialer) -> list[dict[str, object]]:
    """Every call job, in order, with how long until it is due, in seconds."""
    return await dialer.ledger.rows(
        """SELECT id, state, finish_reason, attempts_counted, not_trunks, try_id,
                  extract(epoch FROM due_at - now())::float8 AS due_in FROM call_jobs ORDER BY id"""
    )


async def attempts(dialer: Dialer) -> list[dict[str, object]]:
    return await dialer.ledger.rows("SELECT * FROM attempts ORDER BY id")


async def begun_before(dialer: Dialer, tickets: Sequence[Ticket], age: timedelta) -> None:
    """Let these attempts have been begun so long ago."""
    await dialer.ledger.changed(
        "UPDATE attempts SET claimed_at = claimed_at - %(age)s WHERE id = ANY (%(ids)s)",
        {"age": age, "ids": [ticket.attempt_id for ticket in tickets]},
    )
