"""``dialer suppression``: what goes on the list, what comes off it, and what becomes of those who wait."""

import csv
import os
from pathlib import Path

import psycopg
import pytest

from tests.console.commands.conftest import Cli

pytestmark = pytest.mark.journey


@pytest.fixture
def area() -> str:
    """Digits that no other test of this module has begun a number with."""
    return f"+4930{20_000 + int.from_bytes(os.urandom(3)) % 60_000}"


@pytest.fixture
def campaign(cli: Cli, name: str, area: str, tmp_path: Path) -> str:
    """A draft with three people of the area."""
    (tmp_path / "people.csv").write_text("phone\n" + "".join(f"{area}{last:02d}\n" for last in range(10, 13)))
    cli("campaign", "create", name, "--country", "DE")
    assert cli("campaign", "import", name, "people.csv").code == 0
    return name


def jobs(cli: Cli, campaign: str) -> tuple[int, int]:
    """Waiting, and finished as suppressed."""
    found = cli("campaign", "show", campaign, "--json").json
    return found["call_jobs"]["waiting"], found["finish_reasons"].get("suppressed", 0)


def test_adding_a_number_finishes_who_waits_under_it_in_every_campaign(
    cli: Cli, campaign: str, area: str, tmp_path: Path
) -> None:
    cli("campaign", "create", f"{campaign}b")
    cli("campaign", "import", f"{campaign}b", "people.csv")

    ran = cli("suppression", "add", f"0{area[3:]}10", "--country", "DE", "--reason", "asked by letter", "--json")

    assert ran.code == 0
    assert ran.err.splitlines() == [
        f"{area}10 is suppressed for all campaigns.",
        "2 waiting call jobs finished as suppressed.",
    ]
    assert (ran.json["added"], ran.json["finished"], ran.json["entry"]["source"]) == (True, 2, "operator")
    assert (jobs(cli, campaign), jobs(cli, f"{campaign}b")) == ((2, 1), (2, 1))


def test_a_campaigns_own_entry_leaves_the_others_alone(cli: Cli, campaign: str, area: str) -> None:
    cli("campaign", "create", f"{campaign}b")
    cli("campaign", "import", f"{campaign}b", "people.csv")
    assert "1 waiting call job finished" in cli("suppression", "add", f"{area}10", "--campaign", campaign).err
    assert (jobs(cli, campaign), jobs(cli, f"{campaign}b")) == ((2, 1), (3, 0))
    assert "is not on the list for all campaigns" in (refused := cli("suppression", "remove", f"{area}10")).err
    assert (refused.code, f"in campaign {campaign}" in refused.err) == (2, True)


def test_a_prefix_finishes_everybody_under_it(cli: Cli, campaign: str, area: str) -> None:
    ran = cli("suppression", "add", area, "--prefix", "--json")
    assert (ran.json["finished"], jobs(cli, campaign)) == (3, (0, 3))
    assert f"{area}... is suppressed for all campaigns." in ran.err


def test_what_is_queued_or_on_the_line_is_not_touched(cli: Cli, campaign: str, area: str, ledger_url: str) -> None:
    with psycopg.connect(ledger_url, autocommit=True) as ledger:
        for last, state in ((10, "queued"), (11, "in_progress")):
            ledger.execute("UPDATE call_jobs SET state = %s WHERE number = %s", (state, f"{area}{last}"))
        assert cli("suppression", "add", area, "--prefix", "--json").json["finished"] == 1
        rows = ledger.execute("SELECT state FROM call_jobs WHERE starts_with(number, %s) ORDER BY number", (area,))
        assert [row[0] for row in rows] == ["queued", "in_progress", "finished"]
        ledger.execute("UPDATE call_jobs SET state = 'waiting' WHERE state <> 'finished'")


def test_adding_what_stands_says_so_and_renews_reason_and_end(cli: Cli, area: str) -> None:
    number = f"{area}10"
    cli("suppression", "add", number, "--reason", "one", "--until", "2099-12-31")
    again = cli("suppression", "add", number, "--reason", "two", "--json")
    assert "already: its reason and end are the new ones." in again.err
    assert (again.json["added"], again.json["entry"]["reason"], again.json["entry"]["ends_at"]) == (False, "two", None)
    assert "already: nothing was changed." in cli("suppression", "add", number).err
    entries = cli("suppression", "check", number, "--json").json["entries"]
    assert [entry["reason"] for entry in entries] == ["two"]


def test_removing_keeps_the_row_and_revives_nobody(cli: Cli, campaign: str, area: str) -> None:
    cli("suppression", "add", f"{area}10")
    cli("suppression", "add", area, "--prefix", "--campaign", campaign)

    removed = cli("suppression", "remove", f"{area}10")

    assert removed.code == 0
    assert "Call jobs it has finished stay finished." in removed.err
    assert f"Still in force: {area}... in campaign {campaign}." in removed.err
    assert jobs(cli, campaign) == (0, 3)
    gone = [entry for entry in cli("suppression", "list", "--all", "--json").json if entry["pattern"] == f"{area}10"]
    assert [(entry["in_force"], entry["removed_at"] is not None) for entry in gone] == [(False, True)]
    assert f"{area}10" not in [entry["pattern"] for entry in cli("suppression", "list", "--json").json]
    again = cli("suppression", "remove", f"{area}10")
    assert (again.code, "is not on the list" in again.err) == (2, True)


def test_check_tells_which_entry_it_is(cli: Cli, campaign: str, area: str) -> None:
    number = f"{area}10"
    assert "is not suppressed." in (free := cli("suppression", "check", number)).out
    assert free.code == 0
    cli("suppression", "add", area, "--prefix", "--campaign", campaign, "--reason", "their wish")
    assert "is suppressed, not for all campaigns:" in cli("suppression", "check", number).out
    own = cli("suppression", "check", number, "--campaign", campaign)
    assert (own.code, f"is suppressed in campaign {campaign}:" in own.out) == (0, True)
    assert all(part in own.out for part in (f"{area}...", "their wish", "for ever", "an operator"))
    cli("suppression", "add", number, "--until", "2099-12-31")
    found = cli("suppression", "check", number, "--json").json
    assert (found["suppressed"], [entry["prefix"] for entry in found["entries"]]) == (True, [False, True])


def test_a_file_goes_in_but_for_its_broken_rows(cli: Cli, campaign: str, area: str, tmp_path: Path) -> None:
    (tmp_path / "stop.csv").write_text(
        f"number,reason,until,prefix\n{area}10,asked,,\n12,,,\n{area}11,,2020-01-01,\n{area}12,,,yes\n{area}10,twice,,\n"
    )
    ran = cli("suppression", "import", "stop.csv", "--reason", "register", "--json")
    assert ran.code == 3
    assert ran.json == {
        "rows": 5,
        "rejected": 2,
        "added": 2,
        "changed": 0,
        "unchanged": 1,
        "finished": 2,
        "error_file": "stop.csv.errors.csv",
    }
    refused = list(csv.DictReader((tmp_path / "stop.csv.errors.csv").open()))
    assert [(row["_line"], row["_column"], row["_code"]) for row in refused] == [
        ("3", "number", "invalid_country"),
        ("4", "until", "bad_until"),
    ]
    assert refused[1]["number"] == f"{area}11"
    assert jobs(cli, campaign) == (1, 2)

    again = cli("suppression", "import", "stop.csv", "--reason", "another", "--json")
    assert [again.json[key] for key in ("added", "changed", "unchanged", "finished")] == [0, 0, 3, 0]


def test_a_file_never_shortens_what_stands(cli: Cli, area: str, tmp_path: Path) -> None:
    number = f"{area}10"
    cli("suppression", "add", number)
    (tmp_path / "stop.csv").write_text(f"number,until\n{number},2099-01-01\n")
    assert cli("suppression", "import", "stop.csv", "--json").json["unchanged"] == 1
    assert cli("suppression", "check", number, "--json").json["entries"][0]["ends_at"] is None


def test_one_that_has_ended_is_written_anew_and_keeps_its_row(cli: Cli, area: str, ledger_url: str) -> None:
    number = f"{area}10"
    cli("suppression", "add", number, "--until", "2099-12-31")
    with psycopg.connect(ledger_url, autocommit=True) as ledger:
        ledger.execute("UPDATE suppressions SET ends_at = now() WHERE pattern = %s", (number,))
    assert cli("suppression", "check", number, "--json").json == {"number": number, "suppressed": False, "entries": []}
    assert cli("suppression", "add", number, "--json").json["added"]
    rows = [entry for entry in cli("suppression", "list", "--all", "--json").json if entry["pattern"] == number]
    assert [entry["in_force"] for entry in rows] == [True, False]


def test_the_list_shows_the_newest_and_says_how_many_there_are(cli: Cli, area: str) -> None:
    for last in range(10, 13):
        cli("suppression", "add", f"{area}{last}")
    ran = cli("suppression", "list", "--limit", "2")
    assert f"{area}12" in ran.out
    assert f"{area}10" not in ran.out
    assert "the newest 2 of " in ran.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(("add", "+49"), "add --prefix", id="a country without --prefix"),
        pytest.param(("add", "+1", "--prefix"), "2 to 15 digits", id="a continent"),
        pytest.param(("add", "4155550100"), "country code", id="without country"),
        pytest.param(("add", "+14155550100", "--until", "soon"), "write 2026-12-31", id="until"),
        pytest.param(("add", "+14155550100", "--until", "2020-01-01"), "has passed", id="until has passed"),
        pytest.param(("add", "+14155550100", "--campaign", "gone"), "no campaign named 'gone'", id="campaign"),
        pytest.param(("add", "+14155550100", "--country", "UK"), "did you mean GB?", id="country"),
        pytest.param(("import", "gone.csv"), "gone.csv: No such file", id="no file"),
        pytest.param(("import", "empty.csv"), "has a header and no rows", id="no rows"),
        pytest.param(("remove", "+14155550177"), "`dialer suppression list` shows what is", id="not on the list"),
    ],
)
def test_bad_input(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], part: str) -> None:
    (tmp_path / "empty.csv").write_text("phone\n")
    ran = cli("suppression", *arguments)
    assert (ran.code, part in ran.err, "\nhint: " in ran.err) == (2, True, True), ran.err
