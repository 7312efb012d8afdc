"""Finds trunks that have fallen silent, and gives back what dead trunks and storms have cost.

No webhook tells that a phone rings, or that none does; a carrier that swallows INVITEs shows only after 32 s, in which
a trunk has swallowed hundreds.  So a few calls are looked at when nothing has been heard of any for some seconds.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from dialer.actions.probe_trunk import SILENT_AFTER, sample_of, seen
from dialer.actions.trunk_health import BROKEN_DELAY, tell_health
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState, judge_results
from dialer.domain.storm import PATTERNS
from dialer.domain.trunk_result import FAST_SECONDS, TrunkResult
from dialer.domain.trunk_state import WELL
from dialer.errors import LineUnavailable
from dialer.ledger.given_back import attempts_into_silence, attempts_of_storm, give_back
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.quiet_trunks import QuietCall, quiet_calls
from dialer.limits.trunk_results import note_results

log = structlog.get_logger()

#: Calls of one trunk that are looked at together; so many that are all silent open the breaker.
LOOKED_AT = 8
#: Attempts that began so long before a breaker opened may have been its victims.
BEFORE = timedelta(seconds=70)
#: What was begun longer ago has ended, and was given back in an earlier round.
BEGUN_LATELY = timedelta(minutes=5)


async def watch_trunks(dialer: Dialer) -> None:
    """One round: look at quiet trunks, then give back.

    Raises:
        StoreUnavailable: ledger or Redis does not answer.
    """
    await _look_at_quiet(dialer)
    await give_back_victims(dialer)


async def _look_at_quiet(dialer: Dialer) -> None:
    silent_after = SILENT_AFTER / dialer.time_scale
    calls = await quiet_calls(dialer.ledger, older_than=silent_after, most=LOOKED_AT)
    if not calls:
        return
    rooms = {dialer.room_name(call.attempt_id): str(call.attempt_id) for call in calls}
    try:
        looks = await dialer.line.look(rooms)
    except LineUnavailable as error:
        log.warning("quiet_trunks_not_looked_at", error=str(error))
        return
    now = await dialer.ledger.now()
    found: dict[int, list[TrunkResult]] = {}
    for call in calls:
        look = looks[dialer.room_name(call.attempt_id)]
        age = (now - call.claimed_at) * dialer.time_scale
        if look.present and (result := seen(_sample(call), look, age=age)) is not None:
            found.setdefault(call.trunk_id, []).append(result)
    for trunk_id, results in found.items():
        await _judge(dialer, trunk_id, results)


def _sample(call: QuietCall) -> TrunkResult:
    return sample_of(call.attempt_id, call.number, call.claimed_at)


async def _judge(dialer: Dialer, trunk_id: int, results: list[TrunkResult]) -> None:
    scope: Scope = ("trunk", trunk_id)
    window = await note_results(dialer.redis, trunk_id, results)
    health = (await read_health(dialer.ledger)).get(scope, WELL)
    now = await dialer.ledger.now()
    breaker = judge_results(health.breaker, window, now=now)
    if breaker != health.breaker and await write_health(dialer.ledger, scope, replace(health, breaker=breaker)):
        log.warning("health_changed", scope="trunk", scope_id=trunk_id, breaker=breaker.state.value, rule=breaker.rule)
        await tell_health(dialer)


async def give_back_victims(dialer: Dialer) -> int:
    """Attempts that a trunk has cost whose breaker is not closed, or closed a moment ago; says how many."""
    known = await read_health(dialer.ledger)
    given = 0
    for (scope, trunk_id), health in known.items():
        if scope == "trunk" and health.breaker.opened_at is not None:
            given += await _give_back(dialer, trunk_id, health.breaker)
    return given


async def _give_back(dialer: Dialer, trunk_id: int, breaker: Breaker) -> int:
    assert breaker.opened_at is not None
    now = await dialer.ledger.now()
    until = breaker.closed_at if breaker.state is BreakerState.CLOSED and breaker.closed_at else now
    if now - until > BEFORE:
        return 0
    since = max(breaker.opened_at - BEFORE, now - BEGUN_LATELY)
    code = _STORM_CODES.get(breaker.rule)
    ids = (
        await attempts_of_storm(
            dialer.ledger, trunk_id, sip_code=code, since=since, until=until, most_seconds=FAST_SECONDS
        )
        if code
        else await attempts_into_silence(dialer.ledger, trunk_id, opened_at=breaker.opened_at, since=since, until=until)
    )
    return await give_back(dialer.ledger, ids, rule=breaker.rule or "trunk_dead", due_in=BROKEN_DELAY) if ids else 0


_STORM_CODES: Mapping[str, int] = {f"storm_{code}": code for code, pattern in PATTERNS.items() if pattern.holds}
