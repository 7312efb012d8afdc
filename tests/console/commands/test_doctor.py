"""``dialer doctor``, ``audit``, ``data`` and ``--version``."""

from pathlib import Path

import pytest

from tests.console.commands.conftest import Cli

pytestmark = pytest.mark.journey


def levels(cli: Cli, env: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """The exit code, and each finding's level by what was looked at."""
    ran = cli("doctor", "--json", env=env)
    return ran.code, {finding["what"]: finding["level"] for finding in ran.json["findings"]}


def test_all_is_well_but_dialer_up_does_not_run(cli: Cli, trunk: str) -> None:
    code, found = levels(cli)
    assert code == 0
    assert found.pop("processes") == "warning"
    assert found.pop("webhooks") == "warning"
    assert set(found) >= {"PostgreSQL", "Redis", "Redis memory", "Redis on disk", "LiveKit", "LiveKit's clock"}
    assert set(found) >= {"Redis's clock", "this machine's clock", "LiveKit SIP", f"trunk {trunk}"}
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize(
    ("env", "what", "part"),
    [
        pytest.param(
            {"DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "PostgreSQL", "check DATABASE_URL", id="PostgreSQL"
        ),
        pytest.param({"REDIS_URL": "redis://127.0.0.1:9"}, "Redis", "check REDIS_URL", id="Redis"),
        pytest.param({"LIVEKIT_URL": "http://127.0.0.1:9"}, "LiveKit", "check LIVEKIT_URL", id="LiveKit"),
        pytest.param({"LIVEKIT_API_SECRET": "wrong"}, "LiveKit", "set LIVEKIT_API_KEY", id="key"),
        pytest.param({"LIVEKIT_API_SECRET": ""}, "LiveKit", "LIVEKIT_API_SECRET is not set", id="no secret"),
    ],
)
def test_an_error_has_a_way_out(cli: Cli, env: dict[str, str], what: str, part: str) -> None:
    code, found = levels(cli, env)
    assert (code, found[what]) == (1, "error")
    page = cli("doctor", env=env)
    assert part in " ".join(page.out.split())


def test_a_clock_that_is_off_is_an_error(cli: Cli, livekit_ahead: str) -> None:
    code, found = levels(cli, {"LIVEKIT_URL": livekit_ahead})
    assert (code, found["LiveKit's clock"]) == (1, "error")


def test_a_trunk_that_livekit_has_lost_is_an_error(cli: Cli, name: str) -> None:
    limits = ("--calls-per-second", "1", "--max-concurrent-calls", "1", "--no-check")
    cli("trunk", "add", name, "--livekit-trunk", f"ST_{name}", *limits)
    code, found = levels(cli)
    assert (code, found[f"trunk {name}"]) == (1, "error")
    cli("trunk", "remove", name)


def test_without_livekit_it_is_a_warning(cli: Cli) -> None:
    nothing = {"LIVEKIT_URL": "", "LIVEKIT_API_KEY": "", "LIVEKIT_API_SECRET": ""}
    code, found = levels(cli, nothing)
    assert (code, found["LiveKit"]) == (0, "warning")


def test_an_agent_that_comes_and_one_that_nobody_serves(cli: Cli) -> None:
    ran = cli("doctor", "--json", "--agent", "sim-ready", "--agent", "nobody-serves-this")
    found = {finding["what"]: finding for finding in ran.json["findings"]}
    assert found["agent sim-ready"]["level"] == "ok"
    assert found["agent nobody-serves-this"]["level"] == "error"
    assert "start the worker that registers as" in found["agent nobody-serves-this"]["todo"]
    assert ran.code == 1


def test_secrets_are_masked(cli: Cli) -> None:
    ran = cli("doctor", env={"LIVEKIT_API_SECRET": "very-secret-word"})
    assert "very-secret-word" not in ran.out + ran.err
    assert "LIVEKIT_API_SECRET ***" in " ".join(ran.out.split())


def test_audit(cli: Cli) -> None:
    ran = cli("audit", "--json")
    assert (ran.code, ran.json["clean"]) == (0, True)
    assert {found["name"] for found in ran.json["invariants"]} >= {"rows", "call_jobs", "slots"}
    assert "Everything is accounted for." in cli("audit").out


def test_data_path_and_remove(cli: Cli, tmp_path: Path) -> None:
    assert cli("data", "path").out == f"{tmp_path / 'data'}\n"
    assert cli("data", "remove").code == 0
    (tmp_path / "data").mkdir()
    assert cli("data", "remove").code == 2
    assert cli("data", "path", "--json").json == {"path": str(tmp_path / "data"), "exists": True}


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out.startswith("dialer ")
    help_page = cli("--help").out
    for command in ("campaign", "trunk", "contact", "doctor", "audit", "data", "up", "demo"):
        assert f"\n  {command} " in help_page


def test_livekit_clouds_quota_is_recommended_until_one_is_set(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.commands.doctor.is_cloud", lambda url: True)
    assert "dialer livekit edit --requests-per-minute 1000" in cli("doctor", "--json").out
    cli("livekit", "edit", "--requests-per-minute", "500")
    assert "requests-per-minute" not in cli("doctor", "--json").out
    cli("livekit", "edit", "--requests-per-minute", "none")
