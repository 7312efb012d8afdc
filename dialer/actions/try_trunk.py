"""A person acts on a breaker: has it tried by one call, or says that the trunk is well."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dialer.domain.breaker import Breaker, BreakerState, probe_asked, resumed_by_operator
from dialer.domain.trunk_state import WELL, Health, TrunkState
from dialer.errors import Conflict, NotFound
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.session import Ledger
from dialer.ledger.trunk_states import read_trunk_states
from dialer.limits.health_news import tell_callers
from dialer.limits.redis_session import RedisSession

_TRIES = 5
_BETWEEN_TRIES_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Shut:
    """What does not let a trunk's calls through: its own breaker, or its account's.

    Attributes:
        whose: as ``account acme``.
    """

    scope: Scope
    whose: str
    health: Health

    @property
    def breaker(self) -> Breaker:
        return self.health.breaker


async def what_is_shut(ledger: Ledger, name: str) -> list[Shut]:
    """The breakers that stand between calls and this trunk, its own first; none: it is well.

    Raises:
        NotFound: there is no such trunk; with the names there are.
    """
    states = await read_trunk_states(ledger)
    state = next((state for state in states.values() if state.trunk.name == name), None)
    if state is None:
        names = ", ".join(sorted(state.trunk.name for state in states.values())) or "none yet: `dialer trunk add`"
        raise NotFound(f"there is no trunk named {name!r}", hint=f"trunks: {names}")
    return shut_of(state)


def shut_of(state: TrunkState) -> list[Shut]:
    """The same of a state that was read."""
    both = [Shut(("trunk", state.trunk.id), f"trunk {state.trunk.name}", state.trunk_health)]
    if state.account is not None:
        both.append(Shut(("account", state.account.id), f"account {state.account.name}", state.account_health))
    return [shut for shut in both if shut.breaker.state is not BreakerState.CLOSED]


async def ask_for_probe(ledger: Ledger, redis: RedisSession, shut: Shut) -> Health:
    """The next person who is due tries it; returns the health as it is now.

    Raises:
        Conflict: others change it all the time.
    """
    return await _change(ledger, redis, shut.scope, lambda breaker, now: probe_asked(breaker, now=now))


async def resume(ledger: Ledger, redis: RedisSession, shut: Shut) -> Health:
    """Calls go out again, slowly at first; returns the health as it is now.

    Raises:
        Conflict: others change it all the time.
    """

    def closed(breaker: Breaker, now: datetime) -> Breaker:
        return breaker if breaker.state is BreakerState.CLOSED else resumed_by_operator(breaker, now=now)

    return await _change(ledger, redis, shut.scope, closed)


async def _change(
    ledger: Ledger, redis: RedisSession, scope: Scope, change: Callable[[Breaker, datetime], Breaker]
) -> Health:
    for _ in range(_TRIES):
        health = (await read_health(ledger)).get(scope, WELL)
        breaker = change(health.breaker, await ledger.now())
        if breaker == health.breaker:
            return health
        closed = breaker.state is BreakerState.CLOSED
        changed = replace(health, breaker=breaker, probe_release=None if closed else health.probe_release)
        if await write_health(ledger, scope, changed):
            await tell_callers(redis)
            return replace(changed, version=health.version + 1)
        await asyncio.sleep(_BETWEEN_TRIES_SECONDS)
    raise Conflict("it is being judged at this moment by others", hint="try again")
