"""The one call that tries whether a trunk, or an account, is well again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from dialer.actions.trunk_health import tell_health
from dialer.app import Dialer
from dialer.domain.breaker import ResultKind, TrunkResult, judge_probe, number_mark, probe_failed
from dialer.domain.trunk_state import Health
from dialer.errors import LineUnavailable
from dialer.ledger.health import Scope, read_health, write_health
from dialer.telephony.line import Look

log = structlog.get_logger()

#: So often a probe's room is looked into, and after so long without ringing the trunk counts as silent (seconds of the
#: line).  95 % of phones ring within 7 s of the INVITE, and most networks say something within 4 s.
LOOK_EVERY = 0.5
SILENT_AFTER = timedelta(seconds=6)
NO_RINGING = "no_ringing"
RINGING = frozenset({"ringing", "active", "automation", "hangup"})
_TRIES = 4


async def judge_probe_of(dialer: Dialer, release_id: UUID, result: TrunkResult | None) -> None:
    """Move the breaker that waits for this probe; None: it came to nothing.  Safe to repeat."""
    for _ in range(_TRIES):
        found = _waiting_for(await read_health(dialer.ledger), release_id)
        if found is None:
            return
        scope, health = found
        now = await dialer.ledger.now()
        breaker = judge_probe(health.breaker, result, now=now) if result else probe_failed(health.breaker, now=now)
        if await write_health(dialer.ledger, scope, replace(health, breaker=breaker, probe_release=None)):
            rule = result.rule if result else "nothing"
            log.warning("probe_judged", scope=scope[0], scope_id=scope[1], breaker=breaker.state.value, rule=rule)
            await tell_health(dialer)


def _waiting_for(known: dict[Scope, Health], release_id: UUID) -> tuple[Scope, Health] | None:
    return next(((scope, health) for scope, health in known.items() if health.probe_release == release_id), None)


@asynccontextmanager
async def watched(dialer: Dialer, release_id: UUID, sample: TrunkResult, *, room_name: str) -> AsyncIterator[None]:
    """Look into the probe's room while its POST is open: ringing is enough, and silence need not be waited out."""
    watching = asyncio.create_task(_watch(dialer, release_id, sample, room_name))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(dialer: Dialer, release_id: UUID, sample: TrunkResult, room_name: str) -> None:
    begun = dialer.clock.seconds()
    while True:
        await dialer.clock.sleep(LOOK_EVERY)
        try:
            look = (await dialer.line.look({room_name: str(sample.attempt_id)}))[room_name]
        except LineUnavailable:
            continue
        age = (dialer.clock.seconds() - begun) * dialer.time_scale
        if (result := seen(sample, look, age=timedelta(seconds=age))) is not None:
            await judge_probe_of(dialer, release_id, result)
            return


def seen(sample: TrunkResult, look: Look, *, age: timedelta) -> TrunkResult | None:
    """What a look at a call says about its trunk: it rings, or it has been silent for too long; None: nothing yet."""
    if look.status in RINGING:
        return replace(sample, kind=ResultKind.OK, rule="ringing", rang=True, seconds=age.total_seconds())
    if age >= SILENT_AFTER:
        return replace(sample, kind=ResultKind.FAILURE, rule=NO_RINGING, rang=False, seconds=age.total_seconds())
    return None


def sample_of(attempt_id: UUID, number: str, begun_at: datetime) -> TrunkResult:
    """A call of which nothing is known yet."""
    return TrunkResult(
        begun_at=begun_at,
        attempt_id=attempt_id,
        number_mark=number_mark(number),
        kind=ResultKind.SILENT_ON_HEALTH,
        rule=NO_RINGING,
        sip_code=None,
        seconds=0.0,
        rang=None,
    )
