"""The hours, the agent and the dial of a campaign on the command line: what is kept, shown, cleared and refused."""

from pathlib import Path

import pytest

from tests.console.commands.conftest import Cli

pytestmark = pytest.mark.journey


def flat(text: str) -> str:
    return " ".join(text.split())


def test_everything_is_kept_and_shown(cli: Cli, name: str) -> None:
    ran = cli(
        *("campaign", "create", name, "--agent", "booking", "--hang-up-after", "9"),
        *("--calling-hours", "09:00-20:00", "--weekdays", "mon-fri", "--time-zone", "europe/berlin"),
        *("--start-at", "2030-12-01 09:00", "--end-at", "2030-12-24T18:00Z"),
        *("--header", "X-Account=4711", "--attribute", "plan=gold", "--dtmf", "ww1", "--dialtone"),
    )
    assert ran.code == 0, ran.err
    found = cli("campaign", "show", name, "--json").json
    assert (found["agent"], found["calling_hours"], found["open_now"]) == (
        "booking",
        "09:00-20:00 mon-fri, Europe/Berlin",
        False,
    )
    assert (found["start_at"][:19], found["end_at"][:19]) == ("2030-12-01T08:00:00", "2030-12-24T18:00:00")
    page = flat(cli("campaign", "show", name).out)
    assert "agent booking" in page
    assert "begins 2030-12-01 09:00 Europe/Berlin" in page
    assert "ends 2030-12-24 19:00 Europe/Berlin" in page
    line = next(line for line in cli("campaign", "list", "--json").json if line["name"] == name)
    assert (line["agent"], line["calling_hours"]) == ("booking", "09:00-20:00 mon-fri, Europe/Berlin")


def test_everything_can_be_taken_away_again(cli: Cli, name: str) -> None:
    cli(
        *("campaign", "create", name, "--agent", "booking", "--calling-hours", "09:00-20:00", "--weekdays", "mon-fri"),
        *("--start-at", "2030-12-01", "--end-at", "2030-12-24"),
    )
    cli("campaign", "edit", name, "--calling-hours", "any")
    assert cli("campaign", "show", name, "--json").json["calling_hours"] == "00:00-24:00 mon-fri, UTC"
    cli("campaign", "edit", name, "--weekdays", "any", "--agent", "none", "--start-at", "none", "--end-at", "none")
    found = cli("campaign", "show", name, "--json").json
    assert [found[key] for key in ("agent", "calling_hours", "start_at", "end_at", "open_now")] == [
        None,
        "at any time",
        None,
        None,
        True,
    ]


def test_weekdays_are_changed_without_the_hours(cli: Cli, name: str) -> None:
    cli("campaign", "create", name, "--calling-hours", "22:00-06:00")
    cli("campaign", "edit", name, "--weekdays", "sat-mon")
    assert cli("campaign", "show", name, "--json").json["calling_hours"] == "22:00-06:00 sat-mon, UTC"


def test_start_says_when_it_will_call(cli: Cli, trunk: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone\n+12125550100\n")
    cli("campaign", "create", "night", "--trunk", trunk, "--calling-hours", "00:00-24:00", "--weekdays", "mon-sat,sun")
    cli("campaign", "import", "night", "people.csv")
    cli("campaign", "edit", "night", "--start-at", "2030-12-01 09:00", "--time-zone", "Asia/Tokyo", "--agent", "x")
    plan = cli("campaign", "start", "night").err
    assert "begins    2030-12-01 09:00 Asia/Tokyo" in plan
    assert "agent     x" in plan
    cli("campaign", "start", "night", "--yes")
    assert "it begins at 2030-12-01 00:00 UTC" in cli("campaign", "show", "night", "--json").json["holding_back"]
    assert "running, closed" in flat(cli("campaign", "list").out)


def test_who_is_never_called_is_named_at_the_import(cli: Cli, name: str, tmp_path: Path) -> None:
    """Russia from Kaliningrad to Kamchatka, in ten hours of the day: nowhere else is it ever all open at once."""
    (tmp_path / "p.csv").write_text("phone\n+78123094444\n+78002000600\n+12125550100\n")
    cli("campaign", "create", name, "--calling-hours", "09:00-15:00")
    ran = cli("campaign", "import", name, "p.csv", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["contacts"], ran.json["never_open"], ran.json["suppressed"]) == (3, 1, 0)
    assert ran.json["never_open_first"] == [{"line": 3, "number": "+78002000600"}]
    assert "1 person is never called: their hours do not open within 7 days" in ran.err
    assert "line 3: +7800***0600" in ran.err
    assert cli("campaign", "show", name, "--json").json["finish_reasons"] == {"expired": 1}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(("--calling-hours", "09:00-09:00"), "opens and closes at the same time", id="09:00-09:00"),
        pytest.param(("--calling-hours", "9-17"), "are no calling hours", id="hours without minutes"),
        pytest.param(("--calling-hours", "25:00-26:00"), "there is no such time", id="25:00"),
        pytest.param(("--weekdays", "mon-fry"), "'fry' is none", id="weekday"),
        pytest.param(("--time-zone", "Europe/Berln"), "did you mean Europe/Berlin?", id="zone"),
        pytest.param(("--start-at", "tomorrow"), "'tomorrow' is not a time", id="start"),
        pytest.param(
            ("--start-at", "2030-02-02", "--end-at", "2030-02-01"), "is not after the start", id="end before start"
        ),
        pytest.param(("--end-at", "2020-01-01"), "is past", id="end in the past"),
        pytest.param(
            ("--weekdays", "mon-fri", "--start-at", "2030-11-30", "--end-at", "2030-12-02"),
            "nobody would be called",
            id="only a weekend",
        ),
        pytest.param(
            ("--calling-hours", "09:00-09:01", "--ringing-timeout", "60"), "nobody would be called", id="too short"
        ),
        pytest.param(("--agent", " "), "is not the name of an agent", id="agent"),
        pytest.param(("--dtmf", "hello"), "cannot be sent as tones", id="tones"),
        pytest.param(("--display-name", 'a"b'), "cannot be shown as a name", id="display name"),
        pytest.param(("--header", "Via=x"), "the header Via is not ours to set", id="Via"),
        pytest.param(("--header", "X-Account"), "is not NAME=VALUE", id="header without value"),
        pytest.param(("--header", "X-A=a\nb"), "the value of the header X-A", id="line break in a header"),
        pytest.param(("--attribute", "sip.x=1"), "are set by LiveKit", id="attribute of LiveKit's"),
        pytest.param(("--attribute", "a=" + "x" * 70_000), "the attributes have 70,001 bytes", id="64 KiB"),
    ],
)
@pytest.mark.parametrize("verb", ["create", "edit"])
def test_refused(cli: Cli, verb: str, arguments: tuple[str, ...], part: str) -> None:
    cli("campaign", "create", "camp")
    ran = cli("campaign", verb, "camp" if verb == "edit" else "another", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert part in ran.err
    assert "\nhint: " in ran.err


@pytest.mark.parametrize(
    ("column", "code", "part"),
    [
        pytest.param("header:Via", 2, "the header Via is not ours to set", id="a forbidden header refuses the file"),
        pytest.param("time_zone", 3, "1 refused", id="an unknown zone refuses the row"),
    ],
)
def test_columns_of_a_file(cli: Cli, name: str, tmp_path: Path, column: str, code: int, part: str) -> None:
    (tmp_path / "p.csv").write_text(f"phone,{column}\n+12125550100,x\n")
    cli("campaign", "create", name)
    ran = cli("campaign", "import", name, "p.csv")
    assert (ran.code, part in ran.err) == (code, True), ran.err


def test_the_options_stand_under_headings(cli: Cli) -> None:
    page = cli("campaign", "create", "--help").out
    headings = [line for line in page.splitlines() if line.endswith(":") and not line.startswith(" ")]
    sections = ["Through which trunks:", "How much it takes:", "When it calls:", "Who talks:", "How it dials:"]
    assert headings == ["Arguments:", "Options:", *sections]
