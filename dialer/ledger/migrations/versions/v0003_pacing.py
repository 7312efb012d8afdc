"""Pacing: several trunks for a campaign, accounts, learned rates, breakers, fair shares."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    sql = (Path(__file__).parents[1] / "0003_pacing.sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(sql)  # type: ignore[union-attr]
