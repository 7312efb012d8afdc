"""Looks at one campaign: where it stands, what its trunks do now and what holds it back.  Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.actions.look_at_trunk import TrunkStanding, look_at_machinery, look_at_trunks
from dialer.domain.campaign import CampaignState
from dialer.domain.holding_back import Facts, holding_back
from dialer.domain.machinery import Machinery
from dialer.domain.trunk import Trunk
from dialer.errors import StoreUnavailable
from dialer.ledger.campaigns import Campaign, find_campaign
from dialer.ledger.reports import CampaignReport, report_campaign
from dialer.ledger.routes import CampaignTrunk, count_unserved, read_campaign_trunks
from dialer.ledger.session import Ledger
from dialer.limits.buckets import of_campaign
from dialer.limits.call_slots import CallSlots


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A campaign as it stands at ``now``, the ledger's clock.

    Attributes:
        trunks: all that it may take that were not removed, the first one first.
        ways: the same as they were given: what each is for.
        unserved: people who wait whose numbers none of them carries, by what they begin with.
        holding_back: one sentence.
    """

    campaign: Campaign
    report: CampaignReport
    trunks: tuple[TrunkStanding, ...]
    holding_back: str
    now: datetime
    ways: tuple[CampaignTrunk, ...] = ()
    unserved: Mapping[str, int] = field(default_factory=dict)

    @property
    def first(self) -> TrunkStanding | None:
        """The trunk that comes first; None: it has none, or its trunks were removed."""
        return self.trunks[0] if self.trunks else None

    @property
    def trunk(self) -> Trunk | None:
        """How the first one is set."""
        return self.first.state.trunk if self.first else None

    @property
    def waits_for_a_person(self) -> bool:
        """It would go on, but each of its trunks, or its account, is held, and nobody has asked for a probe yet."""
        if self.campaign.state is not CampaignState.RUNNING or not self.trunks:
            return False
        breakers = [trunk.state.breaker for trunk in self.trunks]
        return all(breaker.needs_a_person and breaker.probe_at is None for breaker in breakers)


async def look_at_campaign(ledger: Ledger, slots: CallSlots, name: str, *, silence: timedelta) -> Standing:
    """Look at the campaign of this name.

    Args:
        silence: a process that was not heard of for this long is not running.

    Raises:
        NotFound: there is no such campaign.
        StoreUnavailable: PostgreSQL does not answer.  A Redis that does not is part of the answer.
    """
    campaign = await find_campaign(ledger, name)
    report = await report_campaign(ledger, campaign.id)
    ways, unserved = await read_campaign_trunks(ledger, campaign.id), await count_unserved(ledger, campaign.id)
    machinery = await look_at_machinery(ledger, silence=silence)
    trunks = _in_order(await look_at_trunks(ledger, slots, silence=silence), ways)
    calls_up = await _calls_up(slots, campaign)
    facts = _facts(campaign, report, machinery, trunks, calls_up=calls_up, unserved=unserved)
    return Standing(
        campaign=campaign,
        report=report,
        trunks=trunks,
        holding_back=holding_back(facts),
        now=machinery.now,
        ways=ways,
        unserved=unserved,
    )


def _in_order(trunks: Sequence[TrunkStanding], ways: Sequence[CampaignTrunk]) -> tuple[TrunkStanding, ...]:
    """The campaign's own, each once, as they were given."""
    by_id = {trunk.state.trunk.id: trunk for trunk in trunks}
    return tuple(by_id[id_] for id_ in dict.fromkeys(way.trunk_id for way in ways) if id_ in by_id)


async def _calls_up(slots: CallSlots, campaign: Campaign) -> int | None:
    try:
        return await slots.in_use(of_campaign(campaign.id))
    except StoreUnavailable:
        return None


def _facts(
    campaign: Campaign,
    report: CampaignReport,
    machinery: Machinery,
    trunks: Sequence[TrunkStanding],
    *,
    calls_up: int | None,
    unserved: Mapping[str, int],
) -> Facts:
    return Facts(
        campaign=campaign.name,
        state=campaign.state,
        held_reason=campaign.held_reason,
        machinery=machinery,
        trunks=tuple(trunk.facts for trunk in trunks),
        calls_up=calls_up,
        most_calls=campaign.max_concurrent_calls,
        waiting=report.call_jobs["waiting"],
        due=report.due,
        queued=report.call_jobs["queued"],
        in_progress=report.call_jobs["in_progress"],
        in_doubt=report.in_doubt,
        next_due_at=report.next_due_at,
        start_at=campaign.start_at,
        end_at=campaign.end_at,
        hours=campaign.hours.text if campaign.hours.windows else "",
        is_open=campaign.hours.is_open(machinery.now),
        agent=campaign.agent_name,
        agents_missed=campaign.agents_missed,
        unserved=unserved,
    )
