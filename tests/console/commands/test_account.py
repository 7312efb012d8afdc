"""``dialer account`` and ``dialer livekit``."""

import pytest

from tests.console.commands.conftest import LIMITS, Cli

pytestmark = pytest.mark.journey


def test_add_list_show_edit_remove(cli: Cli, name: str, trunk: str) -> None:
    added = cli("account", "add", name, "--calls-per-second", "0.5", "--max-concurrent-calls", "100", "--json")
    assert added.json == {"name": name, "calls_per_second": 0.5, "max_concurrent_calls": 100, "trunks": []}
    assert cli("trunk", "edit", trunk, "--account", name).code == 0
    assert trunk in cli("account", "show", name).out
    edited = cli("account", "edit", name, "--calls-per-second", "none", "--json")
    assert edited.json == {**added.json, "calls_per_second": None, "trunks": [trunk]}
    assert name in [each["name"] for each in cli("account", "list", "--json").json]
    assert "no limit" in cli("account", "list").out
    refused = cli("account", "remove", name)
    assert (refused.code, f"account {name!r} has trunks: {trunk}" in refused.err) == (2, True)
    cli("trunk", "edit", trunk, "--account", "none")
    assert cli("account", "remove", name).code == 0


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--calls-per-second", "0"), "must be above 0, not 0"),
        (("--calls-per-second", "nan"), "must be above 0, not nan"),
        (("--calls-per-second", "-inf"), "must be above 0, not -inf"),
        (("--calls-per-second", "fast"), "--calls-per-second 'fast' is not a number"),
        (("--max-concurrent-calls", "0"), "concurrent calls must be from 1"),
        (("--max-concurrent-calls", "1.5"), "'1.5' is not a whole number"),
        ((), "would limit nothing"),
    ],
)
def test_refused(cli: Cli, options: tuple[str, ...], part: str) -> None:
    ran = cli("account", "add", "bad", *options)
    assert (ran.code, ran.out) == (2, "")
    assert part in ran.err
    assert "\nhint: " in ran.err


def test_a_quota_of_livekits_is_set_and_taken_away(cli: Cli) -> None:
    assert cli("livekit", "show", "--json").json["requests_per_minute"] is None
    assert cli("livekit", "edit", "--requests-per-minute", "1000", "--json").json == {"requests_per_minute": 1000.0}
    assert "1000 at most" in cli("livekit", "show").out
    assert cli("livekit", "edit", "--requests-per-minute", "none").code == 0
    assert "no limit is known" in cli("livekit", "show").out


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "many"])
def test_a_quota_that_is_none_is_refused(cli: Cli, text: str) -> None:
    ran = cli("livekit", "edit", "--requests-per-minute", text)
    assert ran.code == 2
    assert "requests" in ran.err
    assert "\nhint: " in ran.err


@pytest.mark.parametrize(
    ("url", "recommended"),
    [("wss://acme.livekit.cloud", True), ("ws://127.0.0.1:7880", False), ("wss://livekit.cloud.example.com", False)],
)
def test_livekit_clouds_quota_is_recommended_and_not_set(cli: Cli, url: str, recommended: bool) -> None:
    ran = cli("livekit", "show", env={"LIVEKIT_URL": url})
    assert ("dialer livekit edit --requests-per-minute 1000" in ran.err) is recommended
    assert cli("livekit", "show", "--json").json["requests_per_minute"] is None


def test_an_account_that_is_not_there_is_refused(cli: Cli, name: str) -> None:
    ran = cli("trunk", "add", name, "--livekit-trunk", "ST_noauth", *LIMITS, "--account", "gone")
    assert ran.code == 2
    assert "there is no account named 'gone'" in ran.err
