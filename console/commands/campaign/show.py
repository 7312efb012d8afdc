"""``dialer campaign show``."""

from console.commands.campaign.rules import Name
from console.open_slots import open_slots
from console.session import Session, run
from console.terminal import Json, put, put_json
from console.views.standing import standing_json, standing_page
from dialer.actions.look_at_campaign import Standing, look_at_campaign


def show(name: Name, as_json: Json = False) -> None:
    """Show how a campaign stands, and what holds it back."""
    standing = run(lambda session: look(session, name))
    if as_json:
        return put_json(standing_json(standing))
    return put(standing_page(standing))


async def look(session: Session, name: str) -> Standing:
    """Look at a campaign once."""
    async with open_slots(session) as slots:
        return await look_at_campaign(session.ledger, slots, name, silence=session.silence)
