"""Brings the ledger to this program's version, and says so when it is too new."""

import secrets
from pathlib import Path

import psycopg

from dialer.errors import StoreUnavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6469616C  #: advisory lock: one process migrates, the others wait for it
_WORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def migrate(database_url: str) -> None:
    """Create the tables or bring them up to date; the first time, name the installation.

    Safe to run in several processes at once.

    Raises:
        StoreUnavailable: PostgreSQL does not answer.
        Conflict: the ledger was written by a newer version of this program.
    """
    try:
        connection = psycopg.connect(database_url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error
    with connection:
        if _version(connection) == _newest():
            return
        # Alembic takes a third of a second to import, which every command would pay for nothing.
        from dialer.ledger.upgrade import upgrade

        connection.execute("/* migrate_lock */ SELECT pg_advisory_lock(%s)", (_LOCK,))
        upgrade(database_url, _version(connection))
        connection.execute(
            "/* name_installation */ INSERT INTO installation (word) VALUES (%s) ON CONFLICT DO NOTHING",
            ("".join(secrets.choice(_WORD_LETTERS) for _ in range(6)),),
        )


def _newest() -> str:
    """The revision that the newest migration's file name carries, as ``v0001_the_main_job.py`` does."""
    return max(path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _version(connection: psycopg.Connection) -> str | None:
    found = connection.execute("/* ledger_version */ SELECT to_regclass('ledger_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("/* ledger_version */ SELECT version_num FROM ledger_version").fetchone()
    return row[0] if row else None
