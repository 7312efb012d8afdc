"""What a trunk may do now, and why that is less than what is configured, in words.  Pure."""

from datetime import datetime

from dialer.domain.congestion import learned_channels, learned_rate
from dialer.domain.time_words import moment
from dialer.domain.trunk_state import TrunkState


def rate_words(rate: float) -> str:
    """Three figures are enough to compare by: ``7.07``, ``0.5``, ``1234``."""
    return f"{rate:.3g}" if rate < 100 else f"{rate:.0f}"


def rate_now(state: TrunkState) -> float:
    """Calls per second that may go out through it now, its account's limit included; its breaker is not looked at."""
    account = state.account_calls_per_second
    return state.calls_per_second if account is None else min(state.calls_per_second, account)


def channels_now(state: TrunkState) -> int:
    """Ordinary calls at once."""
    return state.channels(promised=False)


def carrier_cut(state: TrunkState) -> bool:
    """Whether its carrier takes less calls per second than is configured."""
    return learned_rate(state.trunk_health.rate_cut, state.configured_calls_per_second, state.now) is not None


def why_slower(state: TrunkState) -> str:
    """Why fewer calls per second than are set go out, each cause; empty: as many do."""
    return "; ".join(filter(None, (_learned(state), _ramp(state), _of_settings(state), _account(state))))


def _learned(state: TrunkState) -> str:
    cut, configured = state.trunk_health.rate_cut, state.configured_calls_per_second
    rate = learned_rate(cut, configured, state.now)
    if cut is None or rate is None:
        return ""
    return (
        f"{rate_words(rate)} calls per second now of {rate_words(configured)}, as at "
        f"{moment(cut.at, now=state.now)} it refused more than {rate_words(cut.ceiling)} ({cut.reason})"
    )


def is_starting_slowly(state: TrunkState) -> bool:
    """It was out of use a moment ago."""
    since = _closed_at(state)
    return since is not None and state.now < since + state.trunk.ramp


def _ramp(state: TrunkState) -> str:
    since = _closed_at(state)
    if since is None or not is_starting_slowly(state):
        return ""
    full = moment(since + state.trunk.ramp, now=state.now)
    return f"starting slowly since {moment(since, now=state.now)}, at full rate at {full}"


def _closed_at(state: TrunkState) -> datetime | None:
    times = [health.breaker.closed_at for health in (state.trunk_health, state.account_health)]
    return max((at for at in times if at is not None), default=None)


def _of_settings(state: TrunkState) -> str:
    trunk = state.trunk
    if state.configured_calls_per_second == trunk.calls_per_second:
        return ""
    invites = f"{trunk.invites_per_call} INVITEs per call" if trunk.invites_per_call > 1 else ""
    safety = f"safety factor {trunk.safety_factor:g}" if trunk.safety_factor != 1 else ""
    why = ", ".join(filter(None, (invites, safety)))
    makes = f"{rate_words(state.configured_calls_per_second)} calls per second"
    return f"its limit of {trunk.calls_per_second:g} makes {makes} ({why})"


def _account(state: TrunkState) -> str:
    allowed = state.account_calls_per_second
    if state.account is None or allowed is None or allowed >= state.calls_per_second:
        return ""
    return f"account {state.account.name} allows {rate_words(allowed)} calls per second for all its trunks together"


def why_fewer_channels(state: TrunkState) -> str:
    """Why fewer calls at once than are set may be up, as learned; empty: as many may."""
    cut, configured = state.trunk_health.channels_cut, state.trunk.channels(promised=False)
    channels = learned_channels(cut, configured, state.now)
    if cut is None or channels is None:
        return ""
    return f"{channels} of {configured}, as at {moment(cut.at, now=state.now)} it refused more ({cut.reason})"
