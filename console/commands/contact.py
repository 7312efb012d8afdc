"""``dialer contact``: what happened to one of them."""

from typing import Annotated

import typer

from console.session import Session, run
from console.terminal import Json, put, put_json
from console.views.story import ToldStory, story_json, story_page
from dialer.domain.phone_number import NumberProblem, mask, parse_number
from dialer.errors import InvalidInput, NotFound
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.reports import tell_contact
from dialer.ledger.suppressions import check_number


def explain(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.")],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number, as +14155550100 or as you write it.")],
    as_json: Json = False,
) -> None:
    """Tell the whole story of one contact: every attempt, why it ended so, and what comes next."""
    told = run(lambda session: _tell(session, campaign, number))
    return put_json(story_json(told)) if as_json else put(story_page(told))


async def _tell(session: Session, name: str, number: str) -> ToldStory:
    campaign = await find_campaign(session.ledger, name)
    contact = await tell_contact(session.ledger, campaign.id, _e164(number, campaign.country))
    if contact is None:
        raise NotFound(
            f"campaign {name!r} has no contact with this number", hint="`dialer campaign results` lists all of them"
        )
    check = await check_number(session.ledger, contact.number, campaign_id=campaign.id)
    return ToldStory(
        campaign=campaign.name,
        campaign_state=campaign.state,
        contact=contact,
        now=await session.ledger.now(),
        hours=campaign.hours,
        suppressions=check.entries,
    )


def _e164(text: str, country: str | None) -> str:
    number = parse_number(text, country=country)
    if isinstance(number, NumberProblem):
        raise InvalidInput(f"{mask(text)}: {number.message}", hint="write it with + and country code, as +14155550100")
    return number.e164
