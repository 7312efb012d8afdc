"""What the commands of ``dialer suppression`` have in common."""

from typing import Annotated

import typer

from console.session import Session
from dialer.domain.phone_number import check_country
from dialer.domain.suppression import read_pattern
from dialer.ledger.campaigns import Campaign, find_campaign

Pattern = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The number, as +14155550100; with --prefix, what numbers begin with.")
]
Prefix = Annotated[bool, typer.Option("--prefix", help="Every number that begins so, as +4930.")]
CampaignName = Annotated[
    str | None, typer.Option("--campaign", metavar="NAME", help="For this campaign only. All if not given.")
]
Country = Annotated[
    str | None,
    typer.Option(
        "--country", metavar="CC", help="Of numbers without a country code, as US. The campaign's if not given."
    ),
]


async def campaign_of(session: Session, name: str | None) -> Campaign | None:
    """The campaign that was named, if one was."""
    return await find_campaign(session.ledger, name) if name is not None else None


def country_of(given: str | None, campaign: Campaign | None) -> str | None:
    """The country of numbers without a country code."""
    if given is not None:
        return check_country(given)
    return campaign.country if campaign else None


def pattern_of(text: str, *, is_prefix: bool, country: str | None, campaign: Campaign | None) -> str:
    """What was given as ``+`` and digits."""
    return read_pattern(text, is_prefix=is_prefix, country=country_of(country, campaign))


def everyone(campaign: str | None) -> str:
    """``for all campaigns``, or the one."""
    return f"in campaign {campaign}" if campaign else "for all campaigns"


def waiting_finished(count: int) -> str:
    """What became of the call jobs that waited; empty when none did."""
    return f"{count:,} waiting call job{'s' if count != 1 else ''} finished as suppressed." if count else ""
