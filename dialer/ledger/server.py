"""The PostgreSQL server below the ledger."""

from dialer.ledger.session import Ledger

#: The oldest version the ledger's statements were written for.
OLDEST_MAJOR_VERSION = 15


async def server_version(ledger: Ledger) -> tuple[int, str]:
    """The major version, and the whole one as the server writes it."""
    row = await ledger.row(
        """/* server_version */
        SELECT current_setting('server_version_num')::int / 10000 AS major,
               current_setting('server_version') AS whole"""
    )
    assert row is not None
    return row["major"], row["whole"]
