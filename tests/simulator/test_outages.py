"""When an outage hits, whom, and what the dialer is answered then."""

import asyncio
from typing import Any

import pytest
from livekit import api

from simulator.carrier import Carrier
from simulator.outages import Outage
from simulator.record import Invite
from simulator.settings import AccountLimits, CarrierLimits
from tests.simulator.conftest import Lab, StartLab

ANSWERS_AT_ONCE = "+12125550200"
FROM_NODE = "twirp error unknown: "
REFUSED = "transport<TCP> dial err=dial tcp :0->127.0.0.1:5080: connect: connection refused"
AUTH_MISSING = "sip server required auth, but no username or password was provided"
UNEXPECTED = "unexpected status from INVITE response: sip status: "


class Now:
    """The carrier's clock."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def met(carrier: Carrier, at: float, trunk: str = "ST_a") -> bool:
    """Whether an INVITE met an outage."""
    invite = Invite(at=at, trunk=trunk, number=ANSWERS_AT_ONCE, room="room")
    carrier.invite(invite, call=at)
    carrier.hang_up(at)
    return invite.refused == "outage"


def struck(*outages: Outage, **limits: Any) -> Carrier:
    return Carrier(seed=1, limits=CarrierLimits(**limits), outages=outages, now=Now())


@pytest.mark.unit
@pytest.mark.parametrize(
    ("outage", "hit"),
    [
        pytest.param(Outage(kind="silence", at_seconds=10, for_seconds=60), "-##--", id="for a minute"),
        pytest.param(Outage(kind="silence", at_seconds=10), "-####", id="until it is taken back"),
        pytest.param(Outage(kind="silence", for_seconds=10), "#----", id="from the start"),
    ],
)
def test_an_outage_hits_from_its_beginning_to_its_end(outage: Outage, hit: str) -> None:
    carrier = struck(outage)
    moments = (1000.0, 1010.0, 1069.999, 1070.0, 9999.0)
    assert "".join("#" if met(carrier, at) else "-" for at in moments) == hit


@pytest.mark.unit
def test_the_clock_of_a_new_script_starts_when_it_is_given() -> None:
    now = Now()
    carrier = Carrier(seed=1, limits=CarrierLimits(), now=now)
    now.seconds = 2000.0
    carrier.strike([Outage(kind="silence", at_seconds=5)])
    assert [met(carrier, at) for at in (1005.0, 2004.0, 2005.0)] == [False, False, True]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("whom", "hit"),
    [
        pytest.param({}, {"ST_a", "ST_b", "ST_c"}, id="everybody"),
        pytest.param({"trunk": "ST_a"}, {"ST_a"}, id="a trunk"),
        pytest.param({"account": "acme"}, {"ST_b", "ST_c"}, id="an account"),
    ],
)
def test_an_outage_hits_whom_it_names(whom: dict[str, Any], hit: set[str]) -> None:
    accounts = {"acme": AccountLimits(trunks=("ST_b", "ST_c"))}
    carrier = struck(Outage(kind="silence", **whom), accounts=accounts)
    assert {trunk for trunk in ("ST_a", "ST_b", "ST_c") if met(carrier, 1000, trunk)} == hit


@pytest.mark.unit
def test_an_outage_may_hit_a_share_of_the_invites() -> None:
    carrier = struck(Outage(kind="silence", share=0.4))
    assert sum(met(carrier, 1000 + index) for index in range(50)) == 20


@pytest.mark.unit
@pytest.mark.parametrize(
    ("outage", "seconds"),
    [
        (Outage(kind="code", code=486), 0.05),
        (Outage(kind="code", code=486, after_seconds=0), 0),
        (Outage(kind="slow"), 10),
        (Outage(kind="slow", code=500, after_seconds=3), 3),
    ],
)
def test_a_final_response_takes_its_time(outage: Outage, seconds: float) -> None:
    fate = outage.fate()
    assert (fate.code, fate.final_after_seconds) == (outage.code or 503, seconds)


@pytest.mark.unit
def test_an_invite_that_meets_an_outage_is_on_record_and_uses_up_no_rate() -> None:
    carrier = struck(Outage(kind="decline", for_seconds=0.5), calls_per_second=1)
    assert [met(carrier, at) for at in (1000.0, 1000.25, 1000.5)] == [True, True, False]
    assert [one.refused for one in carrier.record.invites()] == ["outage", "outage", None]
    assert carrier.record.summaries("trunks")["ST_a"].refused == {"outage": 2}


@pytest.mark.unit
def test_a_carrier_that_does_not_answer_asks_for_no_credentials() -> None:
    carrier = struck(Outage(kind="silence"), counts_challenges=True)
    invite = Invite(at=1000, trunk="ST_a", number=ANSWERS_AT_ONCE, room="room")
    carrier.invite(invite, call=1, has_credentials=True)
    assert carrier.record.invites() == [invite]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "flood"}, "the kind of an outage must be one of code, slow"),
        ({"kind": "code"}, "needs a code"),
        ({"kind": "code", "code": 200}, "must be from 300 to 699"),
        ({"kind": "silence", "code": 503}, "its kind code or slow"),
        ({"kind": "silence", "at_seconds": -1}, "at_seconds of an outage must be at least 0"),
        ({"kind": "silence", "for_seconds": float("inf")}, "for_seconds of an outage must be at least 0"),
        ({"kind": "slow", "after_seconds": float("nan")}, "after_seconds of an outage must be at least 0"),
        ({"kind": "silence", "share": 0}, "share of an outage must be above 0"),
    ],
)
def test_an_outage_that_makes_no_sense_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Outage(**fields)


@pytest.mark.wire
@pytest.mark.parametrize(
    ("outage", "expected"),
    [
        pytest.param({"kind": "code", "code": 503}, (412, f"{UNEXPECTED}503: Service Unavailable"), id="5xx"),
        pytest.param(
            {"kind": "code", "code": 603, "phrase": "Network Blocked"},
            (403, f"{UNEXPECTED}603: Network Blocked"),
            id="in other words",
        ),
        pytest.param({"kind": "slow", "after_seconds": 2}, (412, f"{UNEXPECTED}503: Service Unavailable"), id="slow"),
        pytest.param({"kind": "silence"}, (408, "sip request timed out"), id="silent until the ringing timeout"),
        pytest.param({"kind": "refused"}, (412, REFUSED), id="refused"),
        pytest.param({"kind": "login"}, (412, AUTH_MISSING), id="login"),
        pytest.param({"kind": "no_funds"}, (403, f"{UNEXPECTED}402: Payment Required"), id="no funds"),
        pytest.param({"kind": "decline"}, (403, f"{UNEXPECTED}603: Decline"), id="a storm of declines"),
    ],
)
async def test_a_dial_in_an_outage_is_answered(lab: Lab, outage: dict[str, Any], expected: tuple[int, str]) -> None:
    await put(lab, [outage])
    failure = await lab.dial(ANSWERS_AT_ONCE, ring=4)
    assert isinstance(failure, api.TwirpError)
    assert (failure.status, failure.message.removeprefix(FROM_NODE)) == expected
    assert [one["refused"] for one in (await lab.record())["invites"]] == ["outage"]


@pytest.mark.wire
async def test_wrong_credentials_are_told_as_such(lab: Lab) -> None:
    await put(lab, [{"kind": "login"}])
    await lab.livekit.sip.update_outbound_trunk_fields("ST_simulated", auth_username="me", auth_password="wrong")
    failure = await lab.dial(ANSWERS_AT_ONCE)
    assert isinstance(failure, api.TwirpError)
    assert failure.message == f"{FROM_NODE}max auth retry attempts reached for SIP invite"


@pytest.mark.wire
async def test_a_carrier_in_an_outage_does_not_get_as_far_as_asking_for_credentials(lab: Lab) -> None:
    await put(lab, [{"kind": "code", "code": 500}])
    failure = await lab.dial(ANSWERS_AT_ONCE, sip_trunk_id="ST_noauth")
    assert isinstance(failure, api.SipCallError)
    assert failure.sip_status_code == 500


@pytest.mark.wire
async def test_a_silent_trunk_is_given_up_after_32_seconds_and_never_rings(start_lab: StartLab) -> None:
    lab = await start_lab(speed=100, outages=(Outage(kind="silence"),))
    dial = asyncio.create_task(lab.dial(ANSWERS_AT_ONCE, ring=60))
    await lab.reaches("dialing")
    failure = await dial
    assert isinstance(failure, api.TwirpError)
    assert failure.message == f"{FROM_NODE}transaction failed to complete (0 intermediate responses)"


@pytest.mark.wire
async def test_an_outage_can_be_looked_at_and_taken_back(lab: Lab) -> None:
    script: list[dict[str, Any]] = [
        {"kind": "silence", "trunk": "ST_wildcard"},
        {"kind": "decline", "at_seconds": 3600, "for_seconds": 60},
    ]
    told = await put(lab, script)
    assert told == await lab.page("outages")
    await lab.dial(ANSWERS_AT_ONCE, ring=1, sip_trunk_id="ST_wildcard")
    now, later = (await lab.page("outages"))["outages"]
    assert (now["kind"], now["is_on"], now["ends_at"], now["invites"]) == ("silence", True, None, 1)
    assert (later["is_on"], later["ends_at"] - later["begins_at"], later["invites"]) == (False, 60, 0)
    await lab.session.delete(f"{lab.url}/carrier/outages")
    assert (await lab.page("outages"))["outages"] == []
    assert not isinstance(await lab.dial(ANSWERS_AT_ONCE, sip_trunk_id="ST_wildcard"), api.TwirpError)


@pytest.mark.wire
@pytest.mark.parametrize(
    "body", [{}, [{}], [{"kind": "silence", "at": 3}], [{"kind": "code", "code": "503"}], [7], [{"kind": "nothing"}]]
)
async def test_a_script_that_makes_no_sense_is_refused(lab: Lab, body: object) -> None:
    async with lab.session.put(f"{lab.url}/carrier/outages", json=body) as answer:
        assert answer.status == 400


async def put(lab: Lab, script: list[dict[str, Any]]) -> dict[str, Any]:
    """Let these outages come from now on."""
    async with lab.session.put(f"{lab.url}/carrier/outages", json=script) as answer:
        assert answer.status == 200
        return dict(await answer.json())
