"""A dial at a LiveKit that has no SIP node: nothing rings, and our line knows it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from livekit import api
from livekit.protocol.sip import SIPOutboundTrunkInfo
from uuid_utils.compat import uuid7

from dialer.domain.fence import Fence
from dialer.domain.line_result import Reply
from dialer.domain.outcome import Outcome, Verdict, classify
from dialer.telephony.line import DialRequest
from dialer.telephony.livekit_line import LiveKitLine
from tests.livekit.place import Place, our_line

pytestmark = pytest.mark.livekit

BEHIND_THE_FENCE = Fence().token + Fence().leeway + timedelta(seconds=2)
NO_SIP_NODE = "twirp error unknown: no response from servers"


@pytest.fixture
async def line(real_place: Place) -> AsyncIterator[LiveKitLine]:
    """Our line to the real server."""
    async with our_line(real_place) as opened:
        yield opened


@pytest.fixture
async def trunk(real_place: Place) -> str:
    """The id of an outbound trunk."""
    info = SIPOutboundTrunkInfo(name="trunk", address="127.0.0.1:5998", numbers=["+12125550199"])
    made = await real_place.api.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
    return made.sip_trunk_id


def request(room: str, trunk: str, *, age: timedelta = timedelta(0)) -> DialRequest:
    """A dial as the dialer makes it, claimed some time ago."""
    now = datetime.now(UTC) - age
    return DialRequest(
        attempt_id=uuid7(),
        room_name=room,
        livekit_trunk_id=trunk,
        number="+12125550123",
        caller_id="+12125550199",
        ringing_timeout=timedelta(seconds=5),
        talk_limit=timedelta(seconds=60),
        not_before=now,
        token_end=Fence().token_end(now),
    )


async def open_gate() -> None:
    return None


async def test_a_dial_without_a_sip_node_is_a_system_error_and_was_not_sent(
    line: LiveKitLine, trunk: str, room: str
) -> None:
    result = await line.place(request(room, trunk), open_gate)
    verdict = classify(result)

    assert (result.reply, result.http_status, result.message) == (Reply.REFUSED, 503, NO_SIP_NODE)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.sent, verdict.counted) == (Outcome.SYSTEM_ERROR, False, False)


async def test_a_dial_over_a_trunk_that_does_not_exist_is_a_configuration_error(line: LiveKitLine, room: str) -> None:
    verdict = classify(await line.place(request(room, "ST_nosuch"), open_gate))

    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.sent, verdict.counted) == (Outcome.CONFIG_ERROR, False, False)


async def test_a_dial_that_comes_after_the_fence_is_refused_and_was_not_sent(
    line: LiveKitLine, trunk: str, room: str
) -> None:
    verdict = classify(await line.place(request(room, trunk, age=BEHIND_THE_FENCE), open_gate))

    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.rule, verdict.sent) == (Outcome.CANCELLED, "token_expired", False)


async def test_the_evidence_of_a_refused_dial_does_not_contain_our_token(
    line: LiveKitLine, trunk: str, room: str
) -> None:
    result = await line.place(request(room, trunk, age=BEHIND_THE_FENCE), open_gate)

    assert "token is expired" in (result.message or "")
    assert "eyJ" not in (result.message or "")


async def test_our_line_sees_the_trunk_and_keeps_its_sentinel_room(line: LiveKitLine, trunk: str, room: str) -> None:
    made = await line.make_room(room, empty_timeout=timedelta(days=7))
    pulse = await line.feel_pulse(room)

    assert [found.livekit_trunk_id for found in await line.outbound_trunks()] == [trunk]
    assert pulse.room_sid == made
    assert abs(pulse.clock_offset) < timedelta(seconds=2)
    await line.delete_room(room)
    await line.delete_room(room)
    assert (await line.feel_pulse(room)).room_sid is None
