"""LiveKit's own quota of API requests."""

import pytest
from livekit import api

from simulator.quota import Quota
from tests.simulator.conftest import Lab, StartLab

ANSWERS_AT_ONCE = "+12125550200"


@pytest.mark.unit
def test_the_minute_slides_and_refused_requests_do_not_count_in_it() -> None:
    now = 0.0
    quota = Quota(2, now=lambda: now)
    taken = []
    for now in (0.0, 30.0, 59.0, 60.0, 89.9, 90.0):  # noqa: B007 - the clock reads it
        taken.append(quota.takes_one_more())
    assert taken == [True, True, False, True, False, True]
    assert quota.refused == 2


@pytest.mark.wire
async def test_requests_over_the_quota_get_429_without_a_sip_code_whatever_they_ask_for(start_lab: StartLab) -> None:
    lab = await start_lab(speed=1000, requests_per_minute=2)
    await lab.livekit.room.list_rooms(api.ListRoomsRequest())
    await lab.dial(ANSWERS_AT_ONCE)
    failure = await lab.dial(ANSWERS_AT_ONCE)
    assert isinstance(failure, api.TwirpError)
    assert not isinstance(failure, api.SipCallError)
    assert (failure.status, failure.code, failure.metadata) == (429, "resource_exhausted", {})
    with pytest.raises(api.TwirpError, match="rate limit"):
        await lab.livekit.room.list_rooms(api.ListRoomsRequest())
    asked = {"livekit.RoomService/ListRooms": 1, "livekit.SIP/CreateSIPParticipant": 1, "refused": 2}
    assert await lab.page("requests") == asked
    assert len((await lab.record())["invites"]) == 1


@pytest.mark.wire
async def test_the_quota_can_be_changed_and_lifted(lab: Lab) -> None:
    assert await lab.page("quota") == {"requests_per_minute": None}
    assert await set_quota(lab, {"requests_per_minute": 1}) == (200, {"requests_per_minute": 1})
    await lab.dial(ANSWERS_AT_ONCE)
    assert isinstance(await lab.dial(ANSWERS_AT_ONCE), api.TwirpError)
    assert await set_quota(lab, {"requests_per_minute": None}) == (200, {"requests_per_minute": None})
    assert not isinstance(await lab.dial(ANSWERS_AT_ONCE), api.TwirpError)


@pytest.mark.wire
@pytest.mark.parametrize("body", [{"requests_per_minute": 0}, {"requests_per_minute": 1.5}, {"rate": 1}, 5])
async def test_a_quota_that_makes_no_sense_is_refused(lab: Lab, body: object) -> None:
    status, _ = await set_quota(lab, body)
    assert status == 400


async def set_quota(lab: Lab, body: object) -> tuple[int, object]:
    """PUT /carrier/quota."""
    async with lab.session.put(f"{lab.url}/carrier/quota", json=body) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else None
