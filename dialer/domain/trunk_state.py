"""A trunk at one moment: its limits, its account's, and what was learned about both.  Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.congestion import ChannelsCut, Cut, learned_channels, learned_rate, ramped
from dialer.domain.trunk import Account, Trunk, calls_per_second_of

SCOPES = ("trunk", "account", "livekit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What was learned about a trunk, an account or the LiveKit project.

    Attributes:
        probe_release: the release whose one call tries whether it is well again; None: no probe is under way.
        version: of this knowledge: who judges by an older one judges again.
    """

    breaker: Breaker
    rate_cut: Cut | None = None
    channels_cut: ChannelsCut | None = None
    probe_release: UUID | None = None
    version: int = 0

    def lets_through(self, release_id: UUID | None) -> bool:
        """Whether a call of this release may go out: any when all is well, else only the probe."""
        if self.breaker.state is BreakerState.CLOSED:
            return True
        return release_id is not None and release_id == self.probe_release


WELL = Health(breaker=Breaker())


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkState:
    """A trunk as it may be used at ``now``, the ledger's clock.

    Attributes:
        requests_per_minute: LiveKit's quota as configured; None: it has none.
    """

    trunk: Trunk
    account: Account | None
    now: datetime
    trunk_health: Health = WELL
    account_health: Health = WELL
    livekit_health: Health = WELL
    requests_per_minute: float | None = None

    @property
    def configured_calls_per_second(self) -> float:
        """As the trunk alone is set, in calls."""
        trunk = self.trunk
        return calls_per_second_of(
            trunk.calls_per_second, invites_per_call=trunk.invites_per_call, safety_factor=trunk.safety_factor
        )

    @property
    def calls_per_second(self) -> float:
        """What the trunk may do now: learned where its carrier took less, ramped after an outage."""
        configured = self.configured_calls_per_second
        learned = learned_rate(self.trunk_health.rate_cut, configured, self.now) or configured
        return self._ramped(learned)

    @property
    def account_calls_per_second(self) -> float | None:
        """What the account may do now, in calls as this trunk makes them; None: no limit of its own."""
        if self.account is None or self.account.calls_per_second is None:
            return None
        configured = calls_per_second_of(self.account.calls_per_second, invites_per_call=self.trunk.invites_per_call)
        return learned_rate(self.account_health.rate_cut, configured, self.now) or configured

    @property
    def requests_per_minute_now(self) -> float | None:
        """Requests to LiveKit; None: no limit is known."""
        configured = self.requests_per_minute
        cut = self.livekit_health.rate_cut
        if cut is None:
            return configured
        learned = learned_rate(cut, configured / 60 if configured else cut.ceiling * 10, self.now)
        return learned * 60 if learned is not None else configured

    @property
    def breaker(self) -> Breaker:
        """The one that holds it back: the trunk's own, or its account's."""
        trunk, account = self.trunk_health.breaker, self.account_health.breaker
        return trunk if trunk.state is not BreakerState.CLOSED else account

    def channels(self, *, promised: bool) -> int:
        """Calls at once for an ordinary call, or a promised call back, at least 1 where it may be used at all."""
        configured = self.trunk.channels(promised=promised)
        learned = learned_channels(self.trunk_health.channels_cut, configured, self.now)
        return configured if learned is None else min(configured, learned)

    def lets_through(self, release_id: UUID | None) -> bool:
        """Whether a call of this release may go out through this trunk."""
        return self.trunk_health.lets_through(release_id) and self.account_health.lets_through(release_id)

    def is_probe(self, release_id: UUID) -> bool:
        """Whether a call of this release tries if the trunk, or its account, is well again."""
        return release_id in (self.trunk_health.probe_release, self.account_health.probe_release)

    def _ramped(self, limit: float) -> float:
        closed_at = max(
            (h.breaker.closed_at for h in (self.trunk_health, self.account_health) if h.breaker.closed_at), default=None
        )
        if closed_at is None:
            return limit
        return ramped(limit, since=closed_at, now=self.now, span=self.trunk.ramp)
