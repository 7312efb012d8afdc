"""``dialer trunk show``."""

from typing import Annotated

import typer

from console.open_slots import open_slots
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.trunk_standing import standing_json, standing_page, standing_table
from dialer.actions.look_at_trunk import TrunkStanding, look_at_trunk, look_at_trunks


def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The trunk's name here; without it, a line for each.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a trunk could do now, what it does, and what holds it back."""
    standings = run(lambda session: _look(session, name))
    if name is not None:
        return put_json(standing_json(standings[0])) if as_json else put(standing_page(standings[0]))
    if as_json:
        return put_json([standing_json(standing) for standing in standings])
    return put(standing_table(standings)) if standings else say("There is no trunk yet: dialer trunk add")


async def _look(session: Session, name: str | None) -> list[TrunkStanding]:
    async with open_slots(session) as slots:
        if name is None:
            return await look_at_trunks(session.ledger, slots, silence=session.silence)
        return [await look_at_trunk(session.ledger, slots, name, silence=session.silence)]
