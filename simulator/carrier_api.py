"""The simulator's own pages: the carrier's limits and outages, its record of every INVITE and its end, LiveKit's quota,
the rooms, and the webhooks.

GET and DELETE /carrier/record, GET and PUT /carrier/limits, GET, PUT and DELETE /carrier/outages, GET and PUT
/carrier/quota, GET /carrier/requests, GET /carrier/webhooks, GET /carrier/rooms, GET /carrier/rooms?alone_seconds=10.
Nobody but tests, benchmarks and the demo asks here; LiveKit knows nothing of them.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from livekit.protocol.models import ParticipantInfo

from simulator import carrier_forms
from simulator.carrier import Carrier
from simulator.left_alone import LeftAlone
from simulator.quota import Quota
from simulator.record import Record
from simulator.rooms import Participant, Room, Rooms
from simulator.webhooks import Outbox

PREFIX: Final = "/carrier/"
_SLICE: Final = 100

T = TypeVar("T")


class Pages:
    """Answers requests for the pages."""

    def __init__(
        self,
        *,
        carrier: Carrier,
        rooms: Rooms,
        left_alone: LeftAlone,
        outbox: Outbox,
        requests: Mapping[str, int],
        quota: Quota,
    ) -> None:
        self._carrier = carrier
        self._rooms = rooms
        self._left_alone = left_alone
        self._outbox = outbox
        self._requests = requests
        self._quota = quota

    async def answer(self, method: str, path: str, body: bytes, query: Mapping[str, str]) -> bytes | None:
        """The JSON of a page; None: there is no such page.  ValueError says what is wrong with the request."""
        page = path.removeprefix(PREFIX)
        match method, page:
            case "GET", "record":
                return await _write_record(self._carrier.record)
            case "DELETE", "record":
                self._carrier.record.clear()
                return b"{}"
            case "GET", "rooms":
                return await self._write_rooms(float(query.get("alone_seconds", 0)))
            case "GET", "webhooks":
                return json.dumps(asdict(self._outbox.tally) | {"waiting": self._outbox.waiting}).encode()
            case "GET", "requests":
                refused = {"refused": self._quota.refused} if self._quota.refused else {}
                return json.dumps(dict(self._requests) | refused).encode()
        return self._setting(method, page, body)

    def _setting(self, method: str, page: str, body: bytes) -> bytes | None:
        """What can be changed while it runs; each is told as it is afterwards."""
        match method, page:
            case "PUT", "limits":
                self._carrier.limit(carrier_forms.read_limits(body))
            case "PUT", "outages":
                self._carrier.strike(carrier_forms.read_outages(body))
            case "DELETE", "outages":
                self._carrier.strike(())
            case "PUT", "quota":
                self._quota.limit(carrier_forms.read_quota(body))
            case "GET", _:
                pass
            case _:
                return None
        match page:
            case "limits":
                return carrier_forms.write_limits(self._carrier.limits)
            case "outages":
                return carrier_forms.write_outages(self._carrier.outages.running, time.time())
            case "quota":
                return json.dumps({"requests_per_minute": self._quota.per_minute}).encode()
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
        "trunks": carrier_forms.summaries(record.summaries("trunks")),
        "accounts": carrier_forms.summaries(record.summaries("accounts")),
    }
    return await _write_list("invites", record.invites(), carrier_forms.invite, summary)


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
