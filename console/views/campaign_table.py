"""The list of campaigns in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import RenderableType

from console.views.layout import share, table


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignLine:
    """One campaign of the list."""

    name: str
    state: str
    trunk: str | None
    contacts: int
    finished: int
    created_at: datetime

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "state": self.state,
            "trunk": self.trunk,
            "contacts": self.contacts,
            "finished": self.finished,
            "created_at": self.created_at.isoformat(timespec="seconds"),
        }


def campaign_table(lines: Sequence[CampaignLine]) -> RenderableType:
    rows = [
        (
            line.name,
            line.state,
            f"{line.contacts:,}",
            f"{line.finished:,}",
            share(line.finished, line.contacts),
            line.trunk or "none",
            line.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        )
        for line in lines
    ]
    columns = ("campaign", "state", "people", "finished", "", "trunk", "created (UTC)")
    return table(columns, rows, right=(2, 3, 4))
