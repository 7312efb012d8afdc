"""``dialer campaign edit``."""

from console.commands.campaign.rules import (
    CallerId,
    Country,
    MaxAttempts,
    Name,
    RetryFile,
    RingingTimeout,
    RuleOptions,
    TalkLimit,
    TrunkName,
)
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.domain.campaign import CampaignState
from dialer.errors import Conflict
from dialer.ledger.campaigns import Campaign, edit_campaign, find_campaign


def edit(
    name: Name,
    trunk: TrunkName = None,
    country: Country = None,
    caller_id: CallerId = None,
    ringing_timeout: RingingTimeout = None,
    talk_limit: TalkLimit = None,
    max_attempts: MaxAttempts = None,
    retry: RetryFile = None,
    as_json: Json = False,
) -> None:
    """Change a campaign's rules. What is not given stays; a running campaign follows within 2 seconds."""
    options = RuleOptions(
        trunk=trunk,
        country=country,
        caller_id=caller_id,
        ringing_timeout=ringing_timeout,
        talk_limit=talk_limit,
        max_attempts=max_attempts,
        retry=retry,
    )

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
