"""Tokens, and the clock they are judged by."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import jwt
import pytest
from livekit import api

from simulator.clock import Clock
from simulator.tokens import Grants, TokenVerifier, Unauthorized
from tests.simulator.conftest import API_KEY, API_SECRET, StartLab

pytestmark = pytest.mark.wire

DIAL = {
    "sip_trunk_id": "ST_simulated",
    "sip_call_to": "+12125550486",
    "room_name": "room",
    "wait_until_answered": True,
    "ringing_timeout": "10s",
}
SIP_PATH = "/twirp/livekit.SIP/CreateSIPParticipant"
DIALED = 429
EXPIRED = "invalid authorization token: token has invalid claims: token is expired"
TOO_EARLY = "invalid authorization token: token has invalid claims: token is not valid yet"


def sip_token(**claims: Any) -> str:
    """A token that may dial, with claims of the test's own."""
    return jwt.encode({"iss": API_KEY, "sip": {"call": True}, **claims}, API_SECRET, algorithm="HS256")


class HandMovedClock(Clock):
    """Shows what the test says."""

    def __init__(self) -> None:
        super().__init__(offset_seconds=0, speed=1)
        self.moment = 1000.0

    def now(self) -> float:
        return self.moment


def verify(token: str) -> Grants:
    clock = Clock(offset_seconds=0, speed=1)
    verifier = TokenVerifier(api_key=API_KEY, api_secret=API_SECRET, leeway_seconds=60, clock=clock)
    return verifier.grants(token)


@pytest.mark.parametrize(
    ("ends_in_seconds", "clock_offset", "leeway", "status"),
    [
        pytest.param(-59, 0, 60, DIALED, id="59 s late is dialed"),
        pytest.param(-61, 0, 60, 401, id="61 s late is refused"),
        pytest.param(30, 91, 60, 401, id="a server whose clock is ahead refuses a good token"),
        pytest.param(-90, -60, 60, DIALED, id="a server whose clock is behind takes a dead one"),
        pytest.param(-2, 0, 0, 401, id="no leeway"),
    ],
)
async def test_an_expired_token_does_not_dial(
    start_lab: StartLab, ends_in_seconds: int, clock_offset: float, leeway: float, status: int
) -> None:
    lab = await start_lab(clock_offset_seconds=clock_offset, token_leeway_seconds=leeway)
    token = api.AccessToken(API_KEY, API_SECRET).with_ttl(timedelta(seconds=ends_in_seconds))
    jwt_text = token.with_sip_grants(api.SIPGrants(call=True)).to_jwt()
    if clock_offset < 0:
        jwt_text = sip_token(exp=Clock(offset_seconds=ends_in_seconds, speed=1).now())
    headers = {"Authorization": f"Bearer {jwt_text}"}
    async with lab.session.post(lab.url + SIP_PATH, json=DIAL, headers=headers) as answer:
        assert answer.status == status
        if status == 401:
            assert (await answer.text(), answer.content_type) == (EXPIRED, "text/plain")
    assert len((await lab.record())["invites"]) == (status == DIALED)


@pytest.mark.parametrize("offset", [-3600.0, 0.0, 90.0])
async def test_every_answer_is_dated_by_the_servers_clock(start_lab: StartLab, offset: float) -> None:
    lab = await start_lab(clock_offset_seconds=offset)
    now = Clock(offset_seconds=offset, speed=1).now()
    for path in ("/", SIP_PATH, "/carrier/record", "/nothing here"):
        async with lab.session.get(lab.url + path) as answer:
            assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - now) <= 2


def test_a_token_seen_before_is_still_refused_once_it_is_over() -> None:
    clock = HandMovedClock()
    verifier = TokenVerifier(api_key=API_KEY, api_secret=API_SECRET, leeway_seconds=60, clock=clock)
    token = sip_token(exp=1005)
    assert verifier.grants(token).sip_call
    clock.moment = 1064.9
    assert verifier.grants(token).sip_call
    clock.moment = 1065
    with pytest.raises(Unauthorized, match=EXPIRED):
        verifier.grants(token)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        pytest.param("", "invalid authorization token", id="nothing"),
        pytest.param("a.b.c", "invalid authorization token", id="no base64"),
        pytest.param("garbage", "invalid authorization token", id="no dots"),
        pytest.param(
            f"{urlsafe_b64encode(json.dumps([1]).encode()).decode()}.bnVsbA.x",
            "invalid authorization token",
            id="no claims",
        ),
        pytest.param(jwt.encode({"iss": "somebody", "exp": 9e9}, API_SECRET), "invalid API key", id="another key"),
        pytest.param(
            jwt.encode({"iss": API_KEY, "exp": 9e9}, API_SECRET * 2, algorithm="HS512"),
            "invalid authorization token: token signature is invalid: signing method HS512 is invalid",
            id="another method",
        ),
        pytest.param(sip_token(exp=9e9, nbf=8e9), TOO_EARLY, id="not yet valid"),
    ],
)
def test_a_token_that_is_not_accepted(token: str, problem: str) -> None:
    with pytest.raises(Unauthorized) as refusal:
        verify(token)
    assert str(refusal.value) == problem


def test_a_token_without_an_end_is_good_for_ever() -> None:
    assert verify(sip_token()).sip_call


async def test_a_token_without_bearer_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab()
    headers = {"Authorization": sip_token(exp=9e9)}
    async with lab.session.post(lab.url + SIP_PATH, json=DIAL, headers=headers) as answer:
        assert answer.status == 401
        assert (await answer.text()).startswith("invalid authorization header")
