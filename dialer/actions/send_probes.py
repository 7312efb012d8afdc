"""Lets out what tries whether a trunk is well: the one call of an open breaker, and the slow start after idleness."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from dialer.domain.breaker import BreakerState, is_probe_due, probe_begun
from dialer.domain.due_work import Work
from dialer.domain.release_plan import Pick, pick_probe
from dialer.domain.route import CampaignWays
from dialer.domain.trunk_state import Health, TrunkState
from dialer.ledger.health import Scope, write_health
from dialer.ledger.session import Transaction
from dialer.ledger.standing import used_lately

log = structlog.get_logger()

#: A trunk that was not dialed through for so long was idle.
IDLE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """The call job that tries a trunk, and whose health it will tell of: its own, its account's, or both."""

    pick: Pick
    scopes: Mapping[Scope, Health]


def plan_probes(
    states: Mapping[int, TrunkState], mine: Collection[int], works: Iterable[Work], ways: Mapping[int, CampaignWays]
) -> list[Probe]:
    """Which probes go out now; what they need of the work is taken out of it.

    An account is tried through one of its trunks: one that is well itself, where there is one.
    """
    works = list(works)
    probes: list[Probe] = []
    asked: set[Scope] = set()
    for trunk_id, scopes in sorted(_due(states, mine).items(), key=lambda one: (len(one[1]), one[0])):
        if asked & scopes.keys():
            continue
        pick = pick_probe(trunk_id, works, ways)
        if pick is not None:
            asked |= scopes.keys()
            probes.append(Probe(pick=pick, scopes=scopes))
    return probes


def _due(states: Mapping[int, TrunkState], mine: Collection[int]) -> dict[int, dict[Scope, Health]]:
    found = {trunk_id: _not_well(state) for trunk_id, state in states.items() if trunk_id in mine}
    return {
        trunk_id: scopes
        for trunk_id, scopes in found.items()
        if scopes and all(is_probe_due(health.breaker, states[trunk_id].now) for health in scopes.values())
    }


def _not_well(state: TrunkState) -> dict[Scope, Health]:
    scopes: dict[Scope, Health] = {("trunk", state.trunk.id): state.trunk_health}
    if state.account is not None:
        scopes["account", state.account.id] = state.account_health
    return {scope: health for scope, health in scopes.items() if health.breaker.state is not BreakerState.CLOSED}


async def note_probe(transaction: Transaction, state: TrunkState, probe: Probe, release_id: UUID) -> None:
    """A probe's call job was released: from now on the breaker lets this release through, and nothing else."""
    for scope, health in probe.scopes.items():
        changed = replace(health, breaker=probe_begun(health.breaker, now=state.now), probe_release=release_id)
        if await write_health(transaction, scope, changed):
            log.info("probe_released", scope=scope[0], scope_id=scope[1], trunk_id=state.trunk.id)
        else:
            log.info("probe_not_needed", scope=scope[0], scope_id=scope[1])  # its call is refused, and comes again


async def ramp_after_idleness(
    transaction: Transaction, states: Mapping[int, TrunkState], busy: Collection[int]
) -> dict[int, TrunkState]:
    """Those of the busy trunks that ask for it and were idle: from now on they begin slowly."""
    asking = [trunk_id for trunk_id in busy if states[trunk_id].trunk.ramp_at_start and not _ramps(states[trunk_id])]
    if not asking:
        return {}
    used = await used_lately(transaction, asking, within=IDLE, now=states[asking[0]].now)
    ramped: dict[int, TrunkState] = {}
    for trunk_id in set(asking) - used:
        state = states[trunk_id]
        breaker = replace(state.trunk_health.breaker, closed_at=state.now)
        health = replace(state.trunk_health, breaker=breaker)
        if await write_health(transaction, ("trunk", trunk_id), health):
            ramped[trunk_id] = replace(state, trunk_health=health)
    return ramped


def _ramps(state: TrunkState) -> bool:
    closed_at = state.trunk_health.breaker.closed_at
    return closed_at is not None and state.now - closed_at < IDLE
