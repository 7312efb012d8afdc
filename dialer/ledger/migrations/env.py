"""Alembic's entry: runs the versions on the connection it is handed."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
context.configure(connection=connection, version_table="ledger_version")
with context.begin_transaction():
    context.run_migrations()
