"""What a call is counted in: each bucket is counted for all processes together, in Redis, under its name."""

from dataclasses import dataclass
from datetime import timedelta

#: Rates are paced a little below the limit, so that 20 ms of lateness never make limit + 1 in a sliding second.
PACE = 0.98
#: LiveKit's quota of requests: one bucket, as one installation dials through one LiveKit project.
LIVEKIT = "livekit:0"
_NO_LIMIT = 1_000_000_000


def of_trunk(trunk_id: int) -> str:
    return f"trunk:{trunk_id}"


def of_account(account_id: int) -> str:
    return f"account:{account_id}"


def of_campaign(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


@dataclass(frozen=True, slots=True)
class Buckets:
    """In which buckets a call holds its slots."""

    trunk_id: int
    account_id: int | None = None
    campaign_id: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The trunk's first."""
        found = [of_trunk(self.trunk_id)]
        found += [of_account(self.account_id)] if self.account_id is not None else []
        found += [of_campaign(self.campaign_id)] if self.campaign_id is not None else []
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLimits:
    """Of all trunks of a carrier's account together; calls per second as this trunk makes them.  None: no limit."""

    account_id: int
    calls_per_second: float | None = None
    max_concurrent_calls: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallLimits:
    """Every limit that one call is under, all callers together.

    Attributes:
        calls_per_second: of the trunk.
        max_concurrent_calls: of the trunk, for a call of this kind.
        campaign_calls: calls at once of its campaign; None: no such limit.
        requests_per_minute: LiveKit's quota, for this kind of call; None: no such limit.
    """

    trunk_id: int
    calls_per_second: float
    max_concurrent_calls: int
    account: AccountLimits | None = None
    campaign_id: int | None = None
    campaign_calls: int | None = None
    requests_per_minute: float | None = None

    @property
    def buckets(self) -> Buckets:
        """Where its slots are."""
        return Buckets(self.trunk_id, self.account.account_id if self.account else None, self.campaign_id)

    @property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """Slot buckets with their limits, the trunk's first."""
        limits = [self.max_concurrent_calls]
        limits += [self.account.max_concurrent_calls or _NO_LIMIT] if self.account else []
        limits += [self.campaign_calls or _NO_LIMIT] if self.campaign_id is not None else []
        return tuple(zip(self.buckets.names, limits, strict=True))

    @property
    def interval(self) -> timedelta:
        """Between two turns of the trunk."""
        return _interval(self.calls_per_second)

    @property
    def rates(self) -> tuple[tuple[str, timedelta], ...]:
        """Rate buckets with what one call takes of them, the trunk's first."""
        found = [(of_trunk(self.trunk_id), self.interval)]
        if self.account and self.account.calls_per_second:
            found.append((of_account(self.account.account_id), _interval(self.account.calls_per_second)))
        if self.requests_per_minute:
            found.append((LIVEKIT, request_interval(self.requests_per_minute)))
        return tuple(found)


def _interval(calls_per_second: float) -> timedelta:
    return timedelta(seconds=1 / (PACE * calls_per_second))


def request_interval(requests_per_minute: float) -> timedelta:
    """Between two requests to LiveKit, evenly spread."""
    return timedelta(minutes=1 / (PACE * requests_per_minute))
