"""One campaign twice, for the same invented people: with LiveKit's webhooks, and asking the rooms instead.

``python -m tests.journeys.both_ways --contacts 1000`` is the long run; ``test_both_ways.py`` a short one.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp

from console.servers import servers
from dialer.config import read_settings
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from tests.factories import make_campaign, make_trunk
from tests.faults.chaos import AREA_CODES, POLICY, SPEED, environment_of

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 600
#: What differs between two codes of one kind of failure is whether the phone rang.
BY_RINGING = {"no_answer", "unavailable", "trunk_failure", "rejected", "unknown"}


@dataclass(slots=True)
class Way:
    """How a campaign went, by number."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    freed_seconds: list[float] = field(default_factory=list)  #: from the callee's leaving to the settlement
    rooms_left: list[str] = field(default_factory=list)
    agents_alone: int = 0
    callees_alone: int = 0
    webhooks: dict[str, Any] = field(default_factory=dict)
    state: str = ""


async def go(*, contacts: int, seed: int, webhooks: bool, agent: str | None, calls_per_second: float = 20.0) -> Way:
    """Run the campaign to its end on processes of its own."""
    port = _free_port() if webhooks else 0
    with tempfile.TemporaryDirectory(prefix="dialer-ways-") as folder:
        settings = read_settings({"DIALER_DATA": folder})
        with servers(settings) as urls, _simulator(seed, port) as url:
            migrate(urls.database_url)
            environment = {
                **environment_of(Path(folder), urls, url),
                "DIALER_WEB_PORT": str(port),
                "DIALER_LOOK_SECONDS": "0.5",
                "DIALER_GONE_SECONDS": "0.5",
            }
            kinds = ["workers.feeder", "workers.rescuer", "workers.caller"]
            with _processes(
                Path(folder), environment, [*kinds, *(["workers.clerk", "console.web"] if webhooks else [])]
            ):
                return await _follow(urls.database_url, url, contacts, agent, calls_per_second)


async def _follow(database_url: str, url: str, contacts: int, agent: str | None, calls_per_second: float) -> Way:
    ledger = Ledger(database_url, name="both-ways")
    await ledger.open()
    try:
        trunk = await make_trunk(
            ledger, calls_per_second=calls_per_second, max_concurrent_calls=round(calls_per_second * 10)
        )
        numbers = [f"+1{code}5550{line}" for line in range(100, 200) for code in AREA_CODES][:contacts]
        await make_campaign(
            ledger, trunk, numbers=numbers, max_attempts=3, policy=POLICY, agent_name=agent, time_zone="UTC"
        )
        async with asyncio.timeout(LIMIT_SECONDS):
            while (state := (await find_campaign(ledger, "campaign")).state.value) not in ("finished", "held"):
                await asyncio.sleep(0.2)
        return await _way(ledger, url, state)
    finally:
        await ledger.close()


async def _way(ledger: Ledger, url: str, state: str) -> Way:
    rows = await ledger.rows(
        """SELECT j.number, j.finish_reason, j.attempts_counted, count(a.id) FILTER (WHERE a.sent) AS attempts,
                  count(*) FILTER (WHERE a.outcome = 'answered') AS answered,
                  json_agg(json_build_array(a.outcome, a.rang, a.sip_code, a.talk_seconds, a.rule, a.ended_by,
                                            a.report) ORDER BY a.claimed_at) FILTER (WHERE a.sent) AS story
           FROM call_jobs j LEFT JOIN attempts a ON a.call_job_id = j.id GROUP BY j.id"""
    )
    freed = await ledger.rows(
        """SELECT extract(epoch FROM a.ended_at - min(e.received_at))::float8 AS seconds
           FROM attempts a JOIN events e ON e.attempt_id = a.id AND e.event = 'participant_left' AND e.kind = 'SIP'
           WHERE a.outcome = 'answered' GROUP BY a.id"""
    )
    inside = await _emptied(url)
    return Way(
        rows={row["number"]: row for row in rows},
        freed_seconds=[row["seconds"] for row in freed],
        rooms_left=[room["name"] for room in inside["rooms"] if not room["name"].endswith("-sentinel")],
        agents_alone=inside["agents_alone_now"],
        callees_alone=inside["callees_alone_now"],
        webhooks=await _page(url, "webhooks"),
        state=state,
    )


async def _emptied(url: str) -> dict[str, Any]:
    """The rooms, once LiveKit has closed those that everybody left; what is there after 20 s was left over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 20
    while True:
        inside = await _page(url, "rooms?alone_seconds=3")
        if loop.time() > end or all(room["name"].endswith("-sentinel") for room in inside["rooms"]):
            return inside
        await asyncio.sleep(0.2)


async def _page(url: str, name: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/carrier/{name}") as answer:
        found: dict[str, Any] = await answer.json(content_type=None)
        return found


def differences(one: Way, other: Way) -> tuple[list[str], list[str]]:
    """Numbers whose rows differ: only through whether a phone rang, and otherwise.

    Attempts that were not sent (a turn missed on a busy machine) are nobody's call, and left out.
    """
    by_ringing: list[str] = []
    others: list[str] = []
    for number, row in one.rows.items():
        twin = other.rows[number]
        if _facts(row) == _facts(twin):
            continue
        pairs = zip(row["story"] or [], twin["story"] or [], strict=False)
        first = next((pair for pair in pairs if _end(pair[0]) != _end(pair[1])), None)
        is_ringing = first is not None and first[0][2] == first[1][2] and {first[0][0], first[1][0]} <= BY_RINGING
        (by_ringing if is_ringing else others).append(number)
    return by_ringing, others


def _end(attempt: list[Any]) -> tuple[Any, ...]:
    """Outcome and whether it rang."""
    return attempt[0], attempt[1]


def _facts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["finish_reason"], row["attempts"], row["answered"]


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50 and p99, in seconds."""
    if len(seconds) < 2:
        return {}
    cuts = quantiles(seconds, n=100)
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _simulator(seed: int, web_port: int) -> Iterator[str]:
    flags = ["--port=0", f"--speed={SPEED}", "--token-leeway=6", f"--seed={seed}", "--callback-after=3"]
    if web_port:
        flags.append(f"--webhook-url=http://127.0.0.1:{web_port}/webhooks/livekit")
    process = subprocess.Popen([sys.executable, "-m", "simulator", *flags], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _processes(folder: Path, environment: dict[str, str], modules: list[str]) -> Iterator[None]:
    keep = os.environ.get("BOTH_WAYS_LOG")
    with (Path(keep) if keep else folder / "workers.log").open("ab") as log:
        started = [
            subprocess.Popen([sys.executable, "-m", module], env=environment, stderr=log, cwd=ROOT)
            for module in modules
        ]
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)


async def compare(*, contacts: int, seed: int, agent: str | None) -> dict[str, Any]:
    """Both ways, one after the other, and what differs."""
    told = await go(contacts=contacts, seed=seed, webhooks=True, agent=agent)
    asked = await go(contacts=contacts, seed=seed, webhooks=False, agent=agent)
    by_ringing, others = differences(told, asked)
    return {
        "contacts": contacts,
        "states": [told.state, asked.state],
        "differ_only_by_ringing": len(by_ringing),
        "differ_otherwise": [(number, told.rows[number]["story"], asked.rows[number]["story"]) for number in others],
        "freed_after_the_news": percentiles(told.freed_seconds),
        "answered_told": len(told.freed_seconds),
        "rooms_left": [told.rooms_left, asked.rooms_left],
        "agents_alone": [told.agents_alone, asked.agents_alone],
        "callees_alone": [told.callees_alone, asked.callees_alone],
        "webhooks": told.webhooks,
    }


def main() -> None:
    """The long run: prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--agent")
    given = parser.parse_args()
    found = asyncio.run(compare(contacts=given.contacts, seed=given.seed, agent=given.agent))
    print(json.dumps(found, indent=2, default=str))  # noqa: T201 - the report is what this program is for


if __name__ == "__main__":
    main()
