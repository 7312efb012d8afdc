"""``dialer suppression list`` and ``check``."""

from typing import Annotated

import typer

from console.commands.suppression.options import Country, campaign_of, everyone, pattern_of
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.suppression_table import suppression_details, suppression_json, suppression_table
from dialer.ledger.suppressions import NumberCheck, Suppression, check_number, list_suppressions


def list_entries(
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="Those of this campaign alone.")
    ] = None,
    with_past: Annotated[bool, typer.Option("--all", help="Also those that were removed or have ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show this many, the newest.")] = 100,
    as_json: Json = False,
) -> None:
    """List what is never called, the newest first."""

    async def work(session: Session) -> tuple[list[Suppression], int]:
        found = await campaign_of(session, campaign)
        return await list_suppressions(
            session.ledger, campaign_id=found.id if found else None, with_past=with_past, most=limit
        )

    entries, count = run(work)
    if as_json:
        put_json([suppression_json(entry) for entry in entries])
    elif entries:
        put(suppression_table(entries))
    else:
        say("Nothing is suppressed: dialer suppression add NUMBER")
    if count > len(entries):
        say(f"These are the newest {len(entries):,} of {count:,}; --limit {count} shows all.")


def check(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number, as +14155550100 or as you write it.")],
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="Would this campaign call it?")
    ] = None,
    country: Country = None,
    as_json: Json = False,
) -> None:
    """Say whether a number is suppressed, by which entry, since when and until when. The exit code is 0 either way."""

    async def work(session: Session) -> tuple[str, NumberCheck]:
        found = await campaign_of(session, campaign)
        pattern = pattern_of(number, is_prefix=False, country=country, campaign=found)
        return pattern, await check_number(session.ledger, pattern, campaign_id=found.id if found else None)

    pattern, found = run(work)
    if as_json:
        entries = [suppression_json(entry) for entry in found.entries]
        return put_json({"number": pattern, "suppressed": found.suppressed, "entries": entries})
    return put(_verdict(pattern, found, campaign), *(suppression_details(entry) for entry in found.entries))


def _verdict(number: str, found: NumberCheck, campaign: str | None) -> str:
    if found.suppressed:
        return f"{number} is suppressed {everyone(campaign)}:"
    if found.entries:
        return f"{number} is suppressed, not for all campaigns:"
    return f"{number} is not suppressed{f' in campaign {campaign}' if campaign else ''}."
