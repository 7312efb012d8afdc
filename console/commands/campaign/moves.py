"""``dialer campaign pause``, ``resume`` and ``cancel``."""

import shlex

from console.commands.campaign.rules import Name
from console.session import Session, run
from console.terminal import Json, Yes, agree, put_json, say
from dialer.actions.run_campaign import Verb, check_verb, move
from dialer.ledger.campaigns import Campaign, find_campaign
from dialer.ledger.reports import CampaignReport, report_campaign


def pause(name: Name, as_json: Json = False) -> None:
    """Stop calling. Calls that are up go on; nobody is lost."""
    report = run(lambda session: _move(session, name, Verb.PAUSE))
    _tell(f"Paused {name}.", report, then=f"Go on with: dialer campaign resume {shlex.quote(name)}")
    if as_json:
        put_json({"name": name, "state": Verb.PAUSE.after})


def resume(name: Name, as_json: Json = False) -> None:
    """Call again, after a pause or a hold. What held the campaign should be mended first."""
    report = run(lambda session: _move(session, name, Verb.RESUME))
    _tell(f"Resumed {name}.", report, then=f"Watch it with: dialer campaign watch {shlex.quote(name)}")
    if as_json:
        put_json({"name": name, "state": Verb.RESUME.after})


def cancel(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """End a campaign for good. Whoever waits is not called any more; calls that are up go on."""
    campaign, standing = run(lambda session: _look(session, name))
    check_verb(campaign, Verb.CANCEL)
    waiting = standing.call_jobs["waiting"] + standing.call_jobs["queued"]
    if not agree(f"Cancel {name} for good? {_people(waiting)} will not be called.", yes=yes):
        return say("Nothing was changed.")
    report = run(lambda session: _move(session, name, Verb.CANCEL))
    _tell(f"Cancelled {name}.", report, then=f"What happened: dialer campaign results {shlex.quote(name)}")
    return put_json({"name": name, "state": Verb.CANCEL.after}) if as_json else None


async def _look(session: Session, name: str) -> tuple[Campaign, CampaignReport]:
    campaign = await find_campaign(session.ledger, name)
    return campaign, await report_campaign(session.ledger, campaign.id)


async def _move(session: Session, name: str, verb: Verb) -> CampaignReport:
    campaign = await move(session.ledger, name, verb)
    return await report_campaign(session.ledger, campaign.id)


def _tell(done: str, report: CampaignReport, *, then: str) -> None:
    up = report.call_jobs["in_progress"]
    still = f" {'1 call is' if up == 1 else f'{up:,} calls are'} still up." if up else ""
    say(f"{done}{still} {then}")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"
