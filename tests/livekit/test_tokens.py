"""Whom LiveKit lets in: the same tokens at the real server and at the simulator."""

import json
import re
from typing import Any

import jwt
import pytest

from tests.livekit.place import Place, signed_token
from tests.livekit.servers import API_KEY, API_SECRET

pytestmark = pytest.mark.livekit

INVALID = "invalid authorization token"
EXPIRED = f"{INVALID}: token has invalid claims: token is expired"
EARLY = f"{INVALID}: token has invalid claims: token is not valid yet"
WRONG_SIGNATURE = f"{INVALID}: token signature is invalid: signature is invalid"
NO_LEAVE = {"code": "unauthenticated", "msg": "permissions denied"}
DIAL = {"sip_trunk_id": "ST_nosuch", "sip_call_to": "+12125550123", "room_name": "r", "participant_identity": "c"}


async def answer_to(place: Place, token: str) -> tuple[int, Any]:
    """What a token gets for ListRooms, without the token and the key, which our livekit-server repeats.

    The recorded one did not, and the simulator follows the recording.
    """
    status, answer = await place.post("RoomService/ListRooms", {}, token=token)
    if isinstance(answer, str):
        answer = re.sub(r"^invalid token: \S+, error: ", f"{INVALID}: ", answer)
        answer = re.sub(r"^invalid API key: \S+$", "invalid API key", answer)
    return status, answer


@pytest.mark.parametrize(
    ("times", "is_let_in"),
    [
        pytest.param((0, 60), True, id="good"),
        pytest.param((-120, -58), True, id="ended almost a minute ago"),
        pytest.param((-120, -61), False, id="ended more than a minute ago"),
        pytest.param((58, 600), True, id="begins in almost a minute"),
    ],
)
async def test_a_token_is_good_for_a_minute_after_its_end_and_before_its_beginning(
    place: Place, times: tuple[int, int], is_let_in: bool
) -> None:
    expected: tuple[int, Any] = (200, {"rooms": []}) if is_let_in else (401, EXPIRED)

    assert await answer_to(place, signed_token(starts_in=times[0], ends_in=times[1])) == expected


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        pytest.param({"secret": "another secret, long enough for HS256 too"}, WRONG_SIGNATURE, id="wrong secret"),
        pytest.param({"key": "nobody"}, "invalid API key", id="unknown key"),
        pytest.param({"starts_in": 63, "ends_in": 600}, EARLY, id="begins in more than a minute"),
    ],
)
async def test_a_token_that_is_no_good_is_refused_with_the_reason_in_plain_text(
    place: Place, token: dict[str, Any], answer: str
) -> None:
    assert await answer_to(place, signed_token(**token)) == (401, answer)


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        pytest.param({}, NO_LEAVE, id="no token"),
        pytest.param({"Authorization": "Bearer garbage"}, INVALID, id="no token at all"),
        pytest.param({"Authorization": "Bearer a.b.c"}, INVALID, id="dots alone make no token"),
        pytest.param(
            {"Authorization": "Basic xyz"}, "invalid authorization header. Must start with Bearer", id="no bearer"
        ),
    ],
)
async def test_what_is_no_token_is_refused(place: Place, headers: dict[str, str], answer: Any) -> None:
    url = f"{place.url}/twirp/livekit.RoomService/ListRooms"
    async with place.session.post(url, json={}, headers=headers) as refused:
        text = await refused.text()

    assert (refused.status, json.loads(text) if text.startswith("{") else text.strip()) == (401, answer)


async def test_a_token_without_an_end_is_let_in(place: Place) -> None:
    endless = jwt.encode({"iss": API_KEY, "video": {"roomList": True}}, API_SECRET, algorithm="HS256")

    assert await answer_to(place, endless) == (200, {"rooms": []})


async def test_the_dial_looks_at_the_token_before_it_looks_at_the_request(place: Place) -> None:
    late = signed_token(starts_in=-120, ends_in=-61)

    status, answer = await place.post("SIP/CreateSIPParticipant", DIAL, token=late)
    assert status == 401
    assert "token is expired" in answer
    assert await place.post("SIP/CreateSIPParticipant", DIAL) == (
        404,
        {"code": "not_found", "msg": "requested sip trunk does not exist"},
    )


async def test_whoever_administers_one_room_sees_nothing_of_another(place: Place) -> None:
    of_another_room = signed_token(room="another")

    assert await place.post("RoomService/ListParticipants", {"room": "mine"}, token=of_another_room) == (401, NO_LEAVE)
