"""``dialer trunk list``."""

from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.trunk_tables import trunk_json, trunk_table
from dialer.domain.trunk import Trunk
from dialer.ledger.accounts import list_accounts
from dialer.ledger.trunks import list_trunks


def list_all(as_json: Json = False) -> None:
    """List the trunks with their limits."""
    trunks, accounts = run(_read)
    if as_json:
        return put_json([trunk_json(trunk, accounts) for trunk in trunks])
    if not trunks:
        return say("There is no trunk yet: dialer trunk add")
    return put(trunk_table(trunks, accounts))


async def _read(session: Session) -> tuple[list[Trunk], dict[int, str]]:
    accounts = await list_accounts(session.ledger)
    return await list_trunks(session.ledger), {account.id: account.name for account in accounts}
