"""The suppression list in a terminal and as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType

from console.views.layout import details, table
from dialer.ledger.suppressions import Suppression

_SOURCES = {
    "operator": "an operator",
    "file": "a file",
    "agent": "the person, who asked an agent",
    "line": "the network, which answered 607 (unwanted)",
}


def covers(entry: Suppression) -> str:
    """``+4930...`` for a prefix, else the number."""
    return f"{entry.pattern}..." if entry.is_prefix else entry.pattern


def until_words(entry: Suppression) -> str:
    """`` until 2026-12-31 12:00 UTC``; empty when there is no end."""
    return f" until {_at(entry.ends_at)} UTC" if entry.ends_at else ""


def suppression_words(entry: Suppression) -> str:
    """``+4930..., in all campaigns, by an operator: asked by mail``."""
    where = f"in campaign {entry.campaign}" if entry.campaign else "in all campaigns"
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{covers(entry)}, {where}{until_words(entry)}, by {_SOURCES.get(entry.source, entry.source)}{reason}"


def suppression_json(entry: Suppression) -> dict[str, object]:
    return {
        "pattern": entry.pattern,
        "prefix": entry.is_prefix,
        "campaign": entry.campaign,
        "reason": entry.reason,
        "source": entry.source,
        "created_at": _iso(entry.created_at),
        "ends_at": _iso(entry.ends_at),
        "removed_at": _iso(entry.removed_at),
        "in_force": entry.stands,
    }


def suppression_table(entries: Sequence[Suppression]) -> RenderableType:
    columns = ("never called", "campaign", "by", "since (UTC)", "until (UTC)", "reason")
    rows = [
        (covers(entry), entry.campaign or "all", entry.source, _at(entry.created_at), _until(entry), entry.reason)
        for entry in entries
    ]
    return table(columns, rows)


def suppression_details(entry: Suppression) -> RenderableType:
    """One entry, line by line."""
    return Group(
        "",
        details(
            [
                ("entry", covers(entry) if entry.is_prefix else f"{entry.pattern}, this very number"),
                ("campaigns", entry.campaign or "all"),
                ("since", f"{_at(entry.created_at)} UTC"),
                ("until", f"{_at(entry.ends_at)} UTC" if entry.ends_at else "for ever"),
                ("by", _SOURCES.get(entry.source, entry.source)),
                ("reason", entry.reason),
            ]
        ),
    )


def _until(entry: Suppression) -> str:
    if entry.removed_at is not None and entry.removed_at != entry.ends_at:
        return f"removed {_at(entry.removed_at)}"
    if entry.ends_at is None:
        return ""
    return _at(entry.ends_at) if entry.stands else f"ended {_at(entry.ends_at)}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
