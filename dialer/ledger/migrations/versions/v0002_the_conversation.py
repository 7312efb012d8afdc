"""The conversation: agents, news from LiveKit, calling hours, suppressions."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    sql = (Path(__file__).parents[1] / "0002_the_conversation.sql").read_text(encoding="utf-8")
    op.get_bind().connection.driver_connection.execute(sql)  # type: ignore[union-attr]
