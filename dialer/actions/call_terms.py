"""Under which terms a call job is dialed: its campaign's rules and its trunk as it stands, read about once a second."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from dialer.app import Dialer
from dialer.domain.calling_window import CallingHours
from dialer.domain.dial_options import DialOptions
from dialer.domain.retry import RetryPolicy
from dialer.domain.retry_policy import policy_from_json
from dialer.domain.trunk_state import TrunkState
from dialer.ledger.campaigns import Campaign, read_campaigns
from dialer.ledger.trunk_states import read_trunk_states
from dialer.limits.buckets import AccountLimits, CallLimits

#: A new limit or rule is in force this long after it was written, at most (promised: 2 s).
KEEP_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTerms:
    """How the call jobs of one campaign are dialed."""

    campaign_id: int
    campaign: str
    caller_id: str | None
    ringing_timeout: timedelta
    talk_limit: timedelta
    policy: RetryPolicy
    hours: CallingHours
    hours_mark: int | None
    agent_name: str | None
    agent_left: timedelta
    options: DialOptions
    agents_missed: int = 0

    max_concurrent_calls: int | None = None


class TermsBook:
    """Keeps the terms of campaigns and the states of trunks for ``KEEP_SECONDS``."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._kept: dict[int, CallTerms] = {}
        self._states: dict[int, TrunkState] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def of(self, campaign_ids: Collection[int]) -> dict[int, CallTerms]:
        """The terms of these campaigns.

        Many calls find the terms too old at the same moment: one reads for all.
        """
        async with self._reading:
            return await self._fresh(campaign_ids)

    async def trunk(self, trunk_id: int, *, not_older: timedelta | None = None) -> TrunkState | None:
        """The trunk as it stands, or stood a second ago (``not_older``: so long ago); None: it was removed."""
        async with self._reading:
            if not_older is not None and self._dialer.clock.seconds() - self._read_at > not_older.total_seconds():
                self._read_at = float("-inf")
            await self._fresh(())
            return self._states.get(trunk_id)

    async def requests_per_minute(self) -> float | None:
        """What LiveKit takes of us now, as set or as learned; None: no limit is known."""
        async with self._reading:
            await self._fresh(())
            return next((state.requests_per_minute_now for state in self._states.values()), None)

    def trunk_now(self, trunk_id: int) -> TrunkState | None:
        """The same as it was last read, without asking."""
        return self._states.get(trunk_id)

    async def read_again(self) -> None:
        """Something was changed: read it now."""
        async with self._reading:
            self._read_at = float("-inf")
            await self._fresh(())

    async def _fresh(self, campaign_ids: Collection[int]) -> dict[int, CallTerms]:
        now = self._dialer.clock.seconds()
        wanted = set(campaign_ids)
        ledger = self._dialer.ledger
        if now - self._read_at > KEEP_SECONDS:
            wanted |= self._kept.keys()
            self._states = await read_trunk_states(ledger)
            self._kept, self._read_at = {}, now
        if missing := wanted - self._kept.keys():
            for campaign in await read_campaigns(ledger, missing):
                self._kept[campaign.id] = terms_of(campaign)
        return self._kept


def terms_of(campaign: Campaign) -> CallTerms:
    return CallTerms(
        campaign_id=campaign.id,
        campaign=campaign.name,
        caller_id=campaign.caller_id,
        ringing_timeout=campaign.ringing_timeout,
        talk_limit=campaign.talk_limit,
        policy=replace(policy_from_json(campaign.policy), max_attempts=campaign.max_attempts),
        hours=campaign.hours,
        hours_mark=campaign.hours_mark,
        agent_name=campaign.agent_name,
        agent_left=campaign.agent_left,
        options=DialOptions.from_json(campaign.dial_options),
        agents_missed=campaign.agents_missed,
        max_concurrent_calls=campaign.max_concurrent_calls,
    )


def limits_of(state: TrunkState, terms: CallTerms, *, promised: bool) -> CallLimits:
    """Every limit that a call of the campaign through the trunk is under now."""
    return replace(
        trunk_limits(state, promised=promised),
        campaign_id=terms.campaign_id,
        campaign_calls=terms.max_concurrent_calls,
    )


def trunk_limits(state: TrunkState, *, promised: bool = False) -> CallLimits:
    """The limits of any call through the trunk."""
    account = state.account
    return CallLimits(
        trunk_id=state.trunk.id,
        calls_per_second=state.calls_per_second,
        max_concurrent_calls=state.channels(promised=promised),
        account=AccountLimits(
            account_id=account.id,
            calls_per_second=state.account_calls_per_second,
            max_concurrent_calls=account.max_concurrent_calls,
        )
        if account
        else None,
        requests_per_minute=state.requests_per_minute_now,
    )
