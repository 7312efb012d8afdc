"""The webhooks of every recorded dial come again, with the recorded bodies."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.conftest import Sink, StartLab
from tests.simulator.test_replay import ANSWERS, number_of
from tests.simulator.test_replay_scenarios import as_recorded

pytestmark = pytest.mark.wire

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "recorded/samples.json").read_text())
BODIES = {name: body for name, body in SAMPLES.items() if not name.startswith("(")}
SPEED = 100

#: what differs from server to server; the name of the recorded room among them
OWN_VALUES = {
    *("sid", "id", "createdAt", "creationTime", "creationTimeMs", "turnPassword", "joinedAt", "joinedAtMs"),
    *("unixMicro", "version", "sip.callID", "sip.trunkID"),
}


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: str(row["carrier"]))
async def test_the_webhooks_of_a_dial_come_as_recorded(row: dict[str, Any], start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=SPEED, webhook_urls=(sink.url,))
    await lab.dial(number_of(row["carrier"]), ring=12)
    recorded = [{name: value for name, value in one.items() if name != "at_s"} for one in row["webhooks"]]
    await sink.has(lambda sink: len(sink.told()) >= len(recorded))
    told = [as_recorded(event) for event in sink.told()]
    room_started = {"event": "room_started"}
    assert [room_started if one["event"] == "room_started" else one for one in told[: len(recorded)]] == recorded


async def test_a_webhook_of_every_kind_has_the_recorded_body(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=SPEED, webhook_urls=(sink.url,))
    await lab.dial("+15550100000", ring=12, participant_name="Callee")
    await sink.has(lambda sink: len(sink.events) == len(BODIES))
    bodies = [json.loads(body) for body in sink.bodies]
    assert [body["event"] for body in bodies] == list(BODIES)
    for body in bodies:
        recorded = BODIES[body["event"]]
        assert forms(body) == forms(recorded)
        assert json.dumps(names(body)) == json.dumps(names(recorded))


def forms(value: Any) -> Any:
    """``value`` with the kind of it in place of what is a server's own: an id's prefix, or that it is a number."""
    if not isinstance(value, dict):
        return value
    return {name: form(name, item) if name in OWN_VALUES else forms(item) for name, item in value.items()} | (
        {"name": "its own"} if "creationTime" in value or value.keys() == {"sid", "name"} else {}
    )


def form(name: str, value: Any) -> Any:
    """What every server's value has in common.  A ``version`` of a participant is a number, of a track a time."""
    if isinstance(value, dict):
        return forms(value)
    if isinstance(value, int):
        return "a number"
    if name == "turnPassword":
        return "a secret"
    return "digits" if value.isdigit() else value.partition("_")[0]


def names(value: Any) -> Any:
    """The names of the fields, in their order."""
    return {name: names(item) for name, item in value.items()} if isinstance(value, dict) else None
