"""``dialer campaign list``."""

from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.campaign_table import CampaignLine, campaign_table
from dialer.ledger.campaigns import list_campaigns as read_campaigns
from dialer.ledger.routes import read_ways
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
    campaigns = await read_campaigns(session.ledger)
    ways = await read_ways(session.ledger, [campaign.id for campaign in campaigns])
    jobs, now = await count_call_jobs(session.ledger), await session.ledger.now()
    return [
        CampaignLine(
            name=campaign.name,
            state=campaign.state,
            trunks=tuple(trunks[trunk_id] for trunk_id in ways[campaign.id].trunk_ids if trunk_id in trunks),
            contacts=sum(jobs.get(campaign.id, {}).values()),
            finished=jobs.get(campaign.id, {}).get("finished", 0),
            created_at=campaign.created_at,
            agent=campaign.agent_name,
            hours=campaign.hours,
            is_open=campaign.hours.is_open(now),
        )
        for campaign in campaigns
    ]
