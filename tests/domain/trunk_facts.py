"""Trunks at noon, for tests of what holds them back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.hold_words import TrunkFacts
from dialer.domain.machinery import Machinery
from dialer.domain.trunk import Account, Trunk
from dialer.domain.trunk_holds import Hold, HoldReason
from dialer.domain.trunk_state import Health, TrunkState

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MACHINERY = Machinery(
    callers=1,
    feeders=1,
    rescuers=1,
    line="ok",
    line_detail="",
    line_since=NOON - timedelta(hours=1),
    now=NOON,
)
ACME = Account(id=1, name="acme", calls_per_second=8.0, max_concurrent_calls=30)


def state_of(
    name: str,
    *,
    calls_per_second: float = 5.0,
    max_concurrent_calls: int = 20,
    account: Account | None = None,
    **settings: Any,  # of the trunk
) -> TrunkState:
    trunk = Trunk(
        id=len(name),
        name=name,
        livekit_trunk_id=f"ST_{name}",
        calls_per_second=calls_per_second,
        max_concurrent_calls=max_concurrent_calls,
        account_id=account.id if account else None,
        **settings,
    )
    return TrunkState(trunk=trunk, account=account, now=NOON)


def facts_of(state: TrunkState, *, calls_now: float = 2.0, slots_taken: int | None = 8, **more: Any) -> TrunkFacts:
    return TrunkFacts(machinery=MACHINERY, state=state, calls_now=calls_now, slots_taken=slots_taken, **more)


def held_by(breaker: Breaker | str) -> Callable[[TrunkFacts], TrunkFacts]:
    """Shuts a trunk; a text is the reason for which it is held."""
    if isinstance(breaker, str):
        breaker = Breaker(state=BreakerState.HELD, reason=breaker, rule="sip_402", since=NOON - timedelta(minutes=10))
    return lambda facts: replace(
        facts, state=replace(facts.state, trunk_health=replace(facts.state.trunk_health, breaker=breaker))
    )


def noted(facts: TrunkFacts, reason: HoldReason, detail: str = "", *, seconds_ago: float = 2.0) -> TrunkFacts:
    """The feeder has noted it for ten minutes, and last so long ago."""
    return replace(
        facts,
        hold=Hold(reason, detail),
        hold_since=NOON - timedelta(minutes=10),
        hold_seen_at=NOON - timedelta(seconds=seconds_ago),
    )


def learned(facts: TrunkFacts, **health: Any) -> TrunkFacts:
    return replace(facts, state=replace(facts.state, trunk_health=Health(**{"breaker": Breaker(), **health})))


def running(facts: TrunkFacts, **changes: Any) -> TrunkFacts:
    """With other processes, or another LiveKit."""
    return replace(facts, machinery=replace(MACHINERY, **changes))


A_WHILE = timedelta(seconds=20)
MAIN = facts_of(state_of("main"), campaigns=("may",))
OF_ACME = facts_of(state_of("main", account=ACME), account_slots_taken=30, campaigns=("may", "june"))
FAILED = Breaker(
    state=BreakerState.OPEN,
    reason="5 of its last calls failed, the newest like this: the carrier answered SIP 503"
    "; one call at a time tries whether it is well again; if it stays so, ask the carrier",
    since=NOON - A_WHILE,
    openings=1,
    probe_at=NOON + timedelta(seconds=6),
)
HELD = replace(
    FAILED,
    state=BreakerState.HELD,
    openings=0,
    probe_at=None,
    reason="the carrier says that the account has no balance: top up the account at the carrier, "
    "then try it with `dialer trunk probe`",
)
