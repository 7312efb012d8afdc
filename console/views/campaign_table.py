"""The list of campaigns in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import RenderableType

from console.views.layout import share, table
from dialer.domain.calling_window import CallingHours


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignLine:
    """One campaign of the list.

    Attributes:
        trunks: all that it may take, the first one first.
        is_open: a call may begin at this moment, by start, end and hours in the campaign's own zone.
    """

    name: str
    state: str
    trunks: tuple[str, ...]
    contacts: int
    finished: int
    created_at: datetime
    agent: str | None
    hours: CallingHours
    is_open: bool

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "state": self.state,
            "trunk": self.trunks[0] if self.trunks else None,
            "contacts": self.contacts,
            "finished": self.finished,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "agent": self.agent,
            "calling_hours": self.hours.text,
            "start_at": self.hours.start_at.isoformat(timespec="seconds") if self.hours.start_at else None,
            "end_at": self.hours.end_at.isoformat(timespec="seconds") if self.hours.end_at else None,
            "open_now": self.is_open,
            "trunks": list(self.trunks),
        }


def campaign_table(lines: Sequence[CampaignLine]) -> RenderableType:
    rows = [
        (
            line.name,
            line.state if line.is_open or line.state != "running" else f"{line.state}, closed",
            f"{line.contacts:,}",
            f"{line.finished:,}",
            share(line.finished, line.contacts),
            ", ".join(line.trunks) or "none",
            line.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        )
        for line in lines
    ]
    columns = ("campaign", "state", "people", "finished", "", "trunk", "created (UTC)")
    return table(columns, rows, right=(2, 3, 4))
