"""What operators get wrong, or what is not there: the exit code, and a message with the place and the way out."""

import json
from pathlib import Path

import pytest

from tests.console.commands.conftest import LIMITS, Cli

pytestmark = pytest.mark.journey

NOBODY = "127.0.0.1:9"
IMPORT = ("campaign", "import", "camp", "people.csv")


@pytest.mark.parametrize(
    ("content", "code", "part"),
    [
        pytest.param(None, 2, "people.csv: No such file", id="missing"),
        pytest.param(b"", 2, "people.csv is empty", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", 2, "line 1 is not UTF-8 text", id="binary"),
        pytest.param(b"name,city\nAda,Rome\n", 2, "has no phone column; its columns are 'name', 'city'", id="no phone"),
        pytest.param(b"phone,mobile\n1,2\n", 2, "'phone', 'mobile' may each be the phone column", id="two candidates"),
        pytest.param(b"phone,name\n", 2, "has a header and no rows", id="no rows"),
        pytest.param(b"phone,phone\n1,2\n", 2, "two columns named 'phone'", id="a column twice"),
        pytest.param(b"phone,name\n+12125550100,Ada\n,Bob\n", 3, "1 refused", id="row without number"),
        pytest.param(b"phone,name\n+12125550100,Ada\n123,Bob\n", 3, "people.csv.errors.csv", id="impossible number"),
    ],
)
def test_contact_file(cli: Cli, tmp_path: Path, content: bytes | None, code: int, part: str) -> None:
    cli("campaign", "create", "camp")
    if content is not None:
        (tmp_path / "people.csv").write_bytes(content)
    ran = cli(*IMPORT)
    assert (ran.code, part in ran.err) == (code, True), ran.err
    assert code == 3 or "\nhint: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "ST_nope", *LIMITS),
            "it knows ST_noauth (noauth), ST_refused (refused), ST_simulated (simulated)",
            id="trunk that LiveKit does not know",
        ),
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "ST_wildcard", *LIMITS[:4]),
            "needs a caller ID",
            id="trunk of any number without caller ID",
        ),
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "ST_simulated", *LIMITS[:4], "--caller-id", "0800"),
            "is not a phone number in E.164 form",
            id="caller ID without country code",
        ),
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "x", "--calls-per-second", "0", "--max-concurrent-calls", "1"),
            "calls per second must be above 0",
            id="no calls per second",
        ),
        pytest.param(("trunk", "show", "gone"), "there is no trunk named 'gone'", id="no such trunk"),
        pytest.param(("campaign", "create", "camp"), "a campaign named 'camp' is there already", id="name taken"),
        pytest.param(("campaign", "create", " "), "a name cannot be empty", id="empty name"),
        pytest.param(("campaign", "create", "x", "--trunk", "gone"), "no trunk named 'gone'", id="campaign, no trunk"),
        pytest.param(("campaign", "create", "x", "--country", "UK"), "did you mean GB?", id="country"),
        pytest.param(
            ("campaign", "create", "x", "--retry", "gone.toml"), "gone.toml: No such file", id="no retry file"
        ),
        pytest.param(
            ("campaign", "create", "x", "--retry", "retry.toml"),
            "retry.toml, line 2: delays.engaged is not an outcome",
            id="retry file with an unknown outcome",
        ),
        pytest.param(("campaign", "show", "gone"), "campaigns: ", id="no such campaign"),
        pytest.param(
            ("campaign", "start", "bare", "--yes"), "campaign 'bare' has no contacts", id="start, no contacts"
        ),
        pytest.param(("campaign", "start", "full", "--yes"), "has no trunk to call through", id="start, no trunk"),
        pytest.param(
            ("campaign", "pause", "camp"), "campaign 'camp' is draft and cannot be paused", id="pause a draft"
        ),
        pytest.param(("campaign", "cancel", "camp"), "without a terminal nobody can be asked", id="nobody to ask"),
        pytest.param(("contact", "explain", "bare", "12"), "which country?", id="explain no number"),
        pytest.param(("contact", "explain", "bare", "+12125550100"), "no contact with this number", id="stranger"),
        pytest.param((*IMPORT[:3], "full.csv", "--errors", "/gone/errors.csv"), "cannot be written", id="error file"),
    ],
)
def test_refused(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], part: str) -> None:
    (tmp_path / "full.csv").write_text("phone\n+12125550100\n1\n")
    (tmp_path / "retry.toml").write_text('[delays]\nengaged = ["10m"]\n')
    for name in ("camp", "full", "bare"):
        cli("campaign", "create", name)
    cli("campaign", "import", "full", "full.csv")
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert part in ran.err
    assert "\nhint: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "env", "part", "way_out"),
    [
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "ST_simulated", *LIMITS),
            {"LIVEKIT_API_SECRET": "wrong"},
            "LiveKit refuses our key",
            "LIVEKIT_API_SECRET",
            id="wrong key",
        ),
        pytest.param(
            ("trunk", "add", "t", "--livekit-trunk", "ST_simulated", *LIMITS),
            {"LIVEKIT_URL": f"http://{NOBODY}"},
            "LiveKit cannot be reached",
            "--no-check",
            id="LiveKit away",
        ),
        pytest.param(
            ("campaign", "list"),
            {"DATABASE_URL": f"postgresql://a:password@{NOBODY}/b"},
            "PostgreSQL does not answer",
            "dialer doctor",
            id="PostgreSQL away",
        ),
    ],
)
def test_unavailable(cli: Cli, arguments: tuple[str, ...], env: dict[str, str], part: str, way_out: str) -> None:
    ran = cli(*arguments, env=env)
    assert (ran.code, ran.out) == (1, "")
    assert part in ran.err
    assert way_out in ran.err
    assert "password" not in ran.err


def test_start_with_livekits_clock_off(cli: Cli, trunk: str, livekit_ahead: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone\n+12125550100\n")
    cli("campaign", "create", "late", "--trunk", trunk)
    cli("campaign", "import", "late", "people.csv")
    ran = cli("campaign", "start", "late", "--yes", env={"LIVEKIT_URL": livekit_ahead})
    assert ran.code == 1
    assert "LiveKit's clock is 15 s ahead of PostgreSQL's" in ran.err
    assert cli("campaign", "show", "late", "--json").json["state"] == "draft"


def test_start_without_livekit(cli: Cli, trunk: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone\n+12125550100\n")
    cli("campaign", "create", "unset", "--trunk", trunk)
    cli("campaign", "import", "unset", "people.csv")
    ran = cli("campaign", "start", "unset", "--yes", env={"LIVEKIT_URL": "", "LIVEKIT_API_KEY": ""})
    assert ran.code == 2
    assert "LIVEKIT_URL, LIVEKIT_API_KEY are not set" in ran.err


def test_unknown_setting(cli: Cli) -> None:
    ran = cli("campaign", "list", env={"DIALER_DATE": "/tmp"})
    assert ran.code == 2
    assert "did you mean DIALER_DATA?" in ran.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(("campain",), "Did you mean 'campaign'?", id="typo"),
        pytest.param(("campaign", "create", "x", "--ringing-timeout", "90"), "--ringing-timeout", id="ringing timeout"),
        pytest.param(("campaign", "import", "camp"), "FILE", id="argument missing"),
        pytest.param(("campaign", "results", "camp", "--format", "xml"), "'csv', 'json'", id="format"),
    ],
)
def test_usage(cli: Cli, arguments: tuple[str, ...], part: str) -> None:
    ran = cli(*arguments)
    assert ran.code == 2
    assert part in ran.err


def test_faults_as_json(cli: Cli) -> None:
    ran = cli("campaign", "show", "gone", "--json")
    told = json.loads(ran.err)["error"]
    assert (ran.code, told["code"], told["message"]) == (2, "not_found", "there is no campaign named 'gone'")
    assert told["hint"]
