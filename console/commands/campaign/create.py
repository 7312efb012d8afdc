"""``dialer campaign create``."""

import shlex

from console.commands.campaign.flags import takes
from console.commands.campaign.rules import Name, RuleOptions
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.domain.name import check_name
from dialer.ledger.campaigns import Campaign, create_campaign


@takes(RuleOptions)
def create(name: Name, options: RuleOptions, as_json: Json = False) -> None:
    """Create a campaign. Nobody is called before it is started."""
    name = check_name(name)

    async def work(session: Session) -> Campaign:
        return await create_campaign(session.ledger, name, await options.apply(session.ledger, None))

    campaign = run(work)
    say(f"Created campaign {campaign.name}. Next: dialer campaign import {shlex.quote(campaign.name)} FILE")
    if as_json:
        put_json({"name": campaign.name, "state": campaign.state})
