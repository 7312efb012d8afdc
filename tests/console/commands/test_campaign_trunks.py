"""``dialer campaign`` through several trunks: which numbers go where, and who nobody carries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.commands.conftest import LIMITS, Cli

pytestmark = pytest.mark.journey

PEOPLE = "phone\n+12125550100\n+442071838750\n+441614960123\n+4930901820\n+4930901821\n"


@pytest.fixture
def trunks(cli: Cli) -> Iterator[tuple[str, str, str]]:
    """Two of LiveKit's, and one that carries only +33."""
    names = ("main", "spare", "france")
    for name, stored in zip(names, ("ST_simulated", "ST_noauth", "ST_wildcard"), strict=True):
        assert cli("trunk", "add", name, "--livekit-trunk", stored, *LIMITS).code == 0
    assert cli("trunk", "edit", "france", "--serves", "FR").code == 0
    yield names
    for campaign in cli("campaign", "list", "--json").json:
        cli("campaign", "cancel", campaign["name"], "--yes")
    for name in names:
        assert cli("trunk", "remove", name).code == 0


@pytest.fixture
def campaign(cli: Cli, trunks: tuple[str, str, str], name: str, tmp_path: Path) -> str:
    (tmp_path / "people.csv").write_text(PEOPLE)
    cli("campaign", "create", name, "--trunk", "main")
    assert cli("campaign", "import", name, "people.csv").code == 0
    return name


def shown(cli: Cli, name: str) -> Any:  # it is JSON
    return cli("campaign", "show", name, "--json").json


def ways(cli: Cli, name: str) -> list[tuple[str, str, int]]:
    return [(way["prefix"], way["trunk"], way["weight"]) for way in shown(cli, name)["trunks"]]


def test_trunks_are_taken_in_the_order_of_the_options(cli: Cli, campaign: str) -> None:
    assert cli("campaign", "edit", campaign, "--trunk", "spare", "--trunk", "main").code == 0
    assert ways(cli, campaign) == [("", "spare", 1), ("", "main", 1)]
    assert shown(cli, campaign)["trunk_choice"] == "ordered"
    assert "all numbers: spare, then main" in cli("campaign", "show", campaign).out
    listed = next(each for each in cli("campaign", "list", "--json").json if each["name"] == campaign)
    assert (listed["trunk"], listed["trunks"]) == ("spare", ["spare", "main"])
    assert "spare, main" in cli("campaign", "list").out


def test_any_weight_shares_the_calls_by_weight(cli: Cli, campaign: str) -> None:
    cli("campaign", "edit", campaign, "--trunk", "main:3", "--trunk", "spare")
    assert ways(cli, campaign) == [("", "main", 3), ("", "spare", 1)]
    assert shown(cli, campaign)["trunk_choice"] == "weighted"
    assert "all numbers: main (3 of 4), spare (1 of 4)" in " ".join(cli("campaign", "show", campaign).out.split())
    cli("campaign", "edit", campaign, "--max-attempts", "2")
    assert shown(cli, campaign)["trunk_choice"] == "weighted"
    cli("campaign", "edit", campaign, "--trunk", "main")
    assert (ways(cli, campaign), shown(cli, campaign)["trunk_choice"]) == ([("", "main", 1)], "ordered")


def test_routes_by_prefix_and_country(cli: Cli, campaign: str) -> None:
    ran = cli("campaign", "edit", campaign, "--route", "GB=spare,main", "--route", "+4420=main")
    assert ran.code == 0
    assert "note: GB stands for +44, which GG, IM, JE share" in ran.err
    assert ways(cli, campaign) == [("", "main", 1), ("+44", "spare", 1), ("+44", "main", 1), ("+4420", "main", 1)]
    page = cli("campaign", "show", campaign).out
    for line in ("all others: main", "+44: spare, then main", "+4420: main"):
        assert line in page
    asked = cli("campaign", "start", campaign)
    for line in ("+44: spare, then main", "spare: 5 calls per second, 20 at once, from +15550001000"):
        assert line in asked.err
    cli("campaign", "edit", campaign, "--route", "+44=main", "--route", "+4420=")
    assert ways(cli, campaign) == [("", "main", 1), ("+44", "main", 1)]


def test_people_whom_no_trunk_carries_are_counted_wait_and_are_named_everywhere(
    cli: Cli, trunks: tuple[str, str, str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    cli("campaign", "create", name, "--route", "+44=main")
    ran = cli("campaign", "import", name, "people.csv", "--json")
    assert ran.json["unserved"] == {"+49": 2, "+1": 1}
    assert "the numbers of 2 people begin with +49, which no trunk of the campaign carries" in ran.err
    assert "they wait, and are called as soon as a trunk for them is added" in ran.err
    assert "begin with +49, which no trunk" in " ".join(cli("campaign", "show", name).out.split())
    assert "begin with +49, which no trunk" in cli("campaign", "start", name).err
    cli("campaign", "edit", name, "--trunk", "spare")
    found = shown(cli, name)
    assert (found["unserved"], found["call_jobs"]["waiting"]) == ({}, 5)


def test_a_trunk_edit_says_whom_no_trunk_carries_any_more(cli: Cli, campaign: str) -> None:
    ran = cli("trunk", "edit", "main", "--serves", "+44")
    assert f"campaign {campaign}: the numbers of 2 people begin with +49" in ran.err
    assert f"campaign {campaign}: the number of 1 person begins with +1" in ran.err
    assert cli("trunk", "edit", "main", "--serves", "any").code == 0
    assert shown(cli, campaign)["unserved"] == {}


def test_when_nobody_is_carried_that_is_what_holds_the_campaign_back(
    cli: Cli, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.domain.holding_back._standstill", lambda facts: None)
    cli("campaign", "edit", campaign, "--trunk", "france")
    cli("campaign", "start", campaign, "--yes")
    told = shown(cli, campaign)["holding_back"]
    assert "no trunk of the campaign carries numbers that begin with +44, +49, +1" in told
    assert "5 people are waiting with no others" in told


def test_its_share_of_a_trunk(cli: Cli, campaign: str) -> None:
    keys = ("weight", "max_concurrent_calls", "retries_first")
    assert [shown(cli, campaign)[key] for key in keys] == [1, None, True]
    cli("campaign", "edit", campaign, "--weight", "3", "--max-concurrent-calls", "7", "--no-retries-first")
    cli("campaign", "edit", campaign, "--max-attempts", "2")  # what is not given stays
    assert [shown(cli, campaign)[key] for key in keys] == [3, 7, False]
    assert "weight 3, at most 7 calls at once" in cli("campaign", "show", campaign).out
    cli("campaign", "edit", campaign, "--max-concurrent-calls", "none", "--retries-first")
    assert [shown(cli, campaign)[key] for key in keys] == [3, None, True]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        pytest.param(("--trunk", "gone"), "there is no trunk named 'gone'", id="no such trunk"),
        pytest.param(("--trunk", "main:0"), "trunk 'main' has weight '0', which is not from 1 to 1000", id="weight 0"),
        pytest.param(("--trunk", "main:x"), "weight 'x'", id="no weight"),
        pytest.param(("--trunk", "main:1001"), "weight '1001'", id="too heavy"),
        pytest.param(("--trunk", "main", "--trunk", "main:2"), "trunk 'main' is given twice", id="twice"),
        pytest.param(("--route", "+44=gone"), "there is no trunk named 'gone'", id="route to no trunk"),
        pytest.param(("--route", "+44"), "'+44' is not PREFIX=TRUNK", id="route to nowhere"),
        pytest.param(("--route", "44=main"), "'44' is not what numbers begin with", id="no prefix"),
        pytest.param(("--route", "UK=main"), "did you mean GB?", id="no country"),
        pytest.param(("--route", "+44=main", "--route", "GB=spare"), "two routes for +44", id="two routes"),
        pytest.param(
            ("--route", "+44=france"), "trunk 'france' carries only +33, and the route is for +44", id="serves it not"
        ),
        pytest.param(("--max-concurrent-calls", "0"), "concurrent calls must be from 1", id="no channels"),
        pytest.param(("--max-concurrent-calls", "-2"), "not -2", id="channels below 0"),
        pytest.param(("--max-concurrent-calls", "x"), "'x' is not a whole number", id="channels of no number"),
    ],
)
def test_refused(cli: Cli, campaign: str, options: tuple[str, ...], part: str) -> None:
    before = shown(cli, campaign)
    ran = cli("campaign", "edit", campaign, *options)
    assert (ran.code, ran.out) == (2, "")
    assert part in ran.err
    assert "\nhint: " in ran.err
    assert shown(cli, campaign) == before


@pytest.mark.parametrize("weight", ["0", "-1", "1001", "x"])
def test_a_weight_of_the_campaign_that_is_none_is_refused(cli: Cli, campaign: str, weight: str) -> None:
    ran = cli("campaign", "edit", campaign, "--weight", weight)
    assert ran.code == 2
    assert "--weight" in ran.err
