"""Looks at one campaign: where it stands, what its trunk does now and what holds it back.  Changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.domain.holding_back import Facts, holding_back
from dialer.domain.trunk import Trunk
from dialer.errors import StoreUnavailable
from dialer.ledger.campaigns import Campaign, find_campaign
from dialer.ledger.line_status import LineStatus, read_line_status
from dialer.ledger.reports import CampaignReport, report_campaign
from dialer.ledger.session import Ledger
from dialer.ledger.standing import TrunkUse, use_of_trunk
from dialer.ledger.trunks import list_trunks
from dialer.ledger.workers import count_alive
from dialer.limits.call_slots import CallSlots

_SHORTEST_WINDOW_SECONDS = 3.0
_CALLS_IN_A_WINDOW = 3  #: a trunk of one call in 10 s is looked at for 30 s


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A campaign as it stands at ``now``, the ledger's clock.

    Attributes:
        trunk: None: it has none, or its trunk was removed.
        slots_taken: by calls that are up or about to begin, on the trunk; None: not known.
        holding_back: one sentence.
    """

    campaign: Campaign
    trunk: Trunk | None
    report: CampaignReport
    use: TrunkUse | None
    slots_taken: int | None
    holding_back: str
    now: datetime


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
    trunk = await _trunk_of(ledger, campaign)
    use = await use_of_trunk(ledger, trunk.id, window=_window(trunk)) if trunk else None
    taken = await _slots_taken(slots, trunk) if trunk else None
    now = use.now if use else await ledger.now()
    line, alive = await read_line_status(ledger), await count_alive(ledger, silence=silence)
    facts = _facts(campaign, trunk, report, use=use, taken=taken, line=line, alive=alive, now=now)
    return Standing(
        campaign=campaign,
        trunk=trunk,
        report=report,
        use=use,
        slots_taken=taken,
        holding_back=holding_back(facts),
        now=now,
    )


async def _trunk_of(ledger: Ledger, campaign: Campaign) -> Trunk | None:
    trunks = await list_trunks(ledger)
    return next((trunk for trunk in trunks if trunk.id == campaign.trunk_id), None)


def _window(trunk: Trunk) -> timedelta:
    return timedelta(seconds=max(_SHORTEST_WINDOW_SECONDS, _CALLS_IN_A_WINDOW / trunk.calls_per_second))


async def _slots_taken(slots: CallSlots, trunk: Trunk) -> int | None:
    try:
        return await slots.in_use(trunk.id)
    except StoreUnavailable:
        return None


def _facts(
    campaign: Campaign,
    trunk: Trunk | None,
    report: CampaignReport,
    *,
    use: TrunkUse | None,
    taken: int | None,
    line: LineStatus,
    alive: dict[str, int],
    now: datetime,
) -> Facts:
    return Facts(
        campaign=campaign.name,
        state=campaign.state,
        held_reason=campaign.held_reason,
        trunk=trunk.name if trunk else None,
        calls_per_second=trunk.calls_per_second if trunk else 0.0,
        max_concurrent_calls=trunk.max_concurrent_calls if trunk else 0,
        calls_now=use.calls_per_second if use else 0.0,
        slots_taken=taken,
        callers=alive.get("caller", 0),
        feeders=alive.get("feeder", 0),
        rescuers=alive.get("rescuer", 0),
        line=line.state,
        line_detail=line.detail,
        line_since=line.since,
        waiting=report.call_jobs["waiting"],
        due=report.due,
        queued=report.call_jobs["queued"],
        in_progress=report.call_jobs["in_progress"],
        in_doubt=report.in_doubt,
        next_due_at=report.next_due_at,
        now=now,
        start_at=campaign.start_at,
        end_at=campaign.end_at,
        hours=campaign.hours.text if campaign.hours.windows else "",
        is_open=campaign.hours.is_open(now),
        agent=campaign.agent_name,
        agents_missed=campaign.agents_missed,
    )
