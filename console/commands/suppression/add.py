"""``dialer suppression add`` and ``remove``."""

from typing import Annotated

import typer

from console.commands.suppression.options import (
    CampaignName,
    Country,
    Pattern,
    Prefix,
    campaign_of,
    everyone,
    pattern_of,
    waiting_finished,
)
from console.progress import Progress
from console.session import Session, run
from console.terminal import Json, put_json, say
from console.views.suppression_table import covers, suppression_json, until_words
from dialer.actions.suppress_number import Suppressed, suppress_number
from dialer.domain.suppression import NewSuppression, check_reason, read_until
from dialer.errors import NotFound
from dialer.ledger.suppressions import NumberCheck, Suppression, check_number, remove_suppression


def add(
    number: Pattern,
    prefix: Prefix = False,
    campaign: CampaignName = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is shown with the entry.")] = "",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="WHEN",
            help="The last day, as 2026-12-31, which ends when it is over everywhere on earth; or a time with its "
            "offset. For ever if not given.",
        ),
    ] = None,
    country: Country = None,
    as_json: Json = False,
) -> None:
    """Never call a number again, or any number that begins so.

    Whoever waits to be called under it is finished at once, and whoever is queued is not dialed any more. A call that
    is on the line goes on. An entry that stands already gets the new reason and end.
    """
    checked = check_reason(reason)

    async def work(session: Session) -> Suppressed:
        found = await campaign_of(session, campaign)
        entry = NewSuppression(
            pattern=pattern_of(number, is_prefix=prefix, country=country, campaign=found),
            is_prefix=prefix,
            campaign_id=found.id if found else None,
            reason=checked,
            ends_at=read_until(until, now=await session.ledger.now()) if until is not None else None,
        )
        with Progress("waiting call jobs finished") as progress:
            return await suppress_number(session.ledger, entry, on_finished=progress.at)

    done = run(work)
    _tell(done)
    if as_json:
        put_json(
            {
                "added": done.before is None,
                "finished": done.finished,
                "entry": suppression_json(done.after) if done.after else None,
            }
        )


def _tell(done: Suppressed) -> None:
    entry = done.after
    if entry is None:
        say("It was put on the list, and somebody has removed it meanwhile.")
    elif done.before is None:
        say(f"{covers(entry)} is suppressed {everyone(entry.campaign)}{until_words(entry)}.")
    else:
        changed = (done.before.reason, done.before.ends_at) != (entry.reason, entry.ends_at)
        what = "its reason and end are the new ones" if changed else "nothing was changed"
        say(f"{covers(entry)} is suppressed {everyone(entry.campaign)} already: {what}{until_words(entry)}.")
    if told := waiting_finished(done.finished):
        say(told)


def remove(
    number: Pattern,
    prefix: Prefix = False,
    campaign: CampaignName = None,
    country: Country = None,
    as_json: Json = False,
) -> None:
    """Take an entry off the list. The list keeps its row, and call jobs that it has finished stay finished."""

    async def work(session: Session) -> tuple[Suppression, NumberCheck]:
        found = await campaign_of(session, campaign)
        pattern = pattern_of(number, is_prefix=prefix, country=country, campaign=found)
        campaign_id = found.id if found else None
        removed = await remove_suppression(session.ledger, pattern, is_prefix=prefix, campaign_id=campaign_id)
        rest = await check_number(session.ledger, pattern, campaign_id=campaign_id)
        if removed is None:
            raise NotFound(f"{number.strip()} is not on the list {everyone(campaign)}", hint=_where(rest))
        return removed, rest

    removed, rest = run(work)
    say(f"{covers(removed)} is off the list {everyone(removed.campaign)}. Call jobs it has finished stay finished.")
    if rest.entries:
        say(f"Still in force: {_listed(rest)}.")
    if as_json:
        put_json({"removed": suppression_json(removed), "still": [suppression_json(entry) for entry in rest.entries]})


def _where(rest: NumberCheck) -> str:
    if not rest.entries:
        return "`dialer suppression list` shows what is"
    return f"what covers it: {_listed(rest)}"


def _listed(rest: NumberCheck) -> str:
    return ", ".join(f"{covers(entry)} {everyone(entry.campaign)}" for entry in rest.entries)
