"""A campaign under kill -9: callers, feeders and rescuers die at random, and nobody is lost or dialed twice.

``python -m tests.faults.chaos --contacts 2000 --kills 36`` is the long run; ``tests/faults/test_chaos.py`` a short one.
Fence and leases are shortened tenfold, and the simulated LiveKit's leeway with them; the ladder is in seconds.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from console.servers import ServerUrls, servers
from dialer.actions.audit_ledger import audit
from dialer.config import read_settings
from dialer.domain.outcome import Outcome
from dialer.domain.retry_policy import RetryPolicy
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.reports import report_campaign
from dialer.ledger.schema import migrate
from dialer.ledger.session import Ledger
from dialer.limits.call_slots import CallSlots
from dialer.limits.redis_session import RedisSession
from tests.factories import make_campaign, make_trunk

FENCE_SCALE = 0.1
SPEED = 20.0
LADDER = (timedelta(seconds=1), timedelta(seconds=2))
#: Their 555-01XX is reserved for fiction.
AREA_CODES = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228)
#: Every retry comes in seconds, also that of outcomes that are not counted.
RETRIED = [outcome for outcome in Outcome if outcome not in {Outcome.UNWANTED, Outcome.BLOCKED, Outcome.ANSWERED}]
POLICY = RetryPolicy(max_per_24h=0, max_per_7d=0, delays=dict.fromkeys(RETRIED, LADDER), voicemail=LADDER)


@dataclass(slots=True)
class Chaos:
    """What happened, for the report and the assertions."""

    kills: Counter[str] = field(default_factory=Counter)
    callers_killed_with_open_posts: int = 0
    attempts_open_at_kills: int = 0
    seconds: float = 0.0
    finished: bool = False
    call_jobs: dict[str, int] = field(default_factory=dict)
    finish_reasons: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, int] = field(default_factory=dict)
    broken_invariants: list[str] = field(default_factory=list)
    invites: int = 0
    rooms_dialed_twice: list[str] = field(default_factory=list)
    rooms_unknown: list[str] = field(default_factory=list)
    overlapping_attempts: int = 0
    worst_second: int = 0
    most_calls: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How long and how hard."""

    contacts: int
    kills: int
    every_seconds: float
    calls_per_second: float
    seed: int
    limit_seconds: float
    callers: int = 3


class Crew:
    """The workers, and who kills and restarts them."""

    def __init__(
        self, environment: dict[str, str], plan: Plan, chaos: Chaos, ledger: Ledger, *, metrics_port: int = 0
    ) -> None:
        self._environment = {**environment, "DIALER_METRICS_PORT": str(metrics_port)}
        self._kinds = ["feeder", "rescuer", *["caller"] * plan.callers, *(["exporter"] if metrics_port else [])]
        self._plan = plan
        self._chaos = chaos
        self._ledger = ledger
        self._chance = random.Random(plan.seed)
        self._workers: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._log = os.open(Path(environment["DIALER_DATA"], "workers.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def start(self) -> None:
        for kind in self._kinds:
            self._workers.append((kind, self._spawn(kind)))

    def _spawn(self, kind: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"workers.{kind}"], env=self._environment, stderr=self._log, cwd=_ROOT
        )

    async def kill_one(self) -> None:
        """kill -9 somebody, callers twice as often and then the one with the most open POSTs; start another."""
        kind = self._chance.choice(["feeder", "rescuer", "caller", "caller"])
        open_posts = {
            place: await self._open_posts(process.pid)
            for place, (found, process) in enumerate(self._workers)
            if found == kind
        }
        place = max(open_posts, key=lambda place: open_posts[place])
        process = self._workers[place][1]
        process.kill()
        process.wait()
        self._chaos.kills[kind] += 1
        self._chaos.callers_killed_with_open_posts += open_posts[place] > 0
        self._chaos.attempts_open_at_kills += open_posts[place]
        self._workers[place] = (kind, self._spawn(kind))

    async def _open_posts(self, pid: int) -> int:
        row = await self._ledger.row(
            """SELECT count(*) AS open FROM attempts a JOIN workers w ON w.id = a.worker_id
               WHERE w.pid = %(pid)s AND a.state = 'dialing' AND a.doubt_since IS NULL""",
            {"pid": pid},
        )
        return int(row["open"]) if row else 0

    def kill_all(self) -> None:
        """kill -9 of every worker."""
        for _, process in self._workers:
            process.kill()
        for _, process in self._workers:
            process.wait()

    def stop(self) -> None:
        """SIGTERM, and time to leave in order."""
        for _, process in self._workers:
            process.send_signal(signal.SIGTERM)
        for _, process in self._workers:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        os.close(self._log)


_ROOT = Path(__file__).parents[2]


async def run_chaos(plan: Plan, *, folder: Path, say: bool = False) -> Chaos:
    """Run the campaign to its end with kills in between, then compare ledger, limits and the carrier's own record."""
    chaos = Chaos()
    settings = read_settings({"DIALER_DATA": str(folder)})
    with servers(settings) as urls:
        migrate(urls.database_url)
        simulator, url = start_simulator(plan)
        ledger = Ledger(urls.database_url, name="chaos")
        await ledger.open()
        crew = Crew(environment_of(folder, urls, url), plan, chaos, ledger)
        try:
            await fill_ledger(ledger, plan)
            crew.start()
            await _storm(crew, ledger, plan, chaos, say=say)
            await judge(ledger, urls.redis_url, url, chaos)
        finally:
            crew.stop()
            simulator.terminate()
            simulator.wait(10)
            await ledger.close()
    return chaos


def start_simulator(plan: Plan) -> tuple[subprocess.Popen[str], str]:
    leeway = 60 * FENCE_SCALE
    flags = {"port": 0, "speed": SPEED, "token-leeway": leeway, "seed": plan.seed}
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *(f"--{name}={value}" for name, value in flags.items())],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


def environment_of(folder: Path, urls: ServerUrls, livekit_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DIALER_DATA": str(folder),
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
        "LIVEKIT_URL": livekit_url,
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "secret",
        "DIALER_TIME_SCALE": str(SPEED),
        "DIALER_FENCE_SCALE": str(FENCE_SCALE),
        "DIALER_LOG_LEVEL": "info",
    }


async def fill_ledger(ledger: Ledger, plan: Plan) -> None:
    trunk = await make_trunk(
        ledger, calls_per_second=plan.calls_per_second, max_concurrent_calls=round(plan.calls_per_second * 10)
    )
    numbers = [f"+1{code}5550{line}" for line in range(100, 200) for code in AREA_CODES][: plan.contacts]
    await make_campaign(ledger, trunk, numbers=numbers, max_attempts=3, policy=POLICY)


async def _storm(crew: Crew, ledger: Ledger, plan: Plan, chaos: Chaos, *, say: bool) -> None:
    begun = time.monotonic()
    next_kill = begun + plan.every_seconds
    while time.monotonic() - begun < plan.limit_seconds:
        campaign = await find_campaign(ledger, "campaign")
        chaos.seconds = round(time.monotonic() - begun, 1)
        chaos.finished = campaign.state.value == "finished"
        if chaos.finished:
            return
        if chaos.kills.total() < plan.kills and time.monotonic() >= next_kill:
            await crew.kill_one()
            next_kill += plan.every_seconds
            if say:
                report = await report_campaign(ledger, campaign.id)
                sys.stderr.write(f"{chaos.seconds:6.1f} s  kills {dict(chaos.kills)}  {report.call_jobs}\n")
        await asyncio.sleep(0.2)


async def judge(ledger: Ledger, redis_url: str, simulator_url: str, chaos: Chaos) -> None:
    campaign = await find_campaign(ledger, "campaign")
    report = await report_campaign(ledger, campaign.id)
    chaos.call_jobs, chaos.finish_reasons, chaos.outcomes = report.call_jobs, report.finish_reasons, report.outcomes
    installation = await ledger.row("SELECT word FROM installation")
    assert installation is not None
    redis = RedisSession(redis_url, installation=installation["word"])
    found = await audit(ledger, CallSlots(redis))
    await redis.close()
    chaos.broken_invariants = [row for check in found.checked for row in check.broken]
    doubts = await ledger.rows(
        """SELECT coalesce(outcome, 'open') || ' by ' || coalesce(rule, '-') AS ending, count(*) AS n FROM attempts
           WHERE evidence ->> 'doubt_since' IS NOT NULL OR doubt_since IS NOT NULL OR evidence ? 'adopted' GROUP BY 1"""
    )
    chaos.doubts = {row["ending"]: row["n"] for row in doubts}
    chaos.overlapping_attempts = await _overlaps(ledger)
    await _compare_record(ledger, installation["word"], simulator_url, chaos)


async def _overlaps(ledger: Ledger) -> int:
    row = await ledger.row(
        """SELECT count(*) AS n FROM attempts a JOIN attempts b ON a.number = b.number AND a.id < b.id
           WHERE a.sent AND b.sent AND b.claimed_at < a.ended_at"""
    )
    return int(row["n"]) if row else 0


async def _compare_record(ledger: Ledger, word: str, simulator_url: str, chaos: Chaos) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{simulator_url}/carrier/record") as answer:
        record = await answer.json()
    rooms = Counter(invite["room"] for invite in record["invites"])
    known = {f"{word}-{row['id']}" for row in await ledger.rows("SELECT id FROM attempts")}
    unsent = {f"{word}-{row['id']}" for row in await ledger.rows("SELECT id FROM attempts WHERE sent = false")}
    chaos.invites = len(record["invites"])
    chaos.rooms_dialed_twice = [room for room, times in rooms.items() if times > 1]
    chaos.rooms_unknown = sorted(set(rooms) - known) + [f"{room} was not sent" for room in sorted(set(rooms) & unsent)]
    chaos.worst_second, chaos.most_calls = record["worst_second"], record["most_calls"]


def main() -> None:
    """The long run: prints the report and exits 1 when something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=36)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two kills")
    parser.add_argument("--calls-per-second", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    plan = Plan(
        contacts=given.contacts,
        kills=given.kills,
        every_seconds=given.every,
        calls_per_second=given.calls_per_second,
        seed=given.seed,
        limit_seconds=900,
    )
    with tempfile.TemporaryDirectory(prefix="dialer-chaos-") as folder:
        chaos = asyncio.run(run_chaos(plan, folder=Path(folder), say=True))
    print(json.dumps({name: getattr(chaos, name) for name in Chaos.__slots__}, indent=2))  # noqa: T201 - the report is what this program is for
    sys.exit(0 if chaos.finished and not (chaos.broken_invariants or chaos.rooms_dialed_twice) else 1)


if __name__ == "__main__":
    main()
