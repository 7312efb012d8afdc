"""Whole stories go as they were recorded: what was answered, who was in the room when, which webhooks came."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import DeleteRoomRequest
from livekit.protocol.sip import SIPHeaderOptions, SIPMediaEncryption, SIPOutboundConfig, SIPTransport
from livekit.protocol.webhook import WebhookEvent

from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab, Sink, StartLab
from tests.simulator.test_replay import comparable

pytestmark = pytest.mark.wire

RECORDED = Path(__file__).parent / "recorded"
SCENARIOS: list[dict[str, Any]] = json.loads((RECORDED / "scenarios.json").read_text())
SPEED = 40
#: LiveKit's own client gives up after 2 s when there is no ringing timeout
SPEEDS = {"ringing timeout not set": 100}

LEFT_OUT = {
    "transfer accepted": "transfer is not built yet",
    "transfer refused": "transfer is not built yet",
    "livekit-sip killed while ringing": "needs a dead node",
    "no livekit-sip running": "needs a dead node",
    "livekit-sip killed during the call": "needs a dead node",
    "livekit-sip SIGTERM while ringing": "needs a dead node",
    "livekit-server killed while ringing": "needs a dead server",
    "no livekit-server running": "needs a dead server",
    "a person calls the trunk's number; dispatch rule 'individual', no agent running": "inbound is not built yet",
}
REPLAYED = [row for row in SCENARIOS if row["case"] not in LEFT_OUT]

#: the trunk where it was not the usual one
TRUNKS: dict[str, dict[str, Any]] = {
    "dead udp port": {
        "sip_trunk_id": "",
        "sip_number": "+15550001000",
        "trunk": SIPOutboundConfig(hostname="127.0.0.1:5998", transport=SIPTransport.SIP_TRANSPORT_UDP),
    },
    "dead tcp port": {"sip_trunk_id": "ST_refused"},
    "host not in dns": {
        "sip_trunk_id": "",
        "sip_number": "+15550001000",
        "trunk": SIPOutboundConfig(hostname="no-such-host.invalid"),
    },
    "wildcard trunk without number": {"sip_trunk_id": "ST_wildcard"},
}
#: the requests that the recorder did not write down
REQUESTS = {
    "client drops at 2 s while ringing": {"sip_call_to": "+15550100000", "ringing_timeout": "8s"},
    "client drops at 1 s, then answered": {"sip_call_to": "+15550100230", "ringing_timeout": "10s"},
}
ENUMS = {"include_headers": SIPHeaderOptions.Value, "media_encryption": SIPMediaEncryption.Value}


def test_every_scenario_is_replayed_or_left_out_for_a_reason() -> None:
    assert sorted(row["case"] for row in SCENARIOS if row["case"] in LEFT_OUT) == sorted(LEFT_OUT)
    assert (len(REPLAYED), len(LEFT_OUT)) == (22, 9)


@pytest.mark.parametrize("row", REPLAYED, ids=lambda row: str(row["case"]))
async def test_a_scenario_goes_as_recorded(row: dict[str, Any], start_lab: StartLab, sink: Sink) -> None:
    speed = SPEEDS.get(row["case"], SPEED)
    lab = await start_lab(speed=speed, webhook_urls=(sink.url,))
    watcher = Watcher(lab)
    watching = asyncio.create_task(watcher.watch())
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    dial = asyncio.create_task(lab.dial(**dialed(row)))
    was_cut = await meanwhile(row, lab, dial)
    if not was_cut:
        assert answered(await dial) == in_our_room(row["reply"])
    if not was_cut and "meanwhile" not in row:
        assert loop.time() - started_at >= int(row["reply"]["s"]) / speed
    await watcher.saw(row["participants_seen"])
    watching.cancel()
    recorded = [{name: value for name, value in one.items() if name != "at_s"} for one in row["webhooks"]]
    await sink.has(lambda sink: len(sink.told()) >= len(recorded))
    told = [as_recorded(event) for event in sink.told()]
    assert told[: len(recorded)] == recorded
    # The recorder went on before the room closed.
    assert [event["event"] for event in told[len(recorded) :]] in ([], ["participant_left"], ["room_finished"])


async def meanwhile(row: dict[str, Any], lab: Lab, dial: "asyncio.Task[Any]") -> bool:
    """What somebody else did during the call; whether the client was cut off from its answer by it."""
    case: str = row["case"]
    if case.startswith("client drops"):
        await lab.reaches("ringing")
        dial.cancel()
        await asyncio.wait([dial])
        return True
    if case.startswith(("delete room", "remove participant")):
        await lab.reaches("ringing")
    elif case.startswith("answered then"):
        await lab.reaches("active")
    if case.endswith("delete room") or case.startswith("delete room"):
        await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    elif "remove participant" in case:
        await lab.remove_callee()
    elif case.startswith("same identity twice"):
        await lab.reaches("ringing")
        second = await lab.dial("+15550100486", ring=6)
        assert answered(second) == in_our_room(row["meanwhile"])
    return False


class Watcher:
    """Asks all the time who is in the room."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.seen: list[list[tuple[str, str]]] = []

    async def watch(self) -> None:
        """Note every change, until cancelled."""
        while True:
            inside = [(one.identity, one.attributes["sip.callStatus"]) for one in await self._lab.participants()]
            if [inside] != self.seen[-1:]:
                self.seen.append(inside)
            await asyncio.sleep(POLL_SECONDS)

    async def saw(self, recorded: list[dict[str, Any]]) -> None:
        """Wait until everything that was seen then was seen, in its order.  Nobody looks at the same moments twice,
        so a status that passes quickly may be missing on either side: ``dialing`` is not waited for before ``ringing``.
        """
        wanted = [[(one["identity"], one["sip.callStatus"]) for one in moment["seen"]] for moment in recorded]
        lasting = [moment for moment in wanted if moment != [("callee", "dialing")]] if len(wanted) > 3 else wanted
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not is_within(lasting, self.seen):
                await asyncio.sleep(POLL_SECONDS)


def is_within(wanted: list[Any], seen: list[Any]) -> bool:
    """Whether ``seen`` holds all that is wanted, in that order."""
    moments = iter(seen)
    return all(moment in moments for moment in wanted)


def dialed(row: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the recorded dial."""
    request = dict(row.get("request") or REQUESTS[row["case"]])
    fields: dict[str, Any] = {name: ENUMS[name](value) if name in ENUMS else value for name, value in request.items()}
    fields["number"] = fields.pop("sip_call_to")
    fields["ring"] = float(fields.pop("ringing_timeout", "0s").rstrip("s"))
    if "max_call_duration" in fields:
        fields["max_call_duration"] = {"seconds": int(fields["max_call_duration"].rstrip("s"))}
    return fields | TRUNKS.get(row["case"], {})


def in_our_room(reply: dict[str, Any]) -> dict[str, Any]:
    """A recorded answer, had it been our room."""
    body = comparable(reply["body"])
    return {"http": reply["http"], "body": body | {"room_name": "room"} if "room_name" in body else body}


def answered(answer: Any) -> dict[str, Any]:
    """An answer as the recorder wrote it down."""
    if not isinstance(answer, api.TwirpError):
        names = ("participant_id", "participant_identity", "room_name", "sip_call_id")
        return {"http": 200, "body": comparable({name: getattr(answer, name) for name in names})}
    body: dict[str, Any] = {"code": answer.code, "msg": answer.message}
    if answer.metadata:
        body["meta"] = answer.metadata
    return {"http": answer.status, "body": body}


def as_recorded(event: WebhookEvent) -> dict[str, Any]:
    """A webhook as the recorder wrote it down."""
    reason = DisconnectReason.Name(event.participant.disconnect_reason)
    return {
        "event": event.event,
        "disconnectReason": None if reason == "UNKNOWN_REASON" else reason,
        "sip.callStatus": event.participant.attributes.get("sip.callStatus"),
    }
