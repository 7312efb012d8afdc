"""Learns from what the line answers: cuts a trunk's rate, opens its breaker, holds it, and tells every caller at once.

The window of a trunk's last results is shared by all callers in Redis; what is judged from it is kept in the ledger,
by whoever was first, and published, so that a gate knows it milliseconds later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import structlog
from redis.exceptions import RedisError

from dialer.actions.call_terms import TermsBook
from dialer.app import Dialer
from dialer.batch import Batcher
from dialer.domain.breaker import Breaker, BreakerState, ResultKind, TrunkResult, hold, judge_results
from dialer.domain.congestion import MEASURED_CALLS, Cut, channels_cut_after, cut_after, measured_over
from dialer.domain.storm import PATTERNS, Storm, find_storm
from dialer.domain.trunk_state import WELL, Health, TrunkState
from dialer.errors import StoreUnavailable
from dialer.ledger.given_back import give_back
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.standing import Sending, sending_of_trunk
from dialer.limits.buckets import LIVEKIT
from dialer.limits.health_news import CHANNEL
from dialer.limits.requests import requests_of_last_minute
from dialer.limits.trunk_results import note_results

log = structlog.get_logger()

#: Results from which nothing follows are gathered for so long.
CALM_SECONDS = 0.1
#: Who judged by what somebody else has changed meanwhile judges again, so often.
TRIES = 4
#: After this an attempt is settled whose answer was judged: an owner may wait 2 s for news of its phone.
SETTLED_BY = timedelta(seconds=3)
#: Whose attempt was given back because channels were full is due again after this.
FULL_DELAY = timedelta(seconds=5)
#: Whose attempt was given back because of a broken trunk: as soon as the trunk is well, the feeder sees to that.
BROKEN_DELAY = timedelta(0)
#: Rules that speak of the carrier's account, not of one trunk.
OF_THE_ACCOUNT = frozenset({"phrase_account", "sip_402"})
CHANNELS = "phrase_channel_limit"
#: LiveKit counts its requests by the minute.
LIVEKIT_SCOPE: Scope = ("livekit", 0)
QUOTA_WINDOW = timedelta(minutes=1)
AFTER_QUOTA = 0.9
#: Nothing is dialed for so long after a refusal: the fullest seconds of the minute have to pass.
QUOTA_REST = timedelta(seconds=5)
MIN_REQUESTS_PER_SECOND = 0.5
QUOTA_REASON = "LiveKit answered that its quota of requests is used up"


def health_channel(dialer: Dialer) -> str:
    """The Redis channel on which is published that the health of a trunk has changed."""
    return dialer.redis.key(CHANNEL)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one look at a window means: the health of a scope, or the attempts that a storm has cost."""

    scope: Scope
    health: Health
    storm: Storm | None = None


class TrunkHealth:
    """Where a caller's results are judged, many at a time."""

    def __init__(self, dialer: Dialer, terms: TermsBook) -> None:
        self._dialer = dialer
        self._terms = terms
        self._notes: Batcher[tuple[int, TrunkResult], Storm | None] = Batcher(self._note)
        self._calm: Batcher[tuple[int, TrunkResult], Storm | None] = Batcher(
            self._keep, gather_seconds=CALM_SECONDS, at_once=1
        )

    async def note(self, trunk_id: int, result: TrunkResult) -> None:
        """Take in what a trunk has answered; what follows from it is in force when this returns."""
        try:
            storm = await (self._notes if may_matter(result) else self._calm).ask((trunk_id, result))
            if storm is not None and not storm.holds and result.attempt_id in storm.attempt_ids:
                await self._give_back_late(storm, result)
        except StoreUnavailable as error:
            log.warning("result_not_noted", trunk_id=trunk_id, error=str(error))

    async def _give_back_late(self, storm: Storm, result: TrunkResult) -> None:
        """The call by which full channels were recognised is not settled yet; a held trunk has its rounds for that."""
        await self._dialer.clock.sleep(SETTLED_BY.total_seconds())
        await self._give_back(storm, [result.attempt_id])

    async def quota_refused(self) -> None:
        """LiveKit's own quota is used up: the project slows down, no trunk does.

        What it took in the last minute is its quota; until that minute is over, hardly anything is asked of it.
        """
        try:
            await self._cut_livekit()
        except StoreUnavailable as error:
            log.warning("quota_not_noted", error=str(error))

    async def _cut_livekit(self) -> None:
        ledger, redis = self._dialer.ledger, self._dialer.redis
        now = await ledger.now()
        health = (await read_health(ledger)).get(LIVEKIT_SCOPE, WELL)
        if health.rate_cut is not None and now - health.rate_cut.at < QUOTA_WINDOW / 2:
            return
        per_second = await requests_of_last_minute(redis) / QUOTA_WINDOW.total_seconds()
        configured = await self._terms.requests_per_minute()
        ceiling = max(MIN_REQUESTS_PER_SECOND, min(per_second, configured / 60) if configured else per_second)
        cut = Cut(ceiling=ceiling, rate=ceiling * AFTER_QUOTA, at=now, reason=QUOTA_REASON)
        if await write_health(ledger, LIVEKIT_SCOPE, replace(health, rate_cut=cut)):
            await self._dialer.rate.spend(LIVEKIT, QUOTA_REST, 1)
            log.warning("livekit_quota_used_up", requests_per_minute=round(cut.rate * 60))
            await tell_health(self._dialer)
            await self._terms.read_again()

    async def _keep(self, noted: Sequence[tuple[int, TrunkResult]]) -> Sequence[Storm | None]:
        """What only ends a row of others: it is read with them."""
        for trunk_id, results in _by_trunk(noted).items():
            await note_results(self._dialer.redis, trunk_id, results)
        return [None] * len(noted)

    async def _note(self, noted: Sequence[tuple[int, TrunkResult]]) -> Sequence[Storm | None]:
        storms: dict[int, Storm | None] = {}
        for trunk_id, results in _by_trunk(noted).items():
            window = await note_results(self._dialer.redis, trunk_id, results)
            state = await self._terms.trunk(trunk_id)
            if state is not None and is_remarkable(state, window, results, now=self._dialer.clock.now()):
                storms[trunk_id] = await self._judge(state, window, results)
        return [storms.get(trunk_id) for trunk_id, _ in noted]

    async def _judge(
        self, state: TrunkState, window: Sequence[TrunkResult], fresh: Sequence[TrunkResult]
    ) -> Storm | None:
        for _ in range(TRIES):
            judged = await judge_trunk(self._dialer, state, window, fresh)
            written = [await write_health(self._dialer.ledger, one.scope, one.health) for one in judged]
            if all(written):
                break
        for one in judged:
            _log(one)
        if judged:
            await tell_health(self._dialer)
            await self._terms.read_again()
        storm = next((one.storm for one in judged if one.storm), None)
        if storm is not None:
            await self._give_back(storm, storm.attempt_ids)
        return storm

    async def _give_back(self, storm: Storm, attempt_ids: Collection[UUID]) -> None:
        due_in = BROKEN_DELAY if storm.holds else FULL_DELAY
        try:
            await give_back(self._dialer.ledger, attempt_ids, rule=storm.rule, due_in=due_in)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            log.info("give_back_locked", attempts=len(attempt_ids), error=type(error).__name__)  # the next one comes


def _by_trunk(noted: Sequence[tuple[int, TrunkResult]]) -> dict[int, list[TrunkResult]]:
    found: dict[int, list[TrunkResult]] = {}
    for trunk_id, result in noted:
        found.setdefault(trunk_id, []).append(result)
    return found


def may_matter(result: TrunkResult) -> bool:
    """Whether anything may follow from the result itself; most only end a row of others, and can wait a moment."""
    if result.kind in (ResultKind.FAILURE, ResultKind.HARD, ResultKind.CONGESTION):
        return True
    return result.is_fast and result.sip_code in PATTERNS


def is_remarkable(
    state: TrunkState, window: Sequence[TrunkResult], fresh: Sequence[TrunkResult], *, now: datetime
) -> bool:
    """Whether these results may change anything: most never do, and cost one question to Redis."""
    if any(result.kind in (ResultKind.FAILURE, ResultKind.HARD, ResultKind.CONGESTION) for result in fresh):
        return True
    closed = state.breaker.state is BreakerState.CLOSED
    return closed and find_storm(window, calls_up=1, now=now, since=state.breaker.closed_at) is not None


async def judge_trunk(
    dialer: Dialer, state: TrunkState, window: Sequence[TrunkResult], fresh: Sequence[TrunkResult]
) -> list[Judged]:
    """What these results mean, by what is known of the trunk and its account at this moment."""
    ledger = dialer.ledger
    known = await read_health(ledger)
    sending = await sending_of_trunk(ledger, state.trunk.id, over=measured_over(state.calls_per_second))
    found = [_storm(state, window, known, sending), _breaker(state, window, known, sending)]
    found += [_congestion(state, window, fresh, known, sending)]
    return _merged([one for one in found if one is not None])


def _merged(found: Sequence[Judged]) -> list[Judged]:
    """One for each scope: a breaker that leaves its state wins over a cut."""
    by_scope: dict[Scope, Judged] = {}
    for one in found:
        by_scope.setdefault(one.scope, one)
    return list(by_scope.values())


def _breaker(
    state: TrunkState, window: Sequence[TrunkResult], known: Mapping[Scope, Health], sending: Sending
) -> Judged | None:
    """By the trunk's own breaker; what the account is to blame for moves the account's instead."""
    health = known.get(("trunk", state.trunk.id), WELL)
    breaker = judge_results(health.breaker, window, now=sending.now, under_way=sending.under_way)
    if breaker == health.breaker:
        return None
    scope = _scope(state, breaker.rule)
    if scope[0] == "account":
        health = known.get(scope, WELL)
        breaker = judge_results(health.breaker, window, now=sending.now, under_way=sending.under_way)
    return Judged(scope, replace(health, breaker=breaker)) if breaker != health.breaker else None


def _scope(state: TrunkState, rule: str) -> Scope:
    if rule in OF_THE_ACCOUNT and state.account is not None:
        return ("account", state.account.id)
    return ("trunk", state.trunk.id)


def _storm(
    state: TrunkState, window: Sequence[TrunkResult], known: Mapping[Scope, Health], sending: Sending
) -> Judged | None:
    scope: Scope = ("trunk", state.trunk.id)
    health = known.get(scope, WELL)
    storm = find_storm(
        window,
        calls_up=sending.calls_up,
        now=sending.now,
        since=health.breaker.closed_at,
        under_way=sending.under_way,
    )
    if storm is None:
        return None
    if storm.holds:
        if health.breaker.state is not BreakerState.CLOSED:
            return None
        breaker = hold(health.breaker, rule=storm.rule, reason=storm.reason, now=sending.now)
        return Judged(scope, replace(health, breaker=breaker), storm)
    cut = channels_cut_after(
        health.channels_cut,
        accepted_open=sending.calls_up,
        in_use=sending.calls_open,
        configured=state.trunk.channels(promised=False),
        now=sending.now,
        reason=storm.reason,
    )
    return Judged(scope, replace(health, channels_cut=cut or health.channels_cut), storm)


def _congestion(
    state: TrunkState,
    window: Sequence[TrunkResult],
    fresh: Sequence[TrunkResult],
    known: Mapping[Scope, Health],
    sending: Sending,
) -> Judged | None:
    refused = [result for result in fresh if result.kind is ResultKind.CONGESTION]
    if not refused:
        return None
    scope: Scope = ("trunk", state.trunk.id)
    health = known.get(scope, WELL)
    words = refused[-1].reason
    if refused[-1].rule == CHANNELS:
        channels = channels_cut_after(
            health.channels_cut,
            accepted_open=sending.calls_open - len(refused),
            in_use=sending.calls_open,
            configured=state.trunk.channels(promised=False),
            now=sending.now,
            reason=words,
        )
        return Judged(scope, replace(health, channels_cut=channels)) if channels else None
    sent, accepted = _sent_and_accepted(state, window, sending)
    cut = cut_after(
        health.rate_cut,
        sent_per_second=sent,
        accepted_per_second=accepted,
        configured=state.configured_calls_per_second,
        now=sending.now,
        reason=words,
    )
    return Judged(scope, replace(health, rate_cut=cut)) if cut else None


def _sent_and_accepted(state: TrunkState, window: Sequence[TrunkResult], sending: Sending) -> tuple[float, float]:
    """Per second.  Where no call is old enough to tell, or a few and all were refused, as many as were allowed."""
    allowed = state.calls_per_second
    # Told before they are settled, so that the ledger knows of fewer; the window holds the last few only.
    told = {one.attempt_id for one in window if one.kind is ResultKind.CONGESTION and _is_counted(one, sending)}
    refused = max(sending.refused, len(told))
    sent = max(sending.sent, refused)
    if sent == 0:
        return allowed, allowed
    if sent == refused and sent < MEASURED_CALLS:
        return allowed, 0.0
    seconds = sending.span.total_seconds() + 1 / allowed  # the first call stands for the interval before it
    return sent / seconds, (sent - refused) / seconds


def _is_counted(result: TrunkResult, sending: Sending) -> bool:
    return sending.until - sending.span <= result.begun_at <= sending.until


async def tell_health(dialer: Dialer) -> None:
    """Every caller reads anew.  Where Redis does not answer, each finds it within a second."""
    try:
        await dialer.redis.client.publish(health_channel(dialer), b"changed")
    except (RedisError, OSError) as error:
        log.warning("health_not_told", error=str(error))


def _log(judged: Judged) -> None:
    breaker: Breaker = judged.health.breaker
    log.warning(
        "health_changed",
        scope=judged.scope[0],
        scope_id=judged.scope[1],
        breaker=breaker.state.value,
        rule=breaker.rule,
        calls_per_second=judged.health.rate_cut.rate if judged.health.rate_cut else None,
        channels=judged.health.channels_cut.channels if judged.health.channels_cut else None,
        storm=judged.storm.rule if judged.storm else None,
    )
