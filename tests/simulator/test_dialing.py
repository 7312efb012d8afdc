"""Dialing with LiveKit's own client: what the request is answered, and what goes on in the room meanwhile."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import DeleteRoomRequest, RoomParticipantIdentity
from livekit.protocol.sip import SIPOutboundConfig, SIPParticipantInfo, SIPTransport

from tests.simulator.conftest import Lab, StartLab, dial_request

pytestmark = pytest.mark.wire

RINGS_FOREVER = "+12125550000"
RINGS_5_S = "+12125550001"
SILENT = "+12125550008"
TRYING_THEN_SILENT = "+12125550009"
ANSWERS_AT_ONCE = "+12125550200"
ANSWERS_AFTER_1_S = "+12125550210"
ANSWERS_AFTER_9_S = "+12125550290"
ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S = "+12125550205"
BUSY = "+12125550486"

RING_TIMEOUT = (408, "canceled", "twirp error unknown: sip request timed out")


def told(answer: SIPParticipantInfo | api.TwirpError) -> tuple[int, str, str]:
    """Status, code and text of a failure."""
    assert isinstance(answer, api.TwirpError)
    return answer.status, answer.code, answer.message


def duration(seconds: float) -> Duration:
    """Protobuf's form of it."""
    value = Duration()
    value.FromTimedelta(timedelta(seconds=seconds))
    return value


async def test_an_answered_call_is_a_participant_with_its_sip_attributes(lab: Lab) -> None:
    answer = await lab.dial(
        ANSWERS_AFTER_1_S,
        participant_name="Ann",
        participant_metadata="{}",
        participant_attributes={"campaign": "spring"},
    )
    assert isinstance(answer, SIPParticipantInfo)
    [callee] = await lab.participants()
    assert (callee.sid, callee.identity, callee.name) == (answer.participant_id, "callee", "Ann")
    assert (callee.kind, callee.state) == (ParticipantInfo.Kind.SIP, ParticipantInfo.State.ACTIVE)
    assert dict(callee.attributes) == {
        "campaign": "spring",
        "sip.callID": answer.sip_call_id,
        "sip.callIDFull": callee.attributes["sip.callIDFull"],
        "sip.callStatus": "active",
        "sip.callTag": callee.attributes["sip.callTag"],
        "sip.hostname": "127.0.0.1:5080",
        "sip.phoneNumber": ANSWERS_AFTER_1_S,
        "sip.trunkID": "ST_simulated",
        "sip.trunkPhoneNumber": "+15550001000",
    }


async def test_a_hidden_number_is_in_no_attribute(lab: Lab) -> None:
    await lab.dial(ANSWERS_AT_ONCE, hide_phone_number=True)
    [callee] = await lab.participants()
    assert not {"sip.phoneNumber", "sip.trunkPhoneNumber", "sip.hostname"} & callee.attributes.keys()


async def test_an_identity_that_is_not_given_is_made_of_the_number(lab: Lab) -> None:
    answer = await lab.dial(ANSWERS_AT_ONCE, participant_identity="")
    assert isinstance(answer, SIPParticipantInfo)
    assert answer.participant_identity == f"sip_{ANSWERS_AT_ONCE}"


async def test_a_busy_callee_is_a_sip_error_with_its_code(lab: Lab) -> None:
    failure = await lab.dial(BUSY)
    assert isinstance(failure, api.SipCallError)
    assert (failure.status, failure.sip_status_code, failure.sip_status) == (429, 486, "Busy Here")


async def test_nobody_answers_within_the_ringing_timeout(lab: Lab) -> None:
    assert told(await lab.dial(RINGS_FOREVER, ring=4)) == RING_TIMEOUT
    assert await lab.status() is None


async def test_without_a_ringing_timeout_the_request_ends_after_80_seconds(start_lab: StartLab) -> None:
    lab = await start_lab(speed=400)
    started_at = time.monotonic()
    answer = told(await lab.dial(RINGS_FOREVER, ring=0))
    assert answer == (408, "deadline_exceeded", "twirp error unknown: request timed out")
    assert time.monotonic() - started_at >= 80 / 400


@pytest.mark.parametrize(("number", "replies"), [(SILENT, 0), (TRYING_THEN_SILENT, 1)])
async def test_a_carrier_that_says_nothing_is_given_up_after_32_seconds(
    start_lab: StartLab, number: str, replies: int
) -> None:
    lab = await start_lab(speed=400)
    _, code, text = told(await lab.dial(number, ring=40))
    assert (code, text.endswith(f"({replies} intermediate responses)")) == ("canceled", True)


async def test_a_silent_carrier_never_lets_the_call_ring(lab: Lab) -> None:
    dial = asyncio.create_task(lab.dial(SILENT, ring=12))
    await lab.reaches("dialing")
    assert told(await dial) == RING_TIMEOUT


async def test_the_call_goes_on_when_its_client_is_gone_and_is_answered_with_nobody_watching(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(speed=10)
    async with aiohttp.ClientSession() as session:
        impatient = api.LiveKitAPI.with_token(
            api.AccessToken("test-key", lab.secret).with_sip_grants(api.SIPGrants(call=True)).to_jwt(),
            lab.url,
            session=session,
            failover=False,
        )
        dial = asyncio.create_task(impatient.sip.create_sip_participant(dial_request(ANSWERS_AFTER_9_S)))
        await lab.reaches("ringing")
    with pytest.raises((aiohttp.ClientError, asyncio.TimeoutError)):
        await dial
    await lab.reaches("active")


async def test_a_dial_that_does_not_wait_returns_while_it_rings(start_lab: StartLab) -> None:
    lab = await start_lab(speed=10)
    answer = await lab.dial(RINGS_5_S, wait_until_answered=False)
    assert isinstance(answer, SIPParticipantInfo)
    assert await lab.status() == "ringing"
    await lab.reaches(None)


async def test_the_same_identity_dialed_twice_ends_the_first_call_and_makes_the_second(lab: Lab) -> None:
    first = asyncio.create_task(lab.dial(RINGS_FOREVER))
    await lab.reaches("ringing")
    second = await lab.dial(ANSWERS_AT_ONCE)
    assert isinstance(second, SIPParticipantInfo)
    assert told(await first) == RING_TIMEOUT
    assert [callee.sid for callee in await lab.participants()] == [second.participant_id]
    assert len((await lab.record())["invites"]) == 2


async def test_deleting_the_room_while_it_rings_cancels_the_call(lab: Lab) -> None:
    dial = asyncio.create_task(lab.dial(RINGS_FOREVER))
    await lab.reaches("ringing")
    await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))
    assert told(await dial) == RING_TIMEOUT
    with pytest.raises(api.TwirpError, match="requested room does not exist"):
        await lab.livekit.room.delete_room(DeleteRoomRequest(room="room"))


async def test_removing_the_callee_while_it_rings_cancels_the_call(lab: Lab) -> None:
    dial = asyncio.create_task(lab.dial(RINGS_FOREVER))
    await lab.reaches("ringing")
    await lab.remove_callee()
    assert told(await dial) == RING_TIMEOUT


async def test_removing_the_callee_during_the_call_hangs_up(lab: Lab) -> None:
    await lab.dial(ANSWERS_AT_ONCE)
    await lab.remove_callee()
    with pytest.raises(api.TwirpError, match="participant does not exist"):
        await lab.livekit.room.get_participant(RoomParticipantIdentity(room="room", identity="callee"))


async def test_the_callee_hangs_up(start_lab: StartLab) -> None:
    lab = await start_lab(speed=10)
    await lab.dial(ANSWERS_AT_ONCE_HANGS_UP_AFTER_5_S)
    assert await lab.status() == "active"
    await lab.reaches(None)


async def test_the_longest_call_is_counted_from_the_dial(lab: Lab) -> None:
    started_at = time.monotonic()
    await lab.dial(ANSWERS_AFTER_1_S, max_call_duration=duration(5))
    await lab.reaches(None)
    assert 5 / 40 <= time.monotonic() - started_at < 5 / 40 + 1


async def test_tones_hold_the_answer_back(lab: Lab) -> None:
    dial = asyncio.create_task(lab.dial(ANSWERS_AT_ONCE, dtmf="ww1234567890#*abcdABCDww"))
    await lab.reaches("automation")
    assert not dial.done()
    assert isinstance(await dial, SIPParticipantInfo)
    assert await lab.status() == "active"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"sip_trunk_id": "ST_noauth"},
            (412, "failed_precondition", "sip server required auth, but no username or password was provided"),
            id="the carrier asks for credentials that the trunk does not have",
        ),
        pytest.param(
            {"sip_trunk_id": "ST_refused"},
            (
                412,
                "failed_precondition",
                "transport<TCP> dial err=dial tcp :0->127.0.0.1:5998: connect: connection refused",
            ),
            id="nobody listens at the trunk's address",
        ),
        pytest.param(
            {
                "sip_trunk_id": "",
                "sip_number": "+15550001000",
                "trunk": SIPOutboundConfig(hostname="no-such-host.invalid"),
            },
            (
                400,
                "invalid_argument",
                'fail to resolve target for "no-such-host.invalid": '
                "lookup _sip._udp.no-such-host.invalid on 192.0.2.53:53: no such host",
            ),
            id="the trunk's host is not in DNS",
        ),
        pytest.param(
            {
                "sip_trunk_id": "",
                "sip_number": "+15550001000",
                "trunk": SIPOutboundConfig(hostname="127.0.0.1:5998", transport=SIPTransport.SIP_TRANSPORT_UDP),
            },
            (408, "canceled", "sip request timed out"),
            id="nobody answers at the trunk's UDP port",
        ),
        pytest.param(
            {"sip_trunk_id": "ST_none"},
            (404, "not_found", "requested sip trunk does not exist"),
            id="there is no such trunk",
        ),
    ],
)
async def test_a_trunk_that_does_not_work(lab: Lab, fields: dict[str, Any], expected: tuple[int, str, str]) -> None:
    status, code, text = told(await lab.dial(ANSWERS_AT_ONCE, ring=4, **fields))
    assert (status, code, text.removeprefix("twirp error unknown: ")) == expected


async def test_a_trunk_with_any_number_takes_the_dial_and_shows_an_asterisk(lab: Lab) -> None:
    await lab.dial(ANSWERS_AT_ONCE, sip_trunk_id="ST_wildcard")
    [callee] = await lab.participants()
    assert callee.attributes["sip.trunkPhoneNumber"] == "*"


async def test_the_same_seed_gives_the_same_fates(start_lab: StartLab) -> None:
    numbers = [f"+1212555{last:04d}" for last in range(1000, 1015)]
    labs = [await start_lab(speed=2000, seed=seed) for seed in (7, 7, 8)]

    async def fates(lab: Lab) -> list[str]:
        dials = [lab.dial(number, room=number) for number in numbers for _ in range(2)]
        answers = [await dial for dial in dials]
        return [str(answer) if isinstance(answer, api.TwirpError) else "answered" for answer in answers]

    first, again, other = [await fates(lab) for lab in labs]
    assert first == again != other
