"""The carrier's limits and record over HTTP."""

import asyncio
import json
import time

import pytest
from livekit import api

from simulator.settings import CarrierLimits
from tests.simulator.conftest import Lab, StartLab

pytestmark = pytest.mark.wire

RINGS_FOREVER = "+12125550000"
ANSWERS_AT_ONCE_HANGS_UP_AFTER_4_S = "+12125550204"
ANSWERS_AT_ONCE = "+12125550200"
BUSY = "+12125550486"
NO_LIMITS: dict[str, object] = {
    "calls_per_second": None,
    "max_concurrent_calls": None,
    "style": None,
    "trunks": {},
    "accounts": {},
    "counts_challenges": False,
}


async def set_limits(lab: Lab, body: object) -> tuple[int, str]:
    async with lab.session.put(f"{lab.url}/carrier/limits", json=body) as answer:
        return answer.status, await answer.text()


async def sip_codes(lab: Lab, count: int) -> list[tuple[int | None, str | None]]:
    answers = [await lab.dial(BUSY, room=f"room-{index}") for index in range(count)]
    return [(answer.sip_status_code, answer.sip_status) for answer in answers if isinstance(answer, api.SipCallError)]


async def test_calls_over_the_rate_get_503_with_the_carriers_words(lab: Lab) -> None:
    await set_limits(lab, {"calls_per_second": 2, "max_concurrent_calls": None})
    assert (await sip_codes(lab, 3))[2] == (503, "Trunk CPS limit exceeded. Region: us1")


async def test_calls_over_the_channels_get_403_with_the_carriers_words(start_lab: StartLab) -> None:
    lab = await start_lab(speed=40, limits=CarrierLimits(max_concurrent_calls=1))
    await lab.dial(ANSWERS_AT_ONCE)
    assert await sip_codes(lab, 1) == [(403, "User channel limit exceeded D1")]


async def test_limits_can_be_lifted(start_lab: StartLab) -> None:
    lab = await start_lab(speed=40, limits=CarrierLimits(calls_per_second=1))
    status, limits = await set_limits(lab, {})
    assert (status, json.loads(limits)) == (200, NO_LIMITS)
    assert set(await sip_codes(lab, 5)) == {(486, "Busy Here")}


async def test_trunks_and_accounts_have_limits_of_their_own(lab: Lab) -> None:
    account = {"trunks": ["ST_simulated", "ST_wildcard"], "calls_per_second": 2, "style": "telnyx"}
    limits = {"style": "twilio", "trunks": {"ST_simulated": {"max_concurrent_calls": 1}}, "accounts": {"acme": account}}
    status, told = await set_limits(lab, limits)
    assert (status, json.loads(told)["accounts"]["acme"]["trunks"]) == (200, ["ST_simulated", "ST_wildcard"])
    await lab.dial(ANSWERS_AT_ONCE)
    assert await sip_codes(lab, 1) == [(500, "Trunk concurrent call limit exceeded")]
    await lab.dial(BUSY, room="another trunk", sip_trunk_id="ST_wildcard")
    too_fast = await lab.dial(BUSY, room="yet another", sip_trunk_id="ST_wildcard")
    assert isinstance(too_fast, api.SipCallError)
    assert too_fast.sip_status == "CPS Limit reached P05"


async def test_the_record_tells_what_became_of_each_invite_and_sums_up(lab: Lab) -> None:
    account = {"trunks": ["ST_simulated", "ST_wildcard"], "calls_per_second": 2}
    await set_limits(lab, {"accounts": {"acme": account}})
    await sip_codes(lab, 3)
    record = await lab.record()
    assert [(one["refused"], one["challenged"]) for one in record["invites"]] == [
        (None, False),
        (None, False),
        ("cps", False),
    ]
    sums = {"worst_second": 3, "most_calls": 1, "invites": 3, "refused": 1, "refused_for": {"cps": 1}}
    assert (record["trunks"], record["accounts"]) == ({"ST_simulated": sums}, {"acme": sums})


async def test_a_trunk_with_credentials_is_seen_twice_where_challenges_count(lab: Lab) -> None:
    await set_limits(lab, {"counts_challenges": True})
    await lab.livekit.sip.update_outbound_trunk_fields("ST_noauth", auth_username="me", auth_password="mine")
    await lab.dial(BUSY, sip_trunk_id="ST_noauth")
    first, second = (await lab.record())["invites"]
    assert (first["challenged"], second["challenged"]) == (True, False)
    assert 0.001 < second["at"] - first["at"] < 0.02


@pytest.mark.parametrize(
    "body",
    [
        {"calls_per_second": 0},
        {"calls_per_second": float("inf")},
        {"calls": 1},
        [1],
        {"max_concurrent_calls": 1.5},
        {"style": "polite"},
        {"trunks": {"ST_a": 7}},
        {"trunks": ["ST_a"]},
        {"trunks": {"ST_a": {"max_concurrent_calls": 0}}},
        {"accounts": {"acme": {"calls_per_second": 1}}},
        {"accounts": {"acme": {"trunks": [1]}}},
    ],
)
async def test_limits_that_make_no_sense_are_refused(lab: Lab, body: object) -> None:
    status, _ = await set_limits(lab, body)
    assert status == 400


async def test_a_long_record_comes_whole(lab: Lab) -> None:
    rooms = [f"room-{index}" for index in range(1100)]
    for start in range(0, len(rooms), 100):
        await asyncio.gather(*(lab.dial(BUSY, room=room) for room in rooms[start : start + 100]))
    invites = (await lab.record())["invites"]
    assert sorted(one["room"] for one in invites) == sorted(rooms)


async def test_the_record_names_every_invite_and_can_be_cleared(lab: Lab) -> None:
    before = time.time()
    ringing = asyncio.create_task(lab.dial(RINGS_FOREVER, room="first", ring=79))
    await lab.reaches("ringing", room="first")
    await lab.dial(BUSY, room="second", sip_trunk_id="ST_wildcard")
    await lab.dial(BUSY, room="never sent", sip_trunk_id="ST_refused")
    record = await lab.record()
    assert [(one["trunk"], one["number"], one["room"]) for one in record["invites"]] == [
        ("ST_simulated", RINGS_FOREVER, "first"),
        ("ST_wildcard", BUSY, "second"),
    ]
    assert all(before <= one["at"] <= time.time() for one in record["invites"])
    assert (record["worst_second"], record["most_calls"]) == (2, 2)
    assert record["worst_second_by_trunk"] == {"ST_simulated": 1, "ST_wildcard": 1}
    await lab.session.delete(f"{lab.url}/carrier/record")
    assert (await lab.record())["invites"] == []
    await lab.remove_callee("first")
    await ringing


async def test_the_record_says_when_each_call_ended_by_the_machines_clock(start_lab: StartLab) -> None:
    lab = await start_lab(speed=40, clock_offset_seconds=3600)
    await lab.dial(ANSWERS_AT_ONCE_HANGS_UP_AFTER_4_S, room="over")
    await lab.reaches(None, room="over")
    await lab.dial(BUSY, room="busy")
    await lab.dial(ANSWERS_AT_ONCE, room="removed")
    removed_after = time.time()
    await lab.remove_callee("removed")
    await lab.dial(ANSWERS_AT_ONCE, room="still up")
    calls = {one["room"]: one for one in (await lab.record())["invites"]}
    # Four seconds of life are 0.1 s at this speed; the INVITE goes out a moment after its request came.
    assert calls["over"]["at"] + 0.1 <= calls["over"]["ended_at"] <= removed_after
    assert calls["busy"]["at"] <= calls["busy"]["ended_at"] <= removed_after
    assert removed_after <= calls["removed"]["ended_at"] <= time.time()
    assert calls["still up"]["ended_at"] is None
