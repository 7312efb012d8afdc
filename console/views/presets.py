"""What carriers publish, in a terminal and as JSON."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType

from console.views.layout import details, heading
from dialer.domain.carrier import Carrier, Sourced


def presets_json(carriers: Iterable[Carrier]) -> list[dict[str, object]]:
    return [
        {
            "carrier": carrier.name,
            "calls_per_second": _json(carrier.calls_per_second),
            "max_concurrent_calls": _json(carrier.max_concurrent_calls),
            "invites_per_call": {login: _json(value) for login, value in carrier.invites_per_call.items()},
            "safety_factor": _json(carrier.safety_factor),
            "counts_ringing": _json(carrier.counts_ringing),
            "account": carrier.account or None,
        }
        for carrier in carriers
    ]


def presets_page(carriers: Iterable[Carrier]) -> RenderableType:
    parts: list[RenderableType] = []
    for carrier in carriers:
        parts += [heading(carrier.name), details(_lines(carrier)), ""]
    return Group(*parts[:-1])


def _lines(carrier: Carrier) -> list[tuple[str, str]]:
    return [
        ("calls per second", _text(carrier.calls_per_second)),
        ("calls at once", _text(carrier.max_concurrent_calls)),
        ("INVITEs per call", f"{_text(carrier.invites_per_call['address'])}, without user and password"),
        ("", f"{_text(carrier.invites_per_call['password'])}, with user and password"),
        ("safety factor", _text(carrier.safety_factor)),
        ("ringing counts", _text(carrier.counts_ringing)),
        ("account", carrier.account),
    ]


def _text(value: Sourced[Any]) -> str:  # Any: a number, a truth, or None
    match value.value:
        case None:
            shown = "not published"
        case bool(counts):
            shown = "yes" if counts else "no"
        case number:
            shown = f"{number:g}"
    note = f" - {value.note}" if value.note else ""
    return f"{shown}{note} ({value.source}, read {value.read_on})"


def _json(value: Sourced[Any]) -> dict[str, object]:
    return {
        "value": value.value,
        "source": value.source,
        "note": value.note,
        "read_on": value.read_on.isoformat(),
    }
