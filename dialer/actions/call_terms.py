"""Under which terms a call job is dialed: its campaign's rules and its trunk's limits, read about once a second."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from dialer.app import Dialer
from dialer.domain.calling_window import CallingHours
from dialer.domain.dial_options import DialOptions
from dialer.domain.retry import RetryPolicy
from dialer.domain.retry_policy import policy_from_json
from dialer.domain.trunk import Trunk
from dialer.ledger.campaigns import Campaign, read_campaigns
from dialer.ledger.trunks import list_trunks
from dialer.limits.call_rate import TrunkLimits

#: A new limit or rule is in force this long after it was written, at most (promised: 2 s).
KEEP_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTerms:
    """How the call jobs of one campaign are dialed."""

    campaign_id: int
    campaign: str
    trunk: Trunk
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

    @property
    def limits(self) -> TrunkLimits:
        return TrunkLimits(
            trunk_id=self.trunk.id,
            calls_per_second=self.trunk.calls_per_second,
            max_concurrent_calls=self.trunk.max_concurrent_calls,
        )


class TermsBook:
    """Keeps terms for ``KEEP_SECONDS``."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._kept: dict[int, CallTerms] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def of(self, campaign_ids: Collection[int]) -> dict[int, CallTerms]:
        """The terms of these campaigns; one without a trunk is left out.

        Many calls find the terms too old at the same moment: one reads for all.
        """
        async with self._reading:
            return await self._fresh(campaign_ids)

    async def _fresh(self, campaign_ids: Collection[int]) -> dict[int, CallTerms]:
        now = self._dialer.clock.seconds()
        wanted = set(campaign_ids)
        if now - self._read_at > KEEP_SECONDS:
            wanted |= self._kept.keys()
            self._kept, self._read_at = {}, now
        if missing := wanted - self._kept.keys():
            trunks = {trunk.id: trunk for trunk in await list_trunks(self._dialer.ledger)}
            for campaign in await read_campaigns(self._dialer.ledger, missing):
                if campaign.trunk_id in trunks:
                    self._kept[campaign.id] = terms_of(campaign, trunks[campaign.trunk_id])
        return self._kept


def terms_of(campaign: Campaign, trunk: Trunk) -> CallTerms:
    return CallTerms(
        campaign_id=campaign.id,
        campaign=campaign.name,
        trunk=trunk,
        caller_id=campaign.caller_id or trunk.caller_id,
        ringing_timeout=campaign.ringing_timeout,
        talk_limit=campaign.talk_limit,
        policy=replace(policy_from_json(campaign.policy), max_attempts=campaign.max_attempts),
        hours=campaign.hours,
        hours_mark=campaign.hours_mark,
        agent_name=campaign.agent_name,
        agent_left=campaign.agent_left,
        options=DialOptions.from_json(campaign.dial_options),
        agents_missed=campaign.agents_missed,
    )
