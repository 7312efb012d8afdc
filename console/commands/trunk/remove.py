"""``dialer trunk remove``."""

from console.commands.trunk.flags import Name
from console.session import Session, run
from console.terminal import say
from dialer.ledger.trunks import find_trunk, remove_trunk


def remove(name: Name) -> None:
    """Take a trunk out of use. Campaigns that are over keep what was called through it."""

    async def work(session: Session) -> None:
        await remove_trunk(session.ledger, await find_trunk(session.ledger, name))

    run(work)
    say(f"Removed trunk {name}.")
