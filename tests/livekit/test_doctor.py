"""``dialer doctor`` at the real server and at the simulator, with our web process and a ledger of its own."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dialer.actions.check_webhook import WITHIN_SECONDS
from tests.console.conftest import as_url
from tests.console.running import CLEAN
from tests.livekit import stage
from tests.livekit.conftest import OpenPlace
from tests.livekit.place import Place
from tests.livekit.processes import web_process
from tests.livekit.programs import REPOSITORY
from tests.livekit.servers import API_KEY, API_SECRET, LOCALHOST, free_port

pytestmark = pytest.mark.livekit

WRONG_SECRET = "another secret, long enough for HS256 as well"
NOBODY = "nobody-serves-this"
START_SECONDS = 20.0  # of the doctor itself, on a busy machine


@dataclass(frozen=True)
class Examined:
    """What doctor said: its exit code, what it found by what it looked at, and how long it took."""

    code: int | None
    findings: dict[str, dict[str, Any]]
    seconds: float


@dataclass(frozen=True)
class Practice:
    """Our installation with its own ledger."""

    variables: dict[str, str]
    web_port: int

    @property
    def webhook_url(self) -> str:
        """Where our web process takes webhooks."""
        return f"http://{LOCALHOST}:{self.web_port}/webhooks/livekit"

    def at(self, place: Place, *, secret: str = API_SECRET) -> dict[str, str]:
        """The environment of our processes with this LiveKit."""
        return self.variables | {
            "LIVEKIT_URL": place.url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": secret,
            "DIALER_WEB_PORT": str(self.web_port),
        }

    async def examine(self, place: Place, *agents: str, secret: str = API_SECRET) -> Examined:
        """Run ``dialer doctor``, with ``--agent`` for each of these."""
        began = time.monotonic()
        doctor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.cli", "doctor", "--json"),
            *(word for name in agents for word in ("--agent", name)),
            cwd=REPOSITORY,
            env=CLEAN | self.at(place, secret=secret),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await doctor.communicate()
        findings = {finding["what"]: finding for finding in json.loads(said)["findings"]}
        return Examined(doctor.returncode, findings, time.monotonic() - began)


@pytest.fixture
def practice(database_url: str, redis_url: str, tmp_path: Path) -> Practice:
    stores = {"DIALER_DATA": str(tmp_path / "data"), "DATABASE_URL": as_url(database_url), "REDIS_URL": redis_url}
    return Practice(stores, free_port())


async def rooms(place: Place) -> list[str]:
    """Every room that there is."""
    _, answer = await place.post("RoomService/ListRooms", {})
    return [room["name"] for room in answer["rooms"]]


async def test_doctor_is_content_with_a_livekit_that_is_well(place: Place, practice: Practice) -> None:
    examined = await practice.examine(place)

    assert [examined.findings[what]["level"] for what in ("LiveKit", "LiveKit's clock", "LiveKit SIP")] == ["ok"] * 3


async def test_doctor_says_which_key_to_set_when_livekit_refuses_ours(place: Place, practice: Practice) -> None:
    examined = await practice.examine(place, secret=WRONG_SECRET)

    assert examined.findings["LiveKit"]["level"] == "error"
    assert "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET" in json.dumps(examined.findings["LiveKit"])
    assert "eyJ" not in json.dumps(examined.findings)


async def test_doctor_sees_livekit_s_own_webhook_arrive_at_our_web_process(
    open_place: OpenPlace, practice: Practice
) -> None:
    async with open_place(practice.webhook_url) as place, web_process(practice.at(place)):
        examined = await practice.examine(place)
        left_over = await rooms(place)

    assert examined.findings["webhooks"]["level"] == "ok"
    assert "LiveKit told of a new room after" in examined.findings["webhooks"]["message"]
    assert left_over == []


@pytest.mark.parametrize(
    ("path", "secret_of_web", "message", "todo"),
    [
        pytest.param(
            "/somewhere/else",
            API_SECRET,
            "no webhook came within 10 s",
            "urls: [{webhook_url}], api_key:",
            id="they go to another address",
        ),
        pytest.param(
            "/webhooks/livekit",
            WRONG_SECRET,
            "their signature is not ours",
            "webhook.api_key has to be our LIVEKIT_API_KEY",
            id="their signature is not ours",
        ),
    ],
)
async def test_doctor_says_what_to_set_at_livekit_when_no_good_webhook_comes(
    open_place: OpenPlace, practice: Practice, path: str, secret_of_web: str, message: str, todo: str
) -> None:
    told_to = f"http://{LOCALHOST}:{practice.web_port}{path}"
    async with open_place(told_to) as place, web_process(practice.at(place, secret=secret_of_web)):
        examined = await practice.examine(place)
        left_over = await rooms(place)

    assert examined.findings["webhooks"]["level"] == "warning"  # asking the rooms goes on
    assert message in examined.findings["webhooks"]["message"]
    assert todo.format(webhook_url=practice.webhook_url) in examined.findings["webhooks"]["todo"]
    assert left_over == []


async def test_doctor_sees_an_agent_come_when_it_is_sent_for(place: Place, practice: Practice) -> None:
    async with stage.agent(place) as agent_name:
        examined = await practice.examine(place, agent_name)
        left_over = await rooms(place)

    assert examined.findings[f"agent {agent_name}"]["level"] == "ok"
    assert "came into its room after" in examined.findings[f"agent {agent_name}"]["message"]
    assert left_over == []


async def test_doctor_gives_up_on_an_agent_that_nobody_serves_and_says_what_to_start(
    place: Place, practice: Practice
) -> None:
    examined = await practice.examine(place, NOBODY)
    left_over = await rooms(place)

    assert (examined.code, examined.findings[f"agent {NOBODY}"]["level"]) == (1, "error")
    assert f"start the worker that registers as '{NOBODY}'" in examined.findings[f"agent {NOBODY}"]["todo"]
    assert WITHIN_SECONDS <= examined.seconds < WITHIN_SECONDS + START_SECONDS
    assert left_over == []
