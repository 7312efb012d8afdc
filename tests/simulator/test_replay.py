"""The simulator answers what a real LiveKit stack was recorded to answer: status and body, ids and times aside."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import api

from tests.simulator.conftest import API_KEY, API_SECRET

pytestmark = pytest.mark.wire

RECORDED = Path(__file__).parent / "recorded"
ANSWERS: list[dict[str, Any]] = json.loads((RECORDED / "answers.json").read_text())
REQUESTS: list[dict[str, Any]] = json.loads((RECORDED / "requests.json").read_text())
REPOSITORY = Path(__file__).parents[2]
SPEED = 40

#: the numbers that were behind the recorded behaviours; "final NNN" is number NNN
NUMBER_OF = {
    "ring for ever": 0,
    "ring 5 s then 480": 1,
    "ring 2 s then 486": 2,
    "ring 3 s then 603": 3,
    "603 Network Blocked": 4,
    "503 CPS (Telnyx)": 5,
    "503 CPS (Twilio)": 6,
    "403 channel limit": 7,
    "no answer to INVITE at all": 8,
    "100 then silence": 9,
    "ring 3 s, answer, BYE from us": 230,
}

#: rows of services that the simulator does not have yet
LEFT_OUT = {
    "transfer unknown": "transfer is not built yet",
    "create inbound trunk": "inbound calls are not built yet",
    "create the same inbound trunk again": "inbound calls are not built yet",
    "list inbound": "inbound calls are not built yet",
    "create dispatch rule": "dispatch rules are not built yet",
    "create the same rule again": "dispatch rules are not built yet",
    "list rules": "dispatch rules are not built yet",
    "delete rule": "dispatch rules are not built yet",
    "delete rule again": "dispatch rules are not built yet",
}
REPLAYED = [row for row in REQUESTS if row["case"] not in LEFT_OUT]

#: the trunks of the recording; each row gets its own
SIPP = {
    "name": "sipp",
    "address": "127.0.0.1:5080",
    "transport": "SIP_TRANSPORT_UDP",
    "numbers": ["+15550001000"],
}
TRUNKS = {
    "ST_3aBRJNEVWBkK": SIPP,
    "ST_sAizHCDKgF9b": SIPP,
    "ST_QTJ4ai5DJ6zT": SIPP | {"name": "deadtcp", "address": "127.0.0.1:5998", "transport": "SIP_TRANSPORT_TCP"},
    "ST_XWSayFSyLrSk": SIPP | {"name": "wildcard", "numbers": ["*"]},
}

#: the rooms that were there when the row was recorded
AGENTROOM2 = {
    "name": "agentroom2",
    "empty_timeout": 60,
    "departure_timeout": 5,
    "metadata": "{}",
    "agents": [{"agent_name": "nosuch-agent", "metadata": "{}"}],
}
ROOMS_BEFORE: dict[str, list[dict[str, Any]]] = {
    "create room again": [AGENTROOM2],
    "list dispatch": [AGENTROOM2],
    "list dispatch 2": [AGENTROOM2, AGENTROOM2],
    "list rooms": [AGENTROOM2, {"name": "agentroom3"}],
    "delete room": [AGENTROOM2],
}

OWN_VALUES = {
    "id",
    "sid",
    "created_at",
    "creation_time",
    "creation_time_ms",
    "turn_password",
    "participant_id",
    "sip_call_id",
    "sip_trunk_id",
}
#: the recorder left these out
NOT_RECORDED = {"codecs", "enabled_codecs"}


def test_every_row_is_replayed_or_left_out_for_a_reason() -> None:
    left_out = [row["case"] for row in REQUESTS if row["case"] in LEFT_OUT]
    assert sorted(left_out) == sorted(LEFT_OUT)
    assert (len(REPLAYED), len(left_out), len(ANSWERS)) == (61, 9, 53)


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: str(row["carrier"]))
async def test_a_dial_is_answered_as_recorded(row: dict[str, Any], server: "Server") -> None:
    room = row["body"].get("room_name", f"rec {row['carrier']}")
    started_at = time.monotonic()
    status, body = await server.post(
        "SIP/CreateSIPParticipant",
        {
            "sip_trunk_id": "ST_simulated",
            "sip_call_to": number_of(row["carrier"]),
            "room_name": room,
            "participant_identity": "callee",
            "wait_until_answered": True,
            "ringing_timeout": "12s",
        },
    )
    took_seconds = time.monotonic() - started_at
    assert (status, comparable(body)) == (row["http"], comparable(row["body"]))
    least = int(row["seconds"]) / SPEED
    assert least <= took_seconds < least + 3
    _, inside = await server.post("RoomService/ListParticipants", {"room": room})
    assert len(inside["participants"]) == row["participants_after"]


@pytest.mark.parametrize("row", REPLAYED, ids=lambda row: str(row["case"]))
async def test_a_request_is_answered_as_recorded(row: dict[str, Any], server: "Server") -> None:
    for room in ROOMS_BEFORE.get(row["case"], []):
        await server.post("RoomService/CreateRoom", room)
    request = unabridged(await server.with_own_trunks(row["request"], all_of_them="list" in row["case"]))
    status, body = await server.post(row["method"], request, case=row["case"])
    assert status == row["http"]
    limit = row["request"].get("page", {}).get("limit")
    assert_alike(comparable(body), comparable(row["body"]), limit=limit)


def number_of(carrier: str) -> str:
    """The number that behaves like this."""
    digits = NUMBER_OF[carrier] if carrier in NUMBER_OF else int(carrier.removeprefix("final "))
    return f"+15550100{digits:03d}"


def comparable(value: Any) -> Any:
    """``value`` without what differs from server to server."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: "its own" if name in OWN_VALUES and item else comparable(item)
        for name, item in value.items()
        if name not in NOT_RECORDED
    }


def assert_alike(body: Any, recorded: Any, *, limit: int | None) -> None:
    """Equal; where the recorder cut a list short, the recorded items are among ours.

    Which trunks a page of ``limit`` holds depends on their ids, so there only the form of an item is compared.
    """
    if not isinstance(recorded, dict) or recorded.get("items", [])[-1:] != ["..."]:
        assert body == recorded
        return
    for item in recorded["items"][:-1]:
        if limit is None:
            assert item in body["items"]
        else:
            assert [list(one) for one in body["items"]] == [list(item)] * limit


def unabridged(request: dict[str, Any]) -> dict[str, Any]:
    """The request as it was sent, where the recorder wrote "xxx... (70000 characters)"."""
    abridged = re.compile(r"(.)\1\1\.\.\. \((\d+) characters\)")
    return {
        name: match.group(1) * int(match.group(2))
        if isinstance(value, str) and (match := abridged.fullmatch(value))
        else value
        for name, value in request.items()
    }


def headers_for(case: str | None, request: dict[str, Any]) -> dict[str, str]:
    """The token of a row, good or bad."""
    token = api.AccessToken(
        API_KEY, "another secret, of sufficient length too" if case == "wrong secret" else API_SECRET
    )
    if case == "unknown key":
        token = api.AccessToken("nobody's key", API_SECRET)
    if case == "expired token":
        token = token.with_ttl(timedelta(seconds=-61))
    if case != "token without sip.call":
        token = token.with_sip_grants(api.SIPGrants(admin=True, call=True))
    room = str(request.get("room", ""))
    token = token.with_grants(api.VideoGrants(room_create=True, room_list=True, room_admin=True, room=room))
    if case == "no token":
        return {}
    return {"Authorization": f"Bearer {'garbage' if case == 'garbage token' else token.to_jwt()}"}


class Server:
    """A simulator in its own process, spoken to in JSON as the recorder did."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def post(self, method: str, request: dict[str, Any], *, case: str | None = None) -> tuple[int, Any]:
        """One Twirp request; the body comes back parsed when it is JSON."""
        headers = headers_for(case, request)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._url}/twirp/livekit.{method}", json=request, headers=headers) as answer,
        ):
            is_json = answer.content_type == "application/json"
            return answer.status, await (answer.json() if is_json else answer.text())

    async def with_own_trunks(self, request: dict[str, Any], *, all_of_them: bool) -> dict[str, Any]:
        """The request with trunks of this server in place of the recorded ones."""
        written = json.dumps(request)
        for recorded_id, trunk in TRUNKS.items():
            if all_of_them or recorded_id in written:
                _, made = await self.post("SIP/CreateSIPOutboundTrunk", {"trunk": trunk})
                written = written.replace(recorded_id, made["sip_trunk_id"])
        return dict(json.loads(written))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One simulator for all rows of a module."""
    keys = ["--api-key", API_KEY, "--api-secret", API_SECRET]
    command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", str(SPEED), *keys]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        try:
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()
