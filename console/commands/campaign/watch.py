"""``dialer campaign watch``."""

from typing import Annotated

import typer

from console.commands.campaign.rules import Name
from console.errors import ExitCode
from console.interrupts import Interrupts
from console.open_slots import open_slots
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.live import PlainLines, follow, screen
from console.views.report import report
from console.views.standing import standing_json
from dialer.actions.look_at_campaign import Standing, look_at_campaign
from dialer.domain.campaign import CampaignState


def watch(
    name: Name,
    until_finished: Annotated[
        bool, typer.Option("--until-finished", help="End by itself when the campaign is finished, cancelled or held.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Watch a campaign, and read a report at the end.

    Ctrl-C ends the watching, not the campaign. With --until-finished the exit code is 0 when the campaign is over and
    4 when it is held, or each of its trunks is.
    """
    last = run(lambda session: _watch(session, name, until_finished=until_finished, quiet=as_json))
    if as_json:
        put_json(standing_json(last))
    else:
        put(report(last))
    if until_finished and last.campaign.state is CampaignState.HELD:
        say(f"held: {last.campaign.held_reason}")
        raise typer.Exit(ExitCode.HELD)
    if until_finished and last.waits_for_a_person:
        say(f"held: {last.holding_back}")
        raise typer.Exit(ExitCode.HELD)


async def _watch(session: Session, name: str, *, until_finished: bool, quiet: bool) -> Standing:
    interrupts = Interrupts()
    interrupts.listen()
    async with open_slots(session) as slots:

        async def look() -> Standing:
            return await look_at_campaign(session.ledger, slots, name, silence=session.silence)

        with _Quiet() if quiet else screen() as shown:
            return await follow(look, shown, rest=interrupts.rest, until_finished=until_finished)


class _Quiet(PlainLines):
    """Shows nothing: only the end is asked for."""

    def show(self, standing: Standing) -> None:
        return None
