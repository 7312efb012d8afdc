"""``dialer campaign``: from its creation to its cancellation, without anybody being called."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.console.commands.conftest import Cli

pytestmark = pytest.mark.journey

PEOPLE = "\n".join(
    [
        "phone,name,state,contact_state",
        "(212) 555-0100,Ada,NY,x",
        "+1 212 555 0101,=1+1,NJ,",
        "212.555.0100,Ada again,NY,",
        "12,Bob,NY,",
    ]
)


@pytest.fixture
def campaign(cli: Cli, trunk: str, tmp_path: Path) -> str:
    """A draft with two people."""
    (tmp_path / "people.csv").write_text(PEOPLE)
    cli("campaign", "create", trunk, "--trunk", trunk, "--country", "US")
    assert cli("campaign", "import", trunk, "people.csv").code == 3
    return trunk


def test_every_row_is_answered_for(cli: Cli, campaign: str, tmp_path: Path) -> None:
    found = cli("campaign", "show", campaign, "--json").json
    assert list(found)[:11] == [
        "name",
        "state",
        "rows",
        "rejected",
        "duplicates",
        "contacts",
        "call_jobs",
        "attempts",
        "outcomes",
        "finish_reasons",
        "holding_back",
    ]
    assert (found["rows"], found["rejected"], found["duplicates"], found["contacts"]) == (4, 1, 1, 2)
    assert found["call_jobs"] == {"waiting": 2, "queued": 0, "in_progress": 0, "finished": 0}
    refused = list(csv.DictReader((tmp_path / "people.csv.errors.csv").open()))
    assert [(row["_line"], row["_column"], row["_value"], row["_code"]) for row in refused] == [
        ("5", "phone", "12", "too_short")
    ]


def test_importing_the_same_file_again_changes_nothing_and_says_so(cli: Cli, campaign: str) -> None:
    before = cli("campaign", "show", campaign, "--json").json
    again = cli("campaign", "import", campaign, "people.csv", "--json")
    assert (again.code, again.json["again"]) == (3, True)
    assert "already: nothing was changed" in again.err
    after = cli("campaign", "show", campaign, "--json").json
    assert (after["rows"], after["contacts"]) == (before["rows"], before["contacts"])


def test_the_same_file_read_with_a_country_is_another_import(cli: Cli, name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    cli("campaign", "create", name)
    assert cli("campaign", "import", name, "people.csv", "--json").json["contacts"] == 1
    cli("campaign", "edit", name, "--country", "US")
    assert cli("campaign", "import", name, "people.csv", "--json").json["contacts"] == 1
    assert cli("campaign", "show", name, "--json").json["contacts"] == 2


def test_all_or_nothing_imports_nothing_of_a_bad_file(cli: Cli, name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    cli("campaign", "create", name, "--country", "US")
    ran = cli("campaign", "import", name, "people.csv", "--all-or-nothing", "--errors", "bad.csv")
    assert ran.code == 2
    assert "1 of 4 rows of people.csv cannot be called, so nothing was imported" in ran.err
    assert len((tmp_path / "bad.csv").read_text().splitlines()) == 2
    assert cli("campaign", "show", name, "--json").json["rows"] == 0


def test_edit_changes_what_is_given_and_nothing_else(cli: Cli, campaign: str, tmp_path: Path) -> None:
    (tmp_path / "retry.toml").write_text('max_attempts = 7\n[delays]\nbusy = ["5m"]\n')
    assert cli("campaign", "edit", campaign, "--retry", "retry.toml", "--ringing-timeout", "20").code == 0
    page = cli("campaign", "show", campaign).out
    assert "rings 20 s, talks 1 h, at most 7 attempts, country US" in " ".join(page.split())


def test_start_shows_what_will_happen_and_asks(cli: Cli, campaign: str) -> None:
    asked = cli("campaign", "start", campaign)
    assert asked.code == 2
    for part in ("people    2", "+1212***0100, +1212***0101", "+15550001000 (of the trunk)", "5 calls per second"):
        assert part in asked.err
    assert cli("campaign", "show", campaign, "--json").json["state"] == "draft"
    started = cli("campaign", "start", campaign, "--yes", "--json")
    assert started.json == {"name": campaign, "state": "running", "people": 2}
    assert "`dialer up` does not run: nothing calls until it does" in started.err
    assert "`dialer up` does not run" in cli("campaign", "show", campaign, "--json").json["holding_back"]


def test_pause_resume_cancel(cli: Cli, campaign: str) -> None:
    cli("campaign", "start", campaign, "--yes")
    assert cli("campaign", "pause", campaign, "--json").json["state"] == "paused"
    ran = cli("campaign", "start", campaign, "--yes")
    assert f"what is possible: `dialer campaign resume {campaign}`, `dialer campaign cancel {campaign}`" in ran.err
    assert cli("campaign", "resume", campaign, "--json").json["state"] == "running"
    assert cli("campaign", "cancel", campaign, "--yes").code == 0
    found = cli("campaign", "show", campaign, "--json").json
    assert (found["state"], found["finish_reasons"]) == ("cancelled", {"cancelled": 2})
    assert "a cancelled campaign is over" in cli("campaign", "resume", campaign).err
    assert cli("campaign", "import", campaign, "people.csv").code == 2


def test_results_as_csv_and_json(cli: Cli, campaign: str, tmp_path: Path) -> None:
    ran = cli("campaign", "results", campaign)
    header, *rows = csv.reader(io.StringIO(ran.out))
    assert header[:3] == ["number", "state", "finish_reason"]
    assert header[-3:] == ["name", "contact_contact_state", "contact_state"]
    assert [row[-3] for row in rows] == ["Ada", "'=1+1"]
    as_json = cli("campaign", "results", campaign, "--format", "json")
    first = json.loads(as_json.out)[0]
    assert (first["number"], first["state"], first["attempts"]) == ("+12125550100", "waiting", 0)
    assert cli("campaign", "results", campaign, "--output", "out.csv").out == ""
    assert (tmp_path / "out.csv").read_bytes().decode() == ran.out


def test_explain_before_the_first_attempt(cli: Cli, campaign: str) -> None:
    ran = cli("contact", "explain", campaign, "212-555-0100")
    assert "line 2 of people.csv" in ran.out
    assert "nothing, as long as the campaign is draft" in ran.out
    told = cli("contact", "explain", campaign, "212-555-0100", "--json").json
    assert (told["line"], told["data"]["name"], told["attempts"]) == (2, "Ada", [])


def test_list(cli: Cli, campaign: str) -> None:
    line = next(line for line in cli("campaign", "list", "--json").json if line["name"] == campaign)
    assert (line["state"], line["contacts"], line["trunk"]) == ("draft", 2, campaign)
    assert campaign in cli("campaign", "list").out


def test_a_column_that_only_some_rows_have_is_in_the_results(cli: Cli, name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone,name\n+12125550100,Ada\n+12125550101 ext. 12,Bob\n")
    cli("campaign", "create", name)
    cli("campaign", "import", name, "people.csv")
    rows = list(csv.DictReader(io.StringIO(cli("campaign", "results", name).out)))
    assert [row["extension"] for row in rows] == ["", "12"]
