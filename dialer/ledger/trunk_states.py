"""Trunks with what was learned about them."""

from dialer.domain.trunk_state import WELL, TrunkState
from dialer.ledger.accounts import list_accounts
from dialer.ledger.health import read_health
from dialer.ledger.session import Statements
from dialer.ledger.trunks import list_trunks


async def read_trunk_states(statements: Statements) -> dict[int, TrunkState]:
    """Every trunk that was not removed, by id."""
    trunks = await list_trunks(statements)
    accounts = {account.id: account for account in await list_accounts(statements)}
    known = await read_health(statements)
    line = await statements.row("/* read_quota */ SELECT requests_per_minute, now() AS now FROM line_status")
    assert line is not None
    return {
        trunk.id: TrunkState(
            trunk=trunk,
            account=accounts.get(trunk.account_id or 0),
            now=line["now"],
            trunk_health=known.get(("trunk", trunk.id), WELL),
            account_health=known.get(("account", trunk.account_id or 0), WELL),
            livekit_health=known.get(("livekit", 0), WELL),
            requests_per_minute=line["requests_per_minute"],
        )
        for trunk in trunks
    }
