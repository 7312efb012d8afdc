"""Runs the migrations, with Alembic; ``schema`` imports this only when there are any to run."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

from dialer.errors import Conflict

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database_url: str, version: str | None) -> None:
    """Bring a ledger from ``version`` (None: it is empty) to the newest.

    Raises:
        Conflict: the ledger was written by a newer version of this program.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise Conflict(
            f"the ledger is of version {version}, which this program does not know",
            hint="a newer version of the dialer has used it: install that version",
        )
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=pool.NullPool
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
