"""What the server says to requests that are no proper Twirp, and the exact form of what it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from tests.simulator.conftest import API_KEY, Lab
from tests.simulator.test_replay import comparable

pytestmark = pytest.mark.wire

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "recorded/samples.json").read_text())
DIAL_PATH = "/twirp/livekit.SIP/CreateSIPParticipant"


def headers(lab: Lab, content_type: str) -> dict[str, str]:
    token = api.AccessToken(API_KEY, lab.secret).with_sip_grants(api.SIPGrants(call=True))
    token = token.with_grants(api.VideoGrants(room_admin=True, room="room"))
    return {"Authorization": f"Bearer {token.to_jwt()}", "Content-Type": content_type}


@pytest.mark.parametrize(
    ("method", "path", "content_type", "body", "expected"),
    [
        pytest.param(
            "GET",
            DIAL_PATH,
            "application/json",
            b"",
            (404, "bad_route", 'unsupported method "GET" (only POST is allowed)'),
            id="not a POST",
        ),
        pytest.param(
            "POST",
            DIAL_PATH,
            "text/csv",
            b"",
            (404, "bad_route", 'unexpected Content-Type: "text/csv"'),
            id="neither JSON nor protobuf",
        ),
        pytest.param(
            "POST",
            DIAL_PATH,
            "application/protobuf",
            b"\xff",
            (400, "malformed", "the protobuf request could not be decoded"),
            id="broken protobuf",
        ),
        pytest.param(
            "POST",
            DIAL_PATH,
            "application/json",
            b"\xff{",
            (400, "malformed", "the json request could not be decoded"),
            id="broken JSON",
        ),
    ],
)
async def test_a_request_that_is_no_proper_twirp(
    lab: Lab, method: str, path: str, content_type: str, body: bytes, expected: tuple[int, str, str]
) -> None:
    request = lab.session.request(method, lab.url + path, data=body, headers=headers(lab, content_type))
    async with request as answer:
        error = await answer.json()
    assert (answer.status, error["code"], error["msg"]) == expected


async def test_another_path_is_not_found(lab: Lab) -> None:
    async with lab.session.get(f"{lab.url}/nothing/here") as answer:
        assert answer.status == 404


async def test_participants_are_written_in_json_as_recorded_during_a_call(lab: Lab) -> None:
    recorded = SAMPLES["(answer of ListParticipants during a call)"]
    await lab.dial("+15550100230", participant_name="Callee")
    path = f"{lab.url}/twirp/livekit.RoomService/ListParticipants"
    async with lab.session.post(path, json={"room": "room"}, headers=headers(lab, "application/json")) as answer:
        body = await answer.json()
    assert without_own_values(body) == without_own_values(recorded)
    assert list(body["participants"][0]) == list(recorded["participants"][0])


def without_own_values(body: Any) -> Any:
    """The participants without ids and times."""
    [participant] = comparable(body)["participants"]
    own_attributes = {"sip.callID", "sip.callIDFull", "sip.callTag", "sip.trunkID"}
    participant["attributes"] = {
        name: "its own" if name in own_attributes else value for name, value in participant["attributes"].items()
    }
    for name in ("joined_at", "joined_at_ms", "version"):
        participant[name] = "its own"
    participant["tracks"][0]["version"] = "its own"
    return participant


async def test_the_simulator_tells_how_often_each_method_was_asked(lab: Lab) -> None:
    await lab.livekit.room.list_rooms(api.ListRoomsRequest())
    await lab.livekit.room.list_rooms(api.ListRoomsRequest())
    assert await lab.page("requests") == {"livekit.RoomService/ListRooms": 2}
