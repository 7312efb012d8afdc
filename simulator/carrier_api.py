"""The carrier's own pages: its limits, and its record of every INVITE.

GET /carrier/record, DELETE /carrier/record, GET /carrier/limits, PUT /carrier/limits.  Nobody but tests and
the demo asks here; LiveKit knows nothing of them.
"""

import asyncio
import json
from typing import Final

from simulator.carrier import Carrier, Record
from simulator.settings import CarrierLimits

PREFIX: Final = "/carrier/"
_SLICE: Final = 100


async def answer(carrier: Carrier, method: str, path: str, body: bytes) -> bytes | None:
    """The JSON of a page; None: there is no such page.  ValueError says what is wrong with the body."""
    match method, path.removeprefix(PREFIX):
        case "GET", "record":
            return await _write_record(carrier.record)
        case "DELETE", "record":
            carrier.record.clear()
            return b"{}"
        case "GET", "limits":
            return _write_limits(carrier.limits)
        case "PUT", "limits":
            carrier.limit(_read_limits(body))
            return _write_limits(carrier.limits)
    return None


async def _write_record(record: Record) -> bytes:
    """The whole record, written in slices: a pause here would look like a burst of INVITEs afterwards."""
    summary = json.dumps(
        {
            "worst_second": record.worst_second,
            "worst_second_by_trunk": record.worst_second_by_trunk(),
            "most_calls": record.most_calls,
        }
    )
    invites = record.invites()
    slices = []
    for start in range(0, len(invites), _SLICE):
        part = [
            {"at": invite.at, "trunk": invite.trunk, "number": invite.number, "room": invite.room}
            for invite in invites[start : start + _SLICE]
        ]
        slices.append(json.dumps(part)[1:-1])
        await asyncio.sleep(0)
    return f'{{"invites": [{", ".join(slices)}], {summary[1:]}'.encode()


def _write_limits(limits: CarrierLimits) -> bytes:
    return json.dumps(
        {
            "calls_per_second": limits.calls_per_second,
            "max_concurrent_calls": limits.max_concurrent_calls,
        }
    ).encode()


def _read_limits(body: bytes) -> CarrierLimits:
    wanted = json.loads(body)
    kinds = {"calls_per_second": (int, float), "max_concurrent_calls": (int,)}
    if not isinstance(wanted, dict) or not wanted.keys() <= kinds.keys():
        raise ValueError(f"limits are a JSON object with {' and '.join(kinds)}")
    for name, value in wanted.items():
        if value is not None and type(value) not in kinds[name]:
            raise ValueError(f"{name} must be null or a number, not {value!r}")
    return CarrierLimits(**wanted)
