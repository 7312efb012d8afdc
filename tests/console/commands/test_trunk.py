"""``dialer trunk``: trunks of LiveKit's."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from livekit.api import LiveKitAPI
from livekit.protocol.sip import CreateSIPOutboundTrunkRequest, SIPOutboundTrunkInfo

from tests.console.commands.conftest import LIMITS, Cli

pytestmark = pytest.mark.journey

ADD = ("--livekit-trunk", "ST_simulated")


@pytest.fixture(autouse=True)
def empty(cli: Cli) -> Iterator[None]:
    """What a test has added is gone when the next one begins."""
    yield
    for trunk in cli("trunk", "list", "--json").json:
        cli("trunk", "remove", trunk["name"])


def test_add_list_show_edit_remove(cli: Cli, name: str) -> None:
    added = cli("trunk", "add", name, "--livekit-trunk", "ST_simulated", *LIMITS, "--json")
    assert (added.code, added.json["caller_id"]) == (0, "+15550001000")
    assert name in cli("trunk", "list").out
    assert cli("trunk", "show", name, "--json").json["open_calls"] == 0
    edited = cli("trunk", "edit", name, "--calls-per-second", "0.5", "--remove-caller-id", "--json")
    assert edited.json == {**added.json, "calls_per_second": 0.5, "caller_id": None}
    assert cli("trunk", "remove", name).code == 0
    assert cli("trunk", "show", name).code == 2


def test_every_setting_is_kept_and_shown(cli: Cli, name: str) -> None:
    assert cli("account", "add", name, "--calls-per-second", "2").code == 0
    given = {
        "account": name,
        "invites_per_call": 2,
        "safety_factor": 0.9,
        "reserved_channels": 2,
        "callback_channels": 3,
        "ramp_seconds": 30.0,
        "ramp_at_start": True,
        "serves": ["+33", "+44"],
    }
    options = [
        *("--account", name, "--invites-per-call", "2", "--safety-factor", "0.9", "--reserved-channels", "2"),
        *("--callback-channels", "3", "--ramp", "30", "--ramp-at-start", "--serves", "GB", "--serves", "+33"),
    ]
    added = cli("trunk", "add", name, *ADD, *LIMITS, *options, "--json")
    assert added.code == 0
    assert {key: added.json[key] for key in given} == given
    assert "note: GB stands for +44, which GG, IM, JE share" in added.err
    assert "(2 calls per second of its 5)" in added.err
    page = " ".join(cli("trunk", "show", name).out.split())
    for part in (
        "5 allowed, 2 used (2 INVITEs per call, safety factor 0.9)",
        "20 allowed, 2 kept free for people who call in, 3 kept free for calls back",
        "carries numbers that begin with +33, +44",
        "ramp 30 s, also when it was idle",
        f"account {name}",
    ):
        assert part in page
    for options in (["--account", "none"], ["--serves", "any"], ["--no-ramp-at-start"]):
        assert cli("trunk", "edit", name, *options).code == 0
    left = cli("trunk", "show", name, "--json").json
    assert (left["account"], left["serves"], left["ramp_at_start"], left["invites_per_call"]) == (None, [], False, 2)
    assert cli("trunk", "remove", name).code == 0


@pytest.fixture(scope="module")
def with_password(livekit: str) -> str:
    """A trunk of LiveKit's that has a user and password there."""

    async def create() -> str:
        async with LiveKitAPI(livekit, "devkey", "secret") as client:
            trunk = SIPOutboundTrunkInfo(
                name="login",
                address="sip.example.com",
                numbers=["+15550001000"],
                auth_username="us",
                auth_password="of-nobody",
            )
            return (await client.sip.create_outbound_trunk(CreateSIPOutboundTrunkRequest(trunk=trunk))).sip_trunk_id

    return asyncio.run(create())


def test_a_trunk_with_a_password_in_livekit_is_two_invites_a_call_if_the_carrier_counts_them(
    cli: Cli, name: str, with_password: str
) -> None:
    ran = cli("trunk", "add", name, "--livekit-trunk", with_password, *LIMITS, "--json")
    assert "a call is two INVITEs (the first is challenged)" in ran.err
    assert ran.json["invites_per_call"] == 1
    assert "two INVITEs" not in cli("trunk", "add", f"{name}2", *ADD, *LIMITS).err


def test_one_livekit_trunk_has_one_set_of_limits(cli: Cli, trunk: str) -> None:
    ran = cli("trunk", "add", "again", "--livekit-trunk", "ST_simulated", *LIMITS)
    assert ran.code == 2
    assert f"trunk '{trunk}' stands for ST_simulated already" in ran.err


def test_a_trunk_in_use_is_not_removed_and_the_campaigns_are_named(cli: Cli, trunk: str) -> None:
    cli("campaign", "create", f"of-{trunk}", "--trunk", trunk)
    ran = cli("trunk", "remove", trunk)
    assert ran.code == 2
    assert f"is used by a campaign that is not over: of-{trunk}" in ran.err
    assert "dialer campaign edit" in ran.err


def test_the_caller_id_of_a_trunk_of_any_number_is_not_removed(cli: Cli, name: str) -> None:
    cli("trunk", "add", name, "--livekit-trunk", "ST_wildcard", *LIMITS)
    assert cli("trunk", "edit", name, "--remove-caller-id").code == 2
    assert cli("trunk", "show", name, "--json").json["caller_id"] == "+15550001000"


def test_a_caller_id_of_somebody_else_is_pointed_out(cli: Cli, name: str) -> None:
    ran = cli("trunk", "add", name, "--livekit-trunk", "ST_noauth", *LIMITS[:4], "--caller-id", "+1 (415) 555-0100")
    assert ran.code == 0
    assert "caller ID +14155550100 is not one of the trunk's numbers" in ran.err


def test_no_check_adds_what_livekit_cannot_be_asked_about(cli: Cli, name: str) -> None:
    away = {"LIVEKIT_URL": "http://127.0.0.1:9"}
    arguments = ("trunk", "add", name, "--livekit-trunk", f"ST_{name}", *LIMITS)
    assert cli(*arguments, env=away).code == 1
    assert cli(*arguments, "--no-check", env=away).code == 0


# -- what carriers publish --------------------------------------------------------------------------------------------


def test_what_is_not_given_is_taken_from_the_carrier_and_said_with_its_source(
    cli: Cli, name: str, with_password: str
) -> None:
    add = ("trunk", "add", name, "--livekit-trunk", with_password, "--carrier", "bandwidth")
    ran = cli(*add, "--calls-per-second", "4", "--json")
    assert (ran.code, ran.json["carrier"]) == (0, "bandwidth")
    assert [ran.json[key] for key in ("calls_per_second", "max_concurrent_calls", "safety_factor")] == [4.0, 100, 0.9]
    assert ran.json["invites_per_call"] == 2
    assert "took --max-concurrent-calls 100 of bandwidth" in ran.err
    assert "(dev.bandwidth.com/docs/voice/rateLimits, read 2026-11-20)" in ran.err
    assert "took --calls-per-second" not in ran.err


def test_a_trunk_without_a_password_is_one_invite_a_call(cli: Cli, name: str) -> None:
    ran = cli("trunk", "add", name, "--livekit-trunk", "ST_noauth", "--carrier", "twilio", "--json")
    assert (ran.code, ran.json["invites_per_call"], ran.json["calls_per_second"]) == (0, 1, 1.0)


def test_whether_there_is_a_password_is_taken_for_true_where_livekit_was_not_asked(cli: Cli, name: str) -> None:
    ran = cli("trunk", "add", name, "--livekit-trunk", f"ST_{name}", "--carrier", "twilio", "--no-check", "--json")
    assert ran.json["invites_per_call"] == 2
    assert "LiveKit was not asked whether this trunk has a user and password" in ran.err


def test_an_edit_with_a_carrier_keeps_the_limits(cli: Cli, name: str) -> None:
    cli("trunk", "add", name, *ADD, *LIMITS)
    ran = cli("trunk", "edit", name, "--carrier", "telnyx", "--json")
    assert (ran.json["calls_per_second"], ran.json["max_concurrent_calls"], ran.json["safety_factor"]) == (5.0, 20, 0.9)


def test_presets_show_every_value_with_its_source(cli: Cli) -> None:
    page = " ".join(cli("trunk", "presets").out.split())
    assert "calls per second 3 - in any sliding second (developer.vonage.com/en/voice/voice-api/concepts/" in page
    told = {each["carrier"]: each for each in cli("trunk", "presets", "--json").json}
    assert list(told) == ["twilio", "telnyx", "plivo", "vonage", "bandwidth", "generic"]
    assert told["plivo"]["counts_ringing"]["value"] is True
    assert all(each["calls_per_second"]["source"] for each in told.values())


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "part"),
    [
        pytest.param((*LIMITS[2:], "--calls-per-second", "0"), "calls per second must be above 0, not 0", id="0"),
        pytest.param((*LIMITS[2:], "--calls-per-second", "-1"), "must be above 0, not -1", id="below 0"),
        pytest.param((*LIMITS[2:], "--calls-per-second", "nan"), "must be above 0, not nan", id="nan"),
        pytest.param((*LIMITS[2:], "--calls-per-second", "inf"), "must be 10,000 at most, not inf", id="inf"),
        pytest.param((*LIMITS, "--burst", "5"), "carriers count every sliding second", id="burst"),
        pytest.param((*LIMITS, "--safety-factor", "0"), "the safety factor must be above 0", id="safety factor"),
        pytest.param((*LIMITS, "--invites-per-call", "3"), "INVITEs per call must be 1 or 2", id="INVITEs"),
        pytest.param((*LIMITS, "--ramp", "61"), "a ramp lasts from 0 to 60 seconds", id="ramp"),
        pytest.param((*LIMITS, "--ramp", "nan"), "--ramp nan is not a time", id="ramp of no time"),
        pytest.param((*LIMITS, "--reserved-channels", "20"), "leave none to call with", id="all reserved"),
        pytest.param((*LIMITS, "--serves", "44"), "'44' is not what numbers begin with", id="prefix"),
        pytest.param((*LIMITS, "--serves", "UK"), "did you mean GB?", id="country"),
        pytest.param((*LIMITS, "--account", "gone"), "there is no account named 'gone'", id="account"),
        pytest.param((*LIMITS, "--carrier", "acme"), "no presets for a carrier 'acme'", id="carrier"),
        pytest.param(("--carrier", "vonage"), "--max-concurrent-calls is not given, and none is", id="unpublished"),
        pytest.param((), "--calls-per-second is not given, and none is published", id="no limits"),
        pytest.param((*LIMITS, "--host", "sip.example.com"), "has its host, user and password there", id="both kinds"),
    ],
)
def test_refused(cli: Cli, options: tuple[str, ...], part: str) -> None:
    ran = cli("trunk", "add", "bad", *ADD, *options)
    assert (ran.code, ran.out) == (2, "")
    assert part in ran.err
    assert "\nhint: " in ran.err
    assert "bad" not in [each["name"] for each in cli("trunk", "list", "--json").json]


@pytest.mark.parametrize("option", ["--calls-per-second", "--max-concurrent-calls"])
def test_an_edit_refuses_0_and_changes_nothing(cli: Cli, trunk: str, option: str) -> None:
    before = cli("trunk", "show", trunk, "--json").json
    ran = cli("trunk", "edit", trunk, option, "0", "--json")
    assert ran.code == 2
    assert json.loads(ran.err)["error"]["hint"]
    assert cli("trunk", "show", trunk, "--json").json == before


def test_a_trunk_is_one_kind_or_the_other(cli: Cli) -> None:
    ran = cli("trunk", "add", "bad", *LIMITS)
    assert ran.code == 2
    assert "give --livekit-trunk ST_..., or --host" in ran.err
