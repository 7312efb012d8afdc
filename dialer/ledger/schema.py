"""Brings the ledger to this program's version, and says so when it is too new."""

import secrets
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

from dialer.errors import Conflict, StoreUnavailable

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
        connection.execute("/* migrate_lock */ SELECT pg_advisory_lock(%s)", (_LOCK,))
        _upgrade(database_url, _version(connection))
        connection.execute(
            "/* name_installation */ INSERT INTO installation (word) VALUES (%s) ON CONFLICT DO NOTHING",
            ("".join(secrets.choice(_WORD_LETTERS) for _ in range(6)),),
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _version(connection: psycopg.Connection) -> str | None:
    found = connection.execute("/* ledger_version */ SELECT to_regclass('ledger_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("/* ledger_version */ SELECT version_num FROM ledger_version").fetchone()
    return row[0] if row else None


def _upgrade(database_url: str, version: str | None) -> None:
    known = {revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version is not None and version not in known:
        raise Conflict(
            f"the ledger is of version {version}, which this program does not know",
            hint="a newer version of the dialer has used it: install that version",
        )
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=pool.NullPool
    )
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
