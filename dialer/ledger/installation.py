"""The installation's word and the epoch number."""

from dataclasses import dataclass

from dialer.errors import StoreUnavailable
from dialer.ledger.session import Ledger


@dataclass(frozen=True, slots=True)
class Installation:
    """``word`` begins the name of every room of ours; ``epoch`` numbers the limits' memory."""

    word: str
    epoch: int


async def read_installation(ledger: Ledger) -> Installation:
    row = await ledger.row("/* read_installation */ SELECT word, epoch FROM installation")
    if row is None:
        raise StoreUnavailable("the ledger has no installation row: it was not migrated to its end")
    return Installation(word=row["word"], epoch=row["epoch"])


async def raise_epoch(ledger: Ledger) -> int:
    """Begin the next epoch in the ledger and return its number.

    The table lock waits for the claims under way and keeps new ones out for a moment; without it a steady stream of
    claims, each holding the row FOR SHARE, keeps this waiting for seconds.
    """
    async with ledger.transaction() as transaction:
        await transaction.rows("/* raise_epoch */ SET LOCAL lock_timeout = '10s'")
        await transaction.rows("/* raise_epoch */ LOCK TABLE installation IN EXCLUSIVE MODE")
        row = await transaction.row("/* raise_epoch */ UPDATE installation SET epoch = epoch + 1 RETURNING epoch")
        assert row is not None
        return int(row["epoch"])
