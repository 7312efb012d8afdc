"""The installation's word and the epoch number."""

from dataclasses import dataclass

from dialer.errors import StoreUnavailable
from dialer.ledger.session import Ledger


@dataclass(frozen=True, slots=True)
class Installation:
    """``word`` begins the name of every room of ours; ``epoch`` numbers the limits' memory.

    ``failed_over``: PostgreSQL's timeline is another one than when the epoch was begun, so this is another primary.
    """

    word: str
    epoch: int
    failed_over: bool = False


_TIMELINE = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"


async def read_installation(ledger: Ledger) -> Installation:
    row = await ledger.row(
        f"/* read_installation */ SELECT word, epoch, timeline <> {_TIMELINE} AS failed_over FROM installation"  # noqa: S608
    )
    if row is None:
        raise StoreUnavailable("the ledger has no installation row: it was not migrated to its end")
    return Installation(word=row["word"], epoch=row["epoch"], failed_over=bool(row["failed_over"]))


async def raise_epoch(ledger: Ledger) -> int:
    """Begin the next epoch in the ledger and return its number.

    The table lock waits for the claims under way and keeps new ones out for a moment; without it a steady stream of
    claims, each holding the row FOR SHARE, keeps this waiting for seconds.
    """
    async with ledger.transaction() as transaction:
        await transaction.rows("/* raise_epoch */ SET LOCAL lock_timeout = '10s'")
        await transaction.rows("/* raise_epoch */ LOCK TABLE installation IN EXCLUSIVE MODE")
        before = await transaction.row(f"/* raise_epoch */ SELECT timeline <> {_TIMELINE} AS moved FROM installation")  # noqa: S608
        if before and before["moved"]:
            # Another primary: what the old one knew of empty rooms may be newer than what this one has.
            await transaction.changed(
                "/* doubts_begin_again */ UPDATE attempts SET empty_since = NULL WHERE state <> 'ended'"
            )
        row = await transaction.row(
            f"/* raise_epoch */ UPDATE installation SET epoch = epoch + 1, timeline = {_TIMELINE} RETURNING epoch"  # noqa: S608
        )
        assert row is not None
        return int(row["epoch"])
