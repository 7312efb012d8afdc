"""``dialer reclassify``: what it tells, and what it writes."""

from pathlib import Path

import psycopg
import pytest

from tests.console.commands.conftest import Cli

pytestmark = pytest.mark.journey

EVIDENCE = '{"reply": "refused", "http_status": 429, "sip_code": 486, "sip_status": "Busy Here", "seconds": 1.5}'


@pytest.fixture
def campaign(cli: Cli, name: str, tmp_path: Path, ledger_url: str) -> str:
    """A campaign whose one attempt was judged by a rule that is no more."""
    (tmp_path / "people.csv").write_text("phone\n+12125550100\n")
    cli("campaign", "create", name)
    cli("campaign", "import", name, "people.csv")
    with psycopg.connect(ledger_url, autocommit=True) as ledger:
        ledger.execute(
            """INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, ringing_timeout_seconds,
                   talk_limit_seconds, state, ended_at, outcome, blame, counted, sent, rang, rule, evidence)
               SELECT gen_random_uuid(), j.id, j.campaign_id, 1, j.number, 30, 60, 'ended', now(), 'unknown', 'unknown',
                      true, true, false, 'of_old', %s
               FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id WHERE c.name = %s""",
            (EVIDENCE, name),
        )
    return name


def test_it_tells_and_with_apply_it_writes(cli: Cli, campaign: str) -> None:
    told = cli("reclassify", campaign)
    assert (told.code, "1 attempts have ended" in told.out, "of_old" in told.out) == (0, True, True)
    assert "Nothing was changed; --apply" in told.err

    applied = cli("reclassify", campaign, "--apply", "--json")
    assert (applied.json["different"], applied.json["corrected"]) == (1, 1)
    [change] = applied.json["changes"]
    assert (change["outcome_before"], change["rule_before"], change["outcome"]) == ("unknown", "of_old", "busy")
    assert change["examples"][0]["number"] == "+12125550100"
    assert "1 attempts were corrected. Call jobs stay as they are." in applied.err

    assert cli("reclassify", campaign, "--json").json["same"] == 1
    assert cli("campaign", "show", campaign, "--json").json["call_jobs"]["waiting"] == 1


def test_a_campaign_without_attempts_says_so(cli: Cli, name: str) -> None:
    cli("campaign", "create", name)
    ran = cli("reclassify", name)
    assert (ran.code, ran.out, "No attempt has ended yet." in ran.err) == (0, "", True)


def test_a_campaign_that_is_not_there_is_refused(cli: Cli) -> None:
    ran = cli("reclassify", "gone")
    assert (ran.code, "no campaign named 'gone'" in ran.err) == (2, True)
