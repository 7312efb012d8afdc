"""The simulator's own pages: the carrier's limits, its record of every INVITE and its end, the rooms, and the webhooks.

GET /carrier/record, DELETE /carrier/record, GET /carrier/limits, PUT /carrier/limits, GET /carrier/webhooks,
GET /carrier/requests, GET /carrier/rooms, GET /carrier/rooms?alone_seconds=10.  Nobody but tests, benchmarks and the
demo asks here; LiveKit knows nothing of them.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from livekit.protocol.models import ParticipantInfo

from simulator.carrier import Carrier, Invite, Record
from simulator.left_alone import LeftAlone
from simulator.rooms import Participant, Room, Rooms
from simulator.settings import CarrierLimits
from simulator.webhooks import Outbox

PREFIX: Final = "/carrier/"
_SLICE: Final = 100

T = TypeVar("T")


class Pages:
    """Answers requests for the pages."""

    def __init__(
        self, *, carrier: Carrier, rooms: Rooms, left_alone: LeftAlone, outbox: Outbox, requests: Mapping[str, int]
    ) -> None:
        self._carrier = carrier
        self._rooms = rooms
        self._left_alone = left_alone
        self._outbox = outbox
        self._requests = requests

    async def answer(self, method: str, path: str, body: bytes, query: Mapping[str, str]) -> bytes | None:
        """The JSON of a page; None: there is no such page.  ValueError says what is wrong with the request."""
        carrier = self._carrier
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
            case "GET", "rooms":
                return await self._write_rooms(float(query.get("alone_seconds", 0)))
            case "GET", "webhooks":
                return json.dumps(asdict(self._outbox.tally) | {"waiting": self._outbox.waiting}).encode()
            case "GET", "requests":
                return json.dumps(dict(self._requests)).encode()
        return None

    async def _write_rooms(self, alone_seconds: float) -> bytes:
        """The rooms there are, and in how many somebody was alone for more than so many real seconds."""
        agents, callees = self._left_alone.agents, self._left_alone.callees
        summary = {
            "agents_alone_now": agents.now(alone_seconds),
            "agents_alone_ever": agents.ever(alone_seconds),
            "callees_alone_now": callees.now(alone_seconds),
            "callees_alone_ever": callees.ever(alone_seconds),
        }
        return await _write_list("rooms", list(self._rooms.all()), _room, summary)


def _room(room: Room) -> dict[str, object]:
    inside = [_participant(participant) for participant in room.participants.values()]
    return {"name": room.name, "created_at": room.created_at, "metadata": room.metadata, "participants": inside}


def _participant(participant: Participant) -> dict[str, object]:
    return {
        "identity": participant.identity,
        "kind": ParticipantInfo.Kind.Name(participant.kind),
        "joined_at": participant.joined_at,
        "attributes": participant.attributes,
    }


async def _write_record(record: Record) -> bytes:
    summary = {
        "worst_second": record.worst_second,
        "worst_second_by_trunk": record.worst_second_by_trunk(),
        "most_calls": record.most_calls,
    }
    return await _write_list("invites", record.invites(), _invite, summary)


def _invite(invite: Invite) -> dict[str, object]:
    return {
        "at": invite.at,
        "trunk": invite.trunk,
        "number": invite.number,
        "room": invite.room,
        "ended_at": invite.ended_at,
    }


async def _write_list(
    name: str, items: Sequence[T], write: Callable[[T], dict[str, object]], summary: Mapping[str, object]
) -> bytes:
    """A long list and a summary, written in slices: a pause here would look like a burst of INVITEs afterwards."""
    rest = json.dumps(summary)
    slices = []
    for start in range(0, len(items), _SLICE):
        slices.append(json.dumps([write(item) for item in items[start : start + _SLICE]])[1:-1])
        await asyncio.sleep(0)
    return f'{{"{name}": [{", ".join(slices)}], {rest[1:]}'.encode()


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
