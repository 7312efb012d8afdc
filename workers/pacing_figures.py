"""What the exporter shows of trunks, accounts and LiveKit's quota: the same that ``dialer trunk show`` says."""

from collections.abc import Iterable, Mapping, Sequence

from dialer import metrics
from dialer.actions.look_at_trunk import TrunkStanding
from dialer.domain.breaker import BreakerState
from dialer.domain.outcome import Outcome
from dialer.domain.trunk_holds import HoldReason
from dialer.domain.trunk_limits_now import channels_now
from dialer.errors import StoreUnavailable
from dialer.metrics import MetricSpec, Samples


def pacing_figures(
    trunks: Sequence[TrunkStanding], attempts_ended: Mapping[tuple[str, str], int]
) -> dict[MetricSpec, Samples]:
    """The samples of these trunks.

    Raises:
        StoreUnavailable: a trunk was looked at without Redis: a gap in the graphs is true, a zero would not be.
    """
    if any(trunk.facts.slots_taken is None or trunk.sent is None for trunk in trunks):
        raise StoreUnavailable("Redis does not answer")
    return {**_of_trunks(trunks, attempts_ended), **_of_accounts(trunks), **_of_livekit(trunks)}


def _of_trunks(
    trunks: Sequence[TrunkStanding], attempts_ended: Mapping[tuple[str, str], int]
) -> dict[MetricSpec, Samples]:
    def each(value: Mapping[str, float]) -> Samples:
        return {(name,): number for name, number in value.items()}

    return {
        metrics.CHANNELS_LIMIT: each({trunk.name: trunk.state.trunk.max_concurrent_calls for trunk in trunks}),
        metrics.CHANNELS_IN_USE: each({trunk.name: trunk.facts.slots_taken or 0 for trunk in trunks}),
        metrics.CHANNELS_LEARNED: each({trunk.name: channels_now(trunk.state) for trunk in trunks}),
        metrics.TRUNK_RATE_LIMIT: each({trunk.name: trunk.state.configured_calls_per_second for trunk in trunks}),
        metrics.TRUNK_RATE_LEARNED: each({trunk.name: trunk.state.calls_per_second for trunk in trunks}),
        metrics.TRUNK_RATE: each({trunk.name: trunk.sent.calls_per_second for trunk in trunks if trunk.sent}),
        metrics.TRUNK_PEAK_SECOND: each({trunk.name: trunk.sent.peak_second for trunk in trunks if trunk.sent}),
        metrics.TRUNK_WAITING: each({trunk.name: trunk.facts.queued for trunk in trunks}),
        metrics.TRUNK_REFUSED: each(
            {trunk.name: attempts_ended.get((trunk.name, Outcome.CONGESTION), 0) for trunk in trunks}
        ),
        metrics.TRUNK_BREAKER: _one_of(
            (trunk.name, trunk.state.trunk_health.breaker.state, BreakerState) for trunk in trunks
        ),
        metrics.TRUNK_HELD_BACK: _one_of((trunk.name, trunk.answer.reason, HoldReason) for trunk in trunks),
    }


def _of_accounts(trunks: Sequence[TrunkStanding]) -> dict[MetricSpec, Samples]:
    """By way of their trunks: an account without a trunk has nothing to show."""
    of = {trunk.state.account.name: trunk for trunk in trunks if trunk.state.account}
    accounts = {name: trunk.state.account for name, trunk in of.items() if trunk.state.account}
    return {
        metrics.ACCOUNT_RATE_LIMIT: {
            (name,): account.calls_per_second for name, account in accounts.items() if account.calls_per_second
        },
        metrics.ACCOUNT_CHANNELS_LIMIT: {
            (name,): account.max_concurrent_calls for name, account in accounts.items() if account.max_concurrent_calls
        },
        metrics.ACCOUNT_CHANNELS: {(name,): trunk.facts.account_slots_taken or 0 for name, trunk in of.items()},
        metrics.ACCOUNT_BREAKER: _one_of(
            (name, trunk.state.account_health.breaker.state, BreakerState) for name, trunk in of.items()
        ),
    }


def _of_livekit(trunks: Sequence[TrunkStanding]) -> dict[MetricSpec, Samples]:
    """Known with the trunks; without a trunk nothing is asked of LiveKit."""
    first = next(iter(trunks), None)
    if first is None:
        return {}
    limit, learned = first.state.requests_per_minute, first.state.requests_per_minute_now
    return {
        metrics.REQUESTS: {(): first.facts.requests or 0},
        metrics.REQUESTS_LIMIT: {(): limit} if limit else {},
        metrics.REQUESTS_LEARNED: {(): learned} if learned else {},
    }


def _one_of(found: Iterable[tuple[str, str | None, type[BreakerState] | type[HoldReason]]]) -> Samples:
    """1 for the word that is true of a name, 0 for every other one it could be."""
    return {(name, word.value): float(word == true) for name, true, words in found for word in words}
