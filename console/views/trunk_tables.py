"""Trunks in a terminal and as JSON."""

from collections.abc import Sequence

from rich.console import Group, RenderableType

from console.views.layout import details, heading, table
from dialer.domain.trunk import Trunk

LIVEKIT_CHOOSES = "LiveKit's choice"


def trunk_json(trunk: Trunk) -> dict[str, object]:
    return {
        "name": trunk.name,
        "livekit_trunk": trunk.livekit_trunk_id,
        "calls_per_second": trunk.calls_per_second,
        "max_concurrent_calls": trunk.max_concurrent_calls,
        "caller_id": trunk.caller_id,
    }


def trunk_table(trunks: Sequence[Trunk]) -> RenderableType:
    columns = ("trunk", "LiveKit trunk", "calls/s", "at once", "caller ID")
    rows = [
        (
            trunk.name,
            trunk.livekit_trunk_id,
            f"{trunk.calls_per_second:g}",
            f"{trunk.max_concurrent_calls:,}",
            trunk.caller_id or LIVEKIT_CHOOSES,
        )
        for trunk in trunks
    ]
    return table(columns, rows, right=(2, 3))


def trunk_details(trunk: Trunk, *, calls_per_second_now: float, open_calls: float) -> RenderableType:
    return Group(
        heading(f"trunk {trunk.name}"),
        details(
            [
                ("LiveKit trunk", trunk.livekit_trunk_id),
                ("calls per second", f"{calls_per_second_now:.1f} now, {trunk.calls_per_second:g} allowed"),
                ("calls at once", f"{open_calls:,} now, {trunk.max_concurrent_calls:,} allowed"),
                ("caller ID", trunk.caller_id or LIVEKIT_CHOOSES),
            ]
        ),
    )
