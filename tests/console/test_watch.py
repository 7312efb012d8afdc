"""A campaign that is really called, and how ``watch``, ``show``, ``explain`` and ``results`` tell it."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.console.conftest import Start

pytestmark = pytest.mark.journey

RETRY = '[delays]\nbusy = ["1s"]\n'
PEOPLE = "phone,name\n+12125550211,Ada\n+12125550221,Bob\n+12125550486,Eve\n"
LIMITS = ("--calls-per-second", "20", "--max-concurrent-calls", "10", "--caller-id", "+15550001000")


class Shell:
    """Runs commands one after another, to their ends."""

    def __init__(self, start: Start, environment: dict[str, str]) -> None:
        self._start, self._environment = start, environment

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        command = self._start(*arguments, environment=self._environment)
        assert await command.over(seconds=60) == code, command.err
        self.err = command.err
        return command.out

    async def start_campaign(self, name: str, *, trunk: str) -> None:
        await self("trunk", "add", name, "--livekit-trunk", trunk, *LIMITS)
        await self("campaign", "create", name, "--trunk", name, "--retry", "retry.toml", "--max-attempts", "2")
        await self("campaign", "import", name, "people.csv")
        await self("campaign", "start", name, "--yes")


@pytest.fixture
def shell(start: Start, environment: dict[str, str], folder: Path) -> Shell:
    (folder / "retry.toml").write_text(RETRY)
    (folder / "people.csv").write_text(PEOPLE)
    return Shell(start, environment)


async def test_watch_until_finished(shell: Shell, start: Start, environment: dict[str, str]) -> None:
    await shell.start_campaign("may", trunk="ST_simulated")
    start("up", environment=environment)
    told = await shell("campaign", "watch", "may", "--until-finished")
    assert "running: waiting" in told
    assert "holding back: " in told
    assert "Campaign may is finished, after " in told
    assert "2 of 3 people reached (67 %)." in told

    standing = json.loads(await shell("campaign", "show", "may", "--json"))
    assert standing["call_jobs"] == {"waiting": 0, "queued": 0, "in_progress": 0, "finished": 3}
    assert standing["outcomes"] == {"answered": 2, "busy": 2}
    assert standing["finish_reasons"] == {"reached": 2, "exhausted": 1}

    story = await shell("contact", "explain", "may", "+1 (212) 555-0486")
    for part in ("Attempt 2", "SIP 486 Busy Here (rule sip_486)", "finished, exhausted", "nothing: no further attempt"):
        assert part in " ".join(story.split())

    rows = list(csv.DictReader(io.StringIO(await shell("campaign", "results", "may"))))
    assert [(row["name"], row["finish_reason"], row["attempts"]) for row in rows] == [
        ("Ada", "reached", "1"),
        ("Bob", "reached", "1"),
        ("Eve", "exhausted", "2"),
    ]
    assert "Everything is accounted for." in await shell("audit")


async def test_watching_a_campaign_whose_trunk_is_held(shell: Shell, start: Start, environment: dict[str, str]) -> None:
    await shell.start_campaign("may", trunk="ST_noauth")
    start("up", environment=environment)
    told = await shell("campaign", "watch", "may", "--until-finished", code=4)
    assert "the carrier wants a user and password" in " ".join(told.split())
    assert "held: " in shell.err
    assert json.loads(await shell("trunk", "show", "may", "--json"))["breaker"]["state"] == "held"
    await shell("trunk", "resume", "may")
    if json.loads(await shell("campaign", "show", "may", "--json"))["state"] == "held":  # its third number failed, too
        await shell("campaign", "resume", "may")
    assert json.loads(await shell("campaign", "show", "may", "--json"))["held_reason"] is None
