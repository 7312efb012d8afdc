"""``dialer trunk`` of trunks that go with each call: nothing that is printed or logged has the password."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.commands.conftest import LIMITS, Cli, Ran

pytestmark = pytest.mark.journey

PASSWORD = "hunter2-Secret"
HOST = ("--host", "sip.example.com", "--user", "us", "--password-file", "password")


@pytest.fixture
def quiet(cli: Cli, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Runs commands and sees to it that none of them tells the password, to anybody."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    caplog.set_level(logging.DEBUG)
    written: list[str] = []

    def call(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        ran = cli(*arguments, env={"DIALER_LOG_LEVEL": "debug", **(env or {})})
        written.extend((ran.out, ran.err))
        return ran

    yield call
    assert written
    assert PASSWORD not in "".join(written) + caplog.text
    logs = [path.read_text(errors="replace") for path in tmp_path.rglob("*.log")]
    assert PASSWORD not in "".join(logs)


def test_add_show_edit_remove(quiet: Cli, name: str) -> None:
    added = quiet("trunk", "add", name, *HOST, "--transport", "tls", "--country", "GB", *LIMITS, "--json")
    assert added.code == 0
    assert [added.json[key] for key in ("livekit_trunk", "host", "transport", "user", "has_password", "country")] == [
        None,
        "sip.example.com",
        "tls",
        "us",
        True,
        "GB",
    ]
    assert "only a call shows whether sip.example.com takes it" in added.err
    page = " ".join(quiet("trunk", "show", name).out.split())
    assert "host sip.example.com (tls), in GB, sent with each call user us, with a password" in page
    assert "sip.example.com" in quiet("trunk", "list").out
    edited = quiet("trunk", "edit", name, "--host", "SIP2.example.com:5061", "--country", "none", "--json")
    assert edited.json == {**added.json, "host": "sip2.example.com:5061", "country": None}
    without = quiet("trunk", "edit", name, "--user", "none", "--json")
    assert (without.json["user"], without.json["has_password"]) == (None, False)
    assert quiet("trunk", "remove", name).code == 0


def test_faults_of_every_kind_keep_the_password(quiet: Cli, name: str, tmp_path: Path) -> None:
    assert quiet("trunk", "add", name, *HOST, *LIMITS).code == 0
    again = quiet("trunk", "add", "again", *HOST, *LIMITS)
    assert again.code == 2
    assert f"trunk '{name}' stands for sip.example.com with user 'us' already" in again.err
    assert quiet("trunk", "add", "again", *HOST, *LIMITS, "--json").code == 2
    assert quiet("trunk", "add", "bad", *HOST, *LIMITS, "--ramp", "99").code == 2
    (tmp_path / "two-lines").write_text(f"{PASSWORD}\n{PASSWORD}\n")
    ran = quiet("trunk", "edit", name, "--password-file", "two-lines")
    assert "two-lines does not hold one line with a password" in ran.err
    assert quiet("trunk", "add", "bad", "--host", f"sip:us:{PASSWORD}@sip.example.com", *LIMITS).code == 2
    assert quiet("doctor", "--json").out.count("sip.example.com") >= 1
    quiet("trunk", "remove", name)


def test_a_password_comes_from_stdin_too(quiet: Cli, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    ran = quiet("trunk", "add", name, *HOST[:4], "--password-file", "-", *LIMITS, "--json")
    assert (ran.code, ran.json["has_password"]) == (0, True)
    quiet("trunk", "remove", name)


def test_a_campaign_through_it_starts_without_asking_livekit_about_it(quiet: Cli, name: str, tmp_path: Path) -> None:
    quiet("trunk", "add", name, *HOST, "--carrier", "generic", *LIMITS)
    (tmp_path / "people.csv").write_text("phone\n+12125550100\n")
    quiet("campaign", "create", name, "--trunk", name)
    quiet("campaign", "import", name, "people.csv")
    ran = quiet("campaign", "start", name, "--yes")
    assert ran.code == 0
    assert "goes with each call, to sip.example.com: LiveKit cannot be asked about it" in ran.err
    assert "2.5 calls per second" not in ran.err
    assert f"{name}: 2 calls per second" in ran.err  # two INVITEs a call: of 5, two calls fit
    assert f"{name} (sip.example.com)" in quiet("campaign", "show", name).out
    assert json.loads(quiet("campaign", "show", name, "--json").out)["trunk"] == name
    quiet("campaign", "cancel", name, "--yes")
    quiet("trunk", "remove", name)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        pytest.param(("--host", "sip:sip.example.com", *LIMITS), "--host is not the name of a host", id="sip address"),
        pytest.param(("--host", "a b", *LIMITS), "--host is not the name of a host", id="space"),
        pytest.param(("--host", "sip.example.com:99999", *LIMITS), "--host is not", id="port"),
        pytest.param(("--host", "h", "--user", "us", *LIMITS), "user 'us' has no password", id="no password"),
        pytest.param(
            ("--host", "h", "--password-file", "password", *LIMITS), "a password without a user", id="no user"
        ),
        pytest.param(
            ("--host", "h", "--user", "us", "--password-file", "gone", *LIMITS), "gone: No such file", id="no file"
        ),
        pytest.param(("--host", "h", *LIMITS[:4]), "LiveKit knows no number for it", id="no caller ID"),
        pytest.param(("--host", "h", "--country", "UK", *LIMITS), "did you mean GB?", id="country"),
    ],
)
def test_refused(quiet: Cli, options: tuple[str, ...], part: str) -> None:
    ran = quiet("trunk", "add", "bad", *options)
    assert (ran.code, ran.out) == (2, "")
    assert part in ran.err
    assert "\nhint: " in ran.err


def test_a_trunk_of_livekits_has_no_host_to_change(quiet: Cli, trunk: str) -> None:
    ran = quiet("trunk", "edit", trunk, "--host", "sip.example.com")
    assert ran.code == 2
    assert "change them in LiveKit" in ran.err


def test_no_option_takes_a_password(cli: Cli) -> None:
    """It would stand in the list of processes and in the shell's history."""
    assert cli("trunk", "add", "bad", *HOST[:4], "--password", PASSWORD, *LIMITS).code == 2
    for verb in ("add", "edit"):
        assert "--password " not in cli("trunk", verb, "--help").out
