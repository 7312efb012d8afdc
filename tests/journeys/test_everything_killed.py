"""kill -9 of everything, servers included, in mid-campaign; then everything is started again."""

import asyncio
import re
import socket
import tempfile
from pathlib import Path

import aiohttp
import psutil
import pytest

from console.servers import servers
from dialer.config import read_settings
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.reports import report_campaign
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from tests.faults.chaos import Chaos, Crew, Plan, environment_of, fill_ledger, judge, start_simulator

pytestmark = pytest.mark.fault

PLAN = Plan(contacts=80, kills=0, every_seconds=0, calls_per_second=20, seed=3, limit_seconds=120, callers=2)


async def test_no_counter_loses_or_doubles_anything_and_everybody_is_finished() -> None:
    chaos = Chaos()
    simulator, url = start_simulator(PLAN)
    try:
        with tempfile.TemporaryDirectory(prefix="dialer-killed-") as folder:
            await first_life(Path(folder), url, chaos)
            counted = await second_life(Path(folder), url, chaos)
    finally:
        simulator.terminate()
        simulator.wait(10)

    assert chaos.call_jobs["finished"] == 80
    assert chaos.broken_invariants == []
    assert chaos.rooms_dialed_twice == []
    assert chaos.rooms_unknown == []
    assert counted == chaos.outcomes
    assert chaos.worst_second <= PLAN.calls_per_second


async def first_life(folder: Path, simulator_url: str, chaos: Chaos) -> None:
    """Until some people were called; then not a process is left."""
    settings = read_settings({"DIALER_DATA": str(folder)})
    with servers(settings) as urls:
        migrate(urls.database_url)
        ledger = Ledger(urls.database_url, name="first-life")
        await ledger.open()
        crew = Crew(environment_of(folder, urls, simulator_url), PLAN, chaos, ledger)
        await fill_ledger(ledger, PLAN)
        crew.start()
        async with asyncio.timeout(60):
            while (await report_campaign(ledger, 1)).attempts < 30:
                await asyncio.sleep(0.1)
        crew.kill_all()
        for process in psutil.process_iter(["cwd"]):
            if Path(process.info["cwd"] or "/").is_relative_to(folder):
                process.kill()
        await ledger.close()


async def second_life(folder: Path, simulator_url: str, chaos: Chaos) -> dict[str, int]:
    """To the end; returns what the exporter counts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = read_settings({"DIALER_DATA": str(folder)})
    with servers(settings) as urls:
        ledger = Ledger(urls.database_url, name="second-life")
        await ledger.open()
        crew = Crew(environment_of(folder, urls, simulator_url), PLAN, chaos, ledger, metrics_port=port)
        crew.start()
        try:
            async with asyncio.timeout(PLAN.limit_seconds):
                while (await find_campaign(ledger, "campaign")).state.value != "finished":
                    await asyncio.sleep(0.2)
            await judge(ledger, urls.redis_url, simulator_url, chaos)
            return await exported(f"http://127.0.0.1:{port}/metrics")
        finally:
            crew.stop()
            await ledger.close()


async def exported(url: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
    found = re.findall(r'dialer_call_attempts_total{.*outcome="(\w+)".*} ([\d.]+)', text)
    return {outcome: int(float(value)) for outcome, value in found if float(value)}
