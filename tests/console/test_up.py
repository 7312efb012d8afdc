"""``dialer up``: what it keeps running, what it refuses, and how it ends, however it is ended."""

import signal
import socket
import time
from pathlib import Path

import pytest

from dialer.config import Settings
from dialer.domain.campaign import CampaignState
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.session import Ledger
from tests.console.conftest import Start, invites
from tests.console.running import Running, until
from tests.console.servers.conftest import server_processes
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.fault

RINGS_FOR_EVER = "000"
ANSWERS_AND_STAYS = "210"


def numbers(ending: str, count: int) -> list[str]:
    """Numbers that all do what their last three digits say."""
    return [f"+1{area_code}5550{ending}" for area_code in range(201, 201 + count)]


async def is_up(start: Start, environment: dict[str, str]) -> Running:
    command = start("up", environment=environment)
    await command.has_said("Ctrl-C stops it")
    return command


async def test_a_second_up_is_refused_and_told_of_the_first(start: Start, environment: dict[str, str]) -> None:
    first = await is_up(start, environment)
    second = start("up", environment=environment)
    assert await second.over() == 2
    assert f"already running for {environment['DIALER_DATA']} (process {first.pid})" in second.err


async def test_without_livekit_it_says_what_to_set(start: Start, folder: Path) -> None:
    command = start("up", environment={"DIALER_DATA": str(folder)})
    assert await command.over() == 2
    assert "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set" in command.err


async def test_a_killed_child_comes_back_and_all_leave_with_up(start: Start, environment: dict[str, str]) -> None:
    up = await is_up(start, environment)
    killed = up.children()["caller"]
    killed.kill()
    await up.has_said("caller was ended by SIGKILL; it starts again in 0.5 s")
    await until(lambda: "caller" in up.children() and up.children()["caller"] != killed)
    children = up.children()
    assert children.keys() == {"feeder", "rescuer", "exporter", "clerk", "web", "caller"}
    up.send(signal.SIGTERM)
    assert await up.over() == 0
    assert not any(child.is_running() for child in children.values())


async def test_a_child_that_cannot_start_ends_up_and_says_why(start: Start, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = start("up", environment={**environment, "DIALER_METRICS_PORT": str(port)})
        assert await up.over() == 1
    assert f"exporter cannot start: metrics cannot be served on 127.0.0.1:{port}" in up.err
    assert "error: the exporter cannot start" in up.err


async def ringing_campaign(ledger: Ledger, *, ending: str, count: int) -> None:
    """A running campaign whose phones ring for 3 s (60 s of life), or whatever ``ending`` says."""
    trunk = await make_trunk(ledger, calls_per_second=20)
    campaign = await make_campaign(ledger, trunk, numbers=numbers(ending, count), state=CampaignState.DRAFT)
    await ledger.changed(
        """UPDATE campaigns SET ringing_timeout_seconds = 60, talk_limit_seconds = 20, state = 'running'
        WHERE id = %(id)s""",
        {"id": campaign.id},
    )


async def is_finished(ledger: Ledger) -> bool:
    return (await find_campaign(ledger, "campaign")).state is CampaignState.FINISHED


async def count_attempts(ledger: Ledger, state: str) -> int:
    row = await ledger.row("SELECT count(*) AS n FROM attempts WHERE state = %(state)s", {"state": state})
    assert row is not None
    return int(row["n"])


async def test_ctrl_c_begins_no_call_and_waits_for_those_that_ring(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await ringing_campaign(ledger, ending=RINGS_FOR_EVER, count=90)
    up = await is_up(start, environment)
    await until(lambda: len(invites(simulator)) >= 5)
    up.send(signal.SIGINT)
    asked_at = time.time()
    assert await up.over() == 0
    seen = invites(simulator)
    assert len(seen) < 90
    assert all(invite["at"] < asked_at + 0.5 for invite in seen)
    assert await count_attempts(ledger, "ended") >= len(seen)
    assert await count_attempts(ledger, "dialing") == 0
    assert "still ringing; Ctrl-C again does not wait" in up.err
    assert up.err.endswith("The dialer has stopped.\n")


async def test_a_second_ctrl_c_does_not_wait(
    start: Start, environment: dict[str, str], simulator: str, ledger: Ledger
) -> None:
    await ringing_campaign(ledger, ending=RINGS_FOR_EVER, count=20)
    up = await is_up(start, environment)
    await until(lambda: len(invites(simulator)) >= 5)
    up.send(signal.SIGINT)
    await up.has_said("still ringing")
    up.send(signal.SIGINT)
    assert await up.over() == 130
    assert await count_attempts(ledger, "dialing") > 0
    assert "asks LiveKit before it dials again" in up.err


async def test_answered_calls_are_followed_by_the_next_up(
    start: Start, environment: dict[str, str], ledger: Ledger
) -> None:
    await ringing_campaign(ledger, ending=ANSWERS_AND_STAYS, count=3)
    first = await is_up(start, environment)

    async def all_talk() -> bool:
        return await count_attempts(ledger, "answered") == 3

    await until(all_talk)
    first.send(signal.SIGTERM)
    assert await first.over() == 0
    assert "3 calls are answered and not over" in first.err
    await is_up(start, environment)
    await until(lambda: is_finished(ledger))
    rows = await ledger.rows("SELECT outcome, talk_seconds FROM attempts")
    assert [row["outcome"] for row in rows] == ["answered"] * 3
    assert all(row["talk_seconds"] > 20 for row in rows)


async def test_after_a_kill_of_up_its_children_are_gone_and_the_next_one_works(
    start: Start, environment: dict[str, str], simulator: str
) -> None:
    """With the embedded servers, which outlive the kill and are used and stopped by the next one."""
    own = {name: value for name, value in environment.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    up = await is_up(start, own)
    children = up.children()
    up.kill()
    await until(lambda: not any(child.is_running() for child in children.values()))
    assert len(children) == 6
    again = await is_up(start, own)
    again.send(signal.SIGTERM)
    assert await again.over() == 0
    assert server_processes(Settings(data=Path(own["DIALER_DATA"]))) == []
