"""``dialer campaign list``."""

from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.campaign_table import CampaignLine, campaign_table
from dialer.ledger.campaigns import list_campaigns as read_campaigns
from dialer.ledger.standing import count_call_jobs
from dialer.ledger.trunks import list_trunks


def list_campaigns(as_json: Json = False) -> None:
    """List the campaigns, the newest first."""
    lines = run(_lines)
    if as_json:
        return put_json([line.as_json() for line in lines])
    if not lines:
        return say("There is no campaign yet: dialer campaign create")
    return put(campaign_table(lines))


async def _lines(session: Session) -> list[CampaignLine]:
    trunks = {trunk.id: trunk.name for trunk in await list_trunks(session.ledger)}
    jobs, now = await count_call_jobs(session.ledger), await session.ledger.now()
    return [
        CampaignLine(
            name=campaign.name,
            state=campaign.state,
            trunk=trunks.get(campaign.trunk_id) if campaign.trunk_id else None,
            contacts=sum(jobs.get(campaign.id, {}).values()),
            finished=jobs.get(campaign.id, {}).get("finished", 0),
            created_at=campaign.created_at,
            agent=campaign.agent_name,
            hours=campaign.hours,
            is_open=campaign.hours.is_open(now),
        )
        for campaign in await read_campaigns(session.ledger)
    ]
