"""``dialer campaign create``."""

import shlex

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
from dialer.domain.name import check_name
from dialer.ledger.campaigns import Campaign, create_campaign


def create(
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
    """Create a campaign. Nobody is called before it is started."""
    name = check_name(name)
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
        return await create_campaign(session.ledger, name, await options.apply(session.ledger, None))

    campaign = run(work)
    say(f"Created campaign {campaign.name}. Next: dialer campaign import {shlex.quote(campaign.name)} FILE")
    if as_json:
        put_json({"name": campaign.name, "state": campaign.state})
