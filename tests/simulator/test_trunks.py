"""Outbound trunks with LiveKit's own client."""

import pytest
from livekit import api
from livekit.protocol.models import ListUpdate, Pagination
from livekit.protocol.sip import (
    CreateSIPOutboundTrunkRequest,
    DeleteSIPTrunkRequest,
    ListSIPOutboundTrunkRequest,
    SIPOutboundConfig,
    SIPOutboundTrunkInfo,
)

from tests.simulator.conftest import Lab, StartLab

pytestmark = pytest.mark.wire

SEEDS = ["ST_noauth", "ST_refused", "ST_simulated", "ST_wildcard"]


async def listed(lab: Lab, request: ListSIPOutboundTrunkRequest) -> list[str]:
    answer = await lab.livekit.sip.list_outbound_trunk(request)
    return [trunk.sip_trunk_id for trunk in answer.items]


async def test_some_trunks_are_there_from_the_start(lab: Lab) -> None:
    assert await listed(lab, ListSIPOutboundTrunkRequest()) == SEEDS


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(ListSIPOutboundTrunkRequest(trunk_ids=["ST_noauth", "ST_none"]), SEEDS[:1], id="by id"),
        pytest.param(ListSIPOutboundTrunkRequest(numbers=["*"]), SEEDS[3:], id="by number"),
        pytest.param(ListSIPOutboundTrunkRequest(page=Pagination(limit=2)), SEEDS[:2], id="the first page"),
        pytest.param(
            ListSIPOutboundTrunkRequest(page=Pagination(after_id="ST_refused", limit=5)),
            SEEDS[2:],
            id="the next page",
        ),
    ],
)
async def test_a_list_holds_what_is_asked_for(
    lab: Lab, request_: ListSIPOutboundTrunkRequest, expected: list[str]
) -> None:
    assert await listed(lab, request_) == expected


async def test_a_trunk_lives_from_its_creation_to_its_deletion(lab: Lab) -> None:
    wanted = SIPOutboundTrunkInfo(name="mine", address="sip.example.com", numbers=["+15550001111"])
    made = await lab.livekit.sip.create_outbound_trunk(CreateSIPOutboundTrunkRequest(trunk=wanted))
    numbers = ListUpdate(add=["+15550002222"], remove=["+15550001111"])
    updated = await lab.livekit.sip.update_outbound_trunk_fields(made.sip_trunk_id, numbers=numbers, name="still mine")
    assert (updated.name, list(updated.numbers), updated.address) == (
        "still mine",
        ["+15550002222"],
        "sip.example.com",
    )
    await lab.livekit.sip.delete_trunk(DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    assert await listed(lab, ListSIPOutboundTrunkRequest()) == SEEDS


async def test_a_trunk_with_credentials_satisfies_a_carrier_that_asks(lab: Lab) -> None:
    await lab.livekit.sip.update_outbound_trunk_fields(
        "ST_noauth", auth_username="somebody", auth_password="a password"
    )
    failure = await lab.dial("+12125550486", sip_trunk_id="ST_noauth")
    assert isinstance(failure, api.SipCallError)
    assert failure.sip_status_code == 486


async def test_there_are_as_many_more_trunks_as_one_asks_for(start_lab: StartLab) -> None:
    lab = await start_lab(speed=40, trunks=50)
    numbered = {f"ST_trunk_{number}" for number in range(1, 51)}
    assert set(await listed(lab, ListSIPOutboundTrunkRequest())) == numbered | set(SEEDS)
    await lab.dial("+12125550486", sip_trunk_id="ST_trunk_50")
    assert [one["trunk"] for one in (await lab.record())["invites"]] == ["ST_trunk_50"]


async def test_a_trunk_that_comes_with_the_request_is_on_record_by_its_host(lab: Lab) -> None:
    inline = SIPOutboundConfig(hostname="sip.example.com", auth_username="me", auth_password="anything")
    failure = await lab.dial("+12125550486", sip_trunk_id="", sip_number="+15550001000", trunk=inline)
    assert isinstance(failure, api.SipCallError)
    assert [one["trunk"] for one in (await lab.record())["invites"]] == ["inline:sip.example.com"]
