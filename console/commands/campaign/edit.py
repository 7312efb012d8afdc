"""``dialer campaign edit``."""

from console.commands.campaign.flags import takes
from console.commands.campaign.rules import Name, RuleOptions
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.domain.campaign import CampaignState
from dialer.errors import Conflict
from dialer.ledger.campaigns import Campaign, edit_campaign, find_campaign


@takes(RuleOptions)
def edit(name: Name, options: RuleOptions, as_json: Json = False) -> None:
    """Change a campaign's rules. What is not given stays; a running campaign follows within 2 seconds."""

    async def work(session: Session) -> Campaign:
        campaign = await find_campaign(session.ledger, name)
        if campaign.state is CampaignState.CANCELLED:
            raise Conflict(f"campaign {name!r} is cancelled and cannot be changed", hint="create a new campaign")
        await edit_campaign(session.ledger, campaign.id, await options.apply(session.ledger, campaign))
        return campaign

    campaign = run(work)
    say(f"Changed campaign {campaign.name}.")
    if as_json:
        put_json({"name": campaign.name, "state": campaign.state})
