"""``dialer trunk``."""

import pytest

from tests.console.commands.conftest import LIMITS, Cli

pytestmark = pytest.mark.journey


def test_add_list_show_edit_remove(cli: Cli, name: str) -> None:
    added = cli("trunk", "add", name, "--livekit-trunk", "ST_simulated", *LIMITS, "--json")
    assert (added.code, added.json["caller_id"]) == (0, "+15550001000")
    assert name in cli("trunk", "list").out
    assert cli("trunk", "show", name, "--json").json["open_calls"] == 0
    edited = cli("trunk", "edit", name, "--calls-per-second", "0.5", "--remove-caller-id", "--json")
    assert edited.json == {**added.json, "calls_per_second": 0.5, "caller_id": None}
    assert cli("trunk", "remove", name).code == 0
    assert cli("trunk", "show", name).code == 2


def test_one_livekit_trunk_has_one_set_of_limits(cli: Cli, trunk: str) -> None:
    ran = cli("trunk", "add", "again", "--livekit-trunk", "ST_simulated", *LIMITS)
    assert ran.code == 2
    assert "another trunk stands for ST_simulated already" in ran.err


def test_a_trunk_in_use_is_not_removed(cli: Cli, trunk: str) -> None:
    cli("campaign", "create", f"of-{trunk}", "--trunk", trunk)
    ran = cli("trunk", "remove", trunk)
    assert ran.code == 2
    assert "is used by a campaign that is not over" in ran.err


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
