"""Looks at trunks: what each could do now, what it does, and what holds it back.  Changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dialer.domain.hold_words import TrunkFacts
from dialer.domain.machinery import Machinery
from dialer.domain.trunk_holds import Hold
from dialer.domain.trunk_standing import Answer, why_slow
from dialer.domain.trunk_state import TrunkState
from dialer.errors import NotFound, StoreUnavailable
from dialer.ledger.line_status import read_line_status
from dialer.ledger.session import Ledger
from dialer.ledger.trunk_holds import TrunkHold, read_holds
from dialer.ledger.trunk_states import read_trunk_states
from dialer.ledger.trunk_use import TrunkActivity, read_activity
from dialer.ledger.workers import count_alive
from dialer.limits.buckets import of_account, of_trunk
from dialer.limits.call_slots import CallSlots
from dialer.limits.requests import requests_of_last_minute
from dialer.limits.sent_calls import SentLately, sent_lately

_SHORTEST_WINDOW_SECONDS = 3.0
_CALLS_IN_A_WINDOW = 3  #: a trunk of one call in 10 s is looked at for 30 s


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkStanding:
    """A trunk as it stands.

    Attributes:
        sent: when calls were let go; None: Redis does not answer.
        answer: what holds it back.
    """

    facts: TrunkFacts
    activity: TrunkActivity
    sent: SentLately | None
    answer: Answer

    @property
    def peak_second(self) -> int | None:
        """Most calls let go in one sliding second of the last minute; None: Redis does not answer."""
        return self.sent.peak_second if self.sent else None

    @property
    def state(self) -> TrunkState:
        return self.facts.state

    @property
    def name(self) -> str:
        return self.facts.name


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    """What Redis knows, by bucket and by trunk."""

    slots: Mapping[str, int]
    requests: int
    sent: Mapping[int, SentLately]


async def look_at_trunk(ledger: Ledger, slots: CallSlots, name: str, *, silence: timedelta) -> TrunkStanding:
    """Look at the trunk of this name.

    Raises:
        NotFound: there is no such trunk; with the names there are.
        StoreUnavailable: PostgreSQL does not answer.
    """
    standings = await look_at_trunks(ledger, slots, silence=silence)
    for standing in standings:
        if standing.name == name:
            return standing
    names = ", ".join(standing.name for standing in standings) or "none yet: `dialer trunk add`"
    raise NotFound(f"there is no trunk named {name!r}", hint=f"trunks: {names}")


async def look_at_trunks(ledger: Ledger, slots: CallSlots, *, silence: timedelta) -> list[TrunkStanding]:
    """Look at every trunk, by name.

    Args:
        silence: a process that was not heard of for this long is not running.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.  A Redis that does not is part of the answer.
    """
    states = await read_trunk_states(ledger)
    machinery = await look_at_machinery(ledger, silence=silence)
    windows = {trunk_id: _window(state) for trunk_id, state in states.items()}
    activity = await read_activity(ledger, windows, now=machinery.now)
    holds, limits = await read_holds(ledger), await _limits(slots, states)
    found = [
        _standing(machinery, state, activity[trunk_id], holds.get(trunk_id), limits)
        for trunk_id, state in states.items()
        if trunk_id in activity
    ]
    return sorted(found, key=lambda standing: standing.name)


async def look_at_machinery(ledger: Ledger, *, silence: timedelta) -> Machinery:
    """Which processes run, and whether LiveKit answers.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.
    """
    line, alive = await read_line_status(ledger), await count_alive(ledger, silence=silence)
    return Machinery(
        callers=alive.get("caller", 0),
        feeders=alive.get("feeder", 0),
        rescuers=alive.get("rescuer", 0),
        line=line.state,
        line_detail=line.detail,
        line_since=line.since,
        now=await ledger.now(),
    )


def _window(state: TrunkState) -> timedelta:
    return timedelta(seconds=max(_SHORTEST_WINDOW_SECONDS, _CALLS_IN_A_WINDOW / state.configured_calls_per_second))


async def _limits(slots: CallSlots, states: Mapping[int, TrunkState]) -> _Limits | None:
    buckets = {of_trunk(trunk_id) for trunk_id in states}
    buckets |= {of_account(state.account.id) for state in states.values() if state.account}
    try:
        leases = await slots.leases_in(sorted(buckets))
        return _Limits(
            slots={bucket: len(held) for bucket, held in leases.items()},
            requests=await requests_of_last_minute(slots.session),
            sent=await sent_lately(slots.session, {id_: state.calls_per_second for id_, state in states.items()}),
        )
    except StoreUnavailable:
        return None


def _standing(
    machinery: Machinery,
    state: TrunkState,
    activity: TrunkActivity,
    hold: TrunkHold | None,
    limits: _Limits | None,
) -> TrunkStanding:
    trunk_id, account = state.trunk.id, state.account
    facts = TrunkFacts(
        machinery=machinery,
        state=state,
        calls_now=activity.calls_per_second,
        slots_taken=limits.slots[of_trunk(trunk_id)] if limits else None,
        account_slots_taken=limits.slots[of_account(account.id)] if limits and account else None,
        requests=limits.requests if limits else None,
        in_doubt=activity.in_doubt,
        queued=activity.queued,
        campaigns=activity.running,
        hold=Hold(hold.reason, hold.detail) if hold else None,
        hold_since=hold.since if hold else None,
        hold_seen_at=hold.seen_at if hold else None,
    )
    sent = limits.sent[trunk_id] if limits else None
    return TrunkStanding(facts=facts, activity=activity, sent=sent, answer=why_slow(facts))
