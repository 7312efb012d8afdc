"""The simulator is never what a benchmark measures."""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest
from livekit import api

from tests.simulator.conftest import API_KEY, API_SECRET, Sink, dial_request

pytestmark = [pytest.mark.wire, pytest.mark.load]

REPOSITORY = Path(__file__).parents[2]
DIALS = 4_000
RINGING_AT_ONCE = 5_000
LEAST_DIALS_PER_CPU_SECOND = 1_000
DIALS_WITH_WEBHOOKS = 1_000
EVENTS_OF_A_DIAL = 6
LEAST_DIALS_PER_CPU_SECOND_WITH_WEBHOOKS = 400


@dataclass(frozen=True)
class Process:
    """A simulator of its own, so that its processor time can be told from the test's."""

    url: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    """One simulator in which a second lasts 50 ms; this process may hold as many connections as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    keys = ["--api-key", API_KEY, "--api-secret", API_SECRET]
    command = [sys.executable, "-m", "simulator", "--port", "0", "--speed", "20", *keys, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        try:
            yield Process(json.loads(process.stdout.readline())["url"], process.pid)
        finally:
            process.terminate()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def simulator() -> Iterator[Process]:
    with running() as process:
        yield process


async def dial(session: aiohttp.ClientSession, url: str, number: str, room: str, *, ring: float) -> int:
    """One dial in protobuf; the HTTP status of its answer."""
    token = api.AccessToken(API_KEY, API_SECRET).with_sip_grants(api.SIPGrants(call=True)).to_jwt()
    async with session.post(
        f"{url}/twirp/livekit.SIP/CreateSIPParticipant",
        data=dial_request(number, room=room, ring=ring).SerializeToString(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/protobuf"},
    ) as answer:
        return answer.status


async def dial_busy_numbers(url: str, *, dials: int) -> None:
    """So many dials, fifty at a time."""
    rooms = iter(range(dials))
    async with aiohttp.ClientSession() as session:

        async def dial_one_after_the_other() -> None:
            for room in rooms:
                assert await dial(session, url, "+12125550486", str(room), ring=30) == 429

        await asyncio.gather(*(dial_one_after_the_other() for _ in range(50)))


async def test_a_thousand_busy_answers_cost_less_than_a_second_of_one_core(simulator: Process) -> None:
    before = simulator.cpu_seconds
    await dial_busy_numbers(simulator.url, dials=DIALS)
    assert simulator.cpu_seconds - before < DIALS / LEAST_DIALS_PER_CPU_SECOND


async def test_the_webhooks_of_a_call_cost_little(sink: Sink) -> None:
    with running("--webhook-url", sink.url) as simulator:
        before = simulator.cpu_seconds
        await dial_busy_numbers(simulator.url, dials=DIALS_WITH_WEBHOOKS)
        await sink.has(lambda sink: len(sink.events) == DIALS_WITH_WEBHOOKS * EVENTS_OF_A_DIAL)
        spent = simulator.cpu_seconds - before
    assert spent < DIALS_WITH_WEBHOOKS / LEAST_DIALS_PER_CPU_SECOND_WITH_WEBHOOKS


async def test_thousands_ring_at_once(simulator: Process) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        dials = [dial(session, simulator.url, "+12125550000", str(room), ring=79) for room in range(RINGING_AT_ONCE)]
        assert set(await asyncio.gather(*dials)) == {408}
        async with session.get(f"{simulator.url}/carrier/record") as answer:
            assert (await answer.json())["most_calls"] == RINGING_AT_ONCE
