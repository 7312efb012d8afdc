"""``dialer reclassify``: what today's rules say of calls that are over."""

from typing import Annotated

import typer

from console.progress import Progress
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.reclassified import reclassified_json, reclassified_page
from dialer.actions.reclassify import Reclassified
from dialer.actions.reclassify import reclassify as judge
from dialer.ledger.campaigns import find_campaign


def reclassify(
    campaign: Annotated[
        str | None, typer.Argument(metavar="[CAMPAIGN]", help="The campaign's name. All if not given.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the new outcomes and rules.")] = False,
    as_json: Json = False,
) -> None:
    """Judge calls that are over by the rules of this version, from what LiveKit answered then.

    For reports: nobody is called, and nobody's next step changes. With --apply, outcome and rule of the attempts are
    written anew, and every correction is kept with what stood before.
    """

    async def work(session: Session) -> Reclassified:
        found = await find_campaign(session.ledger, campaign) if campaign is not None else None
        with Progress("attempts judged") as progress:
            return await judge(
                session.ledger, campaign_id=found.id if found else None, apply=apply, on_progress=progress.at
            )

    found = run(work)
    if as_json:
        put_json(reclassified_json(found))
    elif found.attempts:
        put(reclassified_page(found))
    if not found.attempts:
        say("No attempt has ended yet.")
    elif apply:
        say(f"{found.corrected:,} attempts were corrected. Call jobs stay as they are.")
    elif found.changes:
        say("Nothing was changed; --apply writes the new outcomes and rules.")
