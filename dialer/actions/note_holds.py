"""Notes what holds each trunk back, so that `dialer trunk show` can say it, and since when."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dialer.actions.release_round import Round
from dialer.app import Dialer
from dialer.domain.breaker import BreakerState
from dialer.domain.congestion import learned_channels, learned_rate
from dialer.domain.time_words import moment
from dialer.domain.trunk_holds import Hold, HoldMemory, RateBucket, TrunkLook, what_holds
from dialer.domain.trunk_state import TrunkState
from dialer.ledger.session import Statements
from dialer.ledger.trunk_holds import next_due, write_holds
from dialer.ledger.trunks import list_trunks
from dialer.limits.buckets import LIVEKIT, of_account, of_trunk

#: How often it is looked at, and after how long a reason that stays is written again.
LOOK_EVERY_SECONDS = 1.0
WRITE_EVERY_SECONDS = 5.0


async def note_holds(dialer: Dialer, memory: HoldMemory, round_: Round) -> None:
    """Look at the trunks that this feeder releases for, about once a second."""
    now = dialer.clock.seconds()
    if now - memory.looked_at < LOOK_EVERY_SECONDS:
        return
    due = await next_due(dialer.ledger, round_.campaigns)
    found = {trunk_id: what_holds(look_at(round_, trunk_id, due)) for trunk_id in round_.mine & round_.states.keys()}
    await _write(dialer.ledger, memory, found, now)


async def note_standstill(dialer: Dialer, memory: HoldMemory, hold: Hold) -> None:
    """No trunk is dialed through at all."""
    now = dialer.clock.seconds()
    if now - memory.looked_at < LOOK_EVERY_SECONDS:
        return
    await _write(dialer.ledger, memory, {trunk.id: hold for trunk in await list_trunks(dialer.ledger)}, now)


async def _write(statements: Statements, memory: HoldMemory, found: Mapping[int, Hold | None], now: float) -> None:
    if due := memory.to_write(found, now=now, again_after=WRITE_EVERY_SECONDS):
        await write_holds(statements, due)


def look_at(round_: Round, trunk_id: int, due: Mapping[int, datetime]) -> TrunkLook:
    """One trunk as the round found it.

    Args:
        due: when the first of the waiting call jobs is due, by campaign.
    """
    state = round_.states[trunk_id]
    mine = {campaign_id for campaign_id, ways in round_.ways.items() if trunk_id in ways.trunk_ids}
    offers = [offer for offer in round_.offers if offer.work.campaign_id in mine]
    here = [offer for offer in offers if _may_take(round_, offer.work.campaign_id, offer.work.route, trunk_id)]
    here = [offer for offer in here if trunk_id not in offer.work.not_trunks]
    left = [offer.work for offer in here if offer.work.jobs]
    full = {campaign_id for campaign_id in mine if round_.room_of(campaign_id) == 0}
    queued = [each for each in round_.queued if each.trunk_id == trunk_id]
    with_agents = {campaign.id for campaign in round_.campaigns.values() if campaign.has_agent}
    channels, account = state.channels(promised=False), state.account
    return TrunkLook(
        campaigns=len(mine),
        breaker=_shut(state, account=False),
        account_breaker=_shut(state, account=True),
        due=sum(offer.jobs for offer in offers),
        due_here=sum(offer.jobs for offer in here),
        left_here=sum(work.jobs for work in left if work.campaign_id not in full),
        capped=any(work.campaign_id in full for work in left),
        waits=bool(mine & due.keys()),
        next_due=_first(state, [due[campaign_id] for campaign_id in mine & due.keys()]),
        queued=sum(each.jobs for each in queued),
        with_agents=sum(each.jobs for each in queued if each.campaign_id in with_agents),
        channels=channels,
        free_channels=channels - round_.standing.use.calls[of_trunk(trunk_id)],
        account_free_channels=account.max_concurrent_calls - round_.standing.use.calls[of_account(account.id)]
        if account and account.max_concurrent_calls is not None
        else None,
        ahead=_ahead(round_, state),
        learned_rate=_learned_rate(state),
        learned_channels=_learned_channels(state),
        ramping=_ramps(state),
    )


def _may_take(round_: Round, campaign_id: int, route: str, trunk_id: int) -> bool:
    return any(way.trunk_id == trunk_id for way in round_.ways[campaign_id].of(route))


def _shut(state: TrunkState, *, account: bool) -> str | None:
    breaker = (state.account_health if account else state.trunk_health).breaker
    return None if breaker.state is BreakerState.CLOSED else breaker.reason


def _first(state: TrunkState, moments: list[datetime]) -> str:
    first = min(moments, default=None)
    return f"nobody is due before {moment(first, now=state.now)}" if first is not None and first > state.now else ""


def _ahead(round_: Round, state: TrunkState) -> dict[RateBucket, timedelta]:
    ahead = round_.standing.use.ahead
    found = {RateBucket.TRUNK: ahead[of_trunk(state.trunk.id)]}
    if state.account is not None and state.account_calls_per_second is not None:
        found[RateBucket.ACCOUNT] = ahead[of_account(state.account.id)]
    if state.requests_per_minute_now is not None:
        found[RateBucket.LIVEKIT] = ahead[LIVEKIT]
    return found


def _learned_rate(state: TrunkState) -> str:
    cut = state.trunk_health.rate_cut
    rate = learned_rate(cut, state.configured_calls_per_second, state.now)
    return f"{rate:.3g} calls a second: {cut.reason}" if cut is not None and rate is not None else ""


def _learned_channels(state: TrunkState) -> str:
    cut = state.trunk_health.channels_cut
    channels = learned_channels(cut, state.trunk.channels(promised=False), state.now)
    return f"{channels} calls at once: {cut.reason}" if cut is not None and channels is not None else ""


def _ramps(state: TrunkState) -> bool:
    learned = learned_rate(state.trunk_health.rate_cut, state.configured_calls_per_second, state.now)
    return state.calls_per_second < (learned or state.configured_calls_per_second)
