"""What a round of the feeder costs: with many trunks and campaigns, and beside contacts that are none of its business.

The rounds are the feeder's own, one after the other in this process, on fresh servers; between two of them what was
released is taken off the queue, as fast as the trunks would dial it.  Nothing is dialed.
"""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.campaigns import make_campaign, make_trunk, numbers, start, stop_autovacuum, tidy_up
from benchmarks.report import Report, milliseconds, ratio
from benchmarks.usage import cpu_seconds
from console.servers import remove_data, servers
from dialer.actions.note_holds import LOOK_EVERY_SECONDS
from dialer.actions.rebuild_limits import rebuild_limits
from dialer.actions.release_jobs import FeederMemory, release_due
from dialer.app import Dialer, open_dialer
from dialer.config import Settings
from dialer.domain.trunk import Trunk
from dialer.ledger.schema import migrate
from dialer.logs import set_up_logs
from workers.feeder import RELEASE_EVERY_SECONDS

NAME = "bench-rounds"
ROUNDS, QUICK_ROUNDS = 400, 40
FEW, MANY, QUICK_MANY = 1_000, 1_000_000, 20_000
#: What is due and may not be taken: of another class of numbers, or retries where new ones are asked for.
MANY_DUE, QUICK_MANY_DUE = 200_000, 10_000
LOOKS_EVERY = round(LOOK_EVERY_SECONDS / RELEASE_EVERY_SECONDS)
MOST_GROWTH = 1.25
#: A feeder that releases five times a second for all these trunks takes no more of a core than this.
MOST_OF_A_CORE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """So many trunks and campaigns, and contacts that are none of a round's business.

    Attributes:
        ways: trunks of each campaign.
        other_class: due, and no trunk may call them.
    """

    trunks: int = 1
    campaigns: int = 1
    ways: int = 1
    calls_per_second: float = 50
    not_due: int = 0
    other_class: int = 0
    retries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounds:
    """Seconds for one round: CPU of the feeder and of PostgreSQL for it, and on the wall; ``jobs``: released in one."""

    feeder: float
    postgres: float
    wall: float
    jobs: float


async def feeder(*, quick: bool) -> Report:
    """Each scene on servers of its own."""
    set_up_logs(process="bench", level="error", form="console")
    rounds, many, due = (QUICK_ROUNDS, QUICK_MANY, QUICK_MANY_DUE) if quick else (ROUNDS, MANY, MANY_DUE)
    big = Scene(trunks=50, campaigns=200, calls_per_second=4)
    scenes = {
        "50 trunks, 200 campaigns, a trunk each": big,
        "50 trunks, 200 campaigns, 3 trunks each": replace(big, ways=3),
        f"1 trunk of 50/s beside {FEW:,} not due": Scene(not_due=FEW, other_class=FEW, retries=FEW),
        f"the same beside {many:,} not due": Scene(not_due=many, other_class=FEW, retries=FEW),
        f"beside {due:,} due of another class": Scene(not_due=FEW, other_class=due, retries=FEW),
        f"beside {due:,} retries due": Scene(not_due=FEW, other_class=FEW, retries=due),
    }
    found = {name: await _run(scene, rounds) for name, scene in scenes.items()}
    report = Report(title=f"feeder: {rounds} rounds", columns=("feeder", "PostgreSQL", "wall", "jobs"))
    for name, cost in found.items():
        report.row(name, *map(milliseconds, (cost.feeder, cost.postgres, cost.wall)), f"{cost.jobs:.1f}")
    few, *others = list(found.items())[2:]
    for name, cost in others:
        grown = (cost.feeder + cost.postgres) / (few[1].feeder + few[1].postgres)
        report.bound(grown <= MOST_GROWTH, f"CPU {name}: {grown:.2f} x that beside {FEW:,}, at most {MOST_GROWTH} x")
    for name, cost in list(found.items())[:2]:
        share = (cost.feeder + cost.postgres) / RELEASE_EVERY_SECONDS
        report.bound(share <= MOST_OF_A_CORE, f"{name}: {share * 100:.0f} % of a core, PostgreSQL's part included")
    report.notes.append(f"3 trunks each beside 1: {_beside(found)} of CPU")
    return report


def _beside(found: dict[str, Rounds]) -> str:
    one, three = list(found.values())[:2]
    return ratio(three.feeder + three.postgres, one.feeder + one.postgres)


async def _run(scene: Scene, rounds: int) -> Rounds:
    async with _dialer() as dialer:
        trunks = await _set_scene(dialer, scene)
        assert await rebuild_limits(dialer, why="bench")
        memory, per_round = FeederMemory(), max(1, round(scene.calls_per_second * RELEASE_EVERY_SECONDS))
        for _ in range(10):  # statements are prepared, the queue is full
            await release_due(dialer, memory)
            await _dial(dialer, trunks, per_round)
        backends = await _backends(dialer)
        postgres, own, walls, jobs = sum(map(cpu_seconds, backends)), 0.0, [], 0
        for place in range(rounds):
            if place % LOOKS_EVERY == 0:
                memory.holds.looked_at = float("-inf")  # once a second, had a round its time
            began, cpu = time.perf_counter(), time.process_time()
            releases = await release_due(dialer, memory)
            own += time.process_time() - cpu
            walls.append(time.perf_counter() - began)
            jobs += sum(len(release.call_job_ids) for release in releases)
            postgres -= await _dial(dialer, trunks, per_round)
        postgres = sum(map(cpu_seconds, backends)) - postgres
        return Rounds(feeder=own / rounds, postgres=postgres / rounds, wall=median(walls), jobs=jobs / rounds)


@asynccontextmanager
async def _dialer() -> AsyncIterator[Dialer]:
    folder = Path(tempfile.mkdtemp())
    data = Settings(data=folder)
    async with AsyncExitStack() as exits:
        exits.callback(remove_data, data)
        urls = exits.enter_context(servers(data))
        migrate(urls.database_url)
        settings = Settings.model_validate(
            {"livekit_url": "http://127.0.0.1:9", "livekit_api_key": "devkey", "livekit_api_secret": "secret"}
        )
        yield await exits.enter_async_context(
            open_dialer(settings, database_url=urls.database_url, redis_url=urls.redis_url, name=NAME)
        )


async def _set_scene(dialer: Dialer, scene: Scene) -> list[Trunk]:
    ledger = dialer.ledger
    trunks = [
        await make_trunk(
            ledger,
            calls_per_second=scene.calls_per_second,
            max_concurrent_calls=1_000,
            name=f"trunk {place}",
            livekit_trunk_id=f"ST_{place}",
        )
        for place in range(scene.trunks)
    ]
    due = 20_000 if scene.campaigns == 1 else 500
    for place in range(scene.campaigns):
        own = [trunks[(place + step * 7) % len(trunks)] for step in range(scene.ways)]
        dialed = numbers(due, first=place * due)
        await start(ledger, await make_campaign(ledger, own, f"campaign {place}", dialed))
    for kind, count in (("not_due", scene.not_due), ("other_class", scene.other_class), ("retry", scene.retries)):
        await _add_apart(dialer, kind, count)
    await stop_autovacuum(ledger.database_url)
    await tidy_up(ledger.database_url)
    return trunks


async def _add_apart(dialer: Dialer, kind: str, count: int) -> None:
    """Contacts of the first campaign; a million takes half a minute."""
    await dialer.ledger.changed(
        """/* bench */
        WITH added AS (
            INSERT INTO contacts (campaign_id, number)
            SELECT (SELECT min(id) FROM campaigns), '+44' || %(kind)s || n FROM generate_series(1, %(count)s) AS n
            RETURNING id, campaign_id, number
        )
        INSERT INTO call_jobs (id, campaign_id, number, due_at, route, tried)
        SELECT id, campaign_id, number, now() + CASE %(kind)s WHEN 'not_due' THEN interval '1 day' ELSE '-1 h' END,
               CASE %(kind)s WHEN 'other_class' THEN '+44' ELSE '' END, %(kind)s = 'retry'
        FROM added""",
        {"kind": kind, "count": count},
    )


async def _backends(dialer: Dialer) -> list[int]:
    rows = await dialer.ledger.rows(
        "/* bench */ SELECT pid FROM pg_stat_activity WHERE application_name = %(name)s", {"name": f"dialer-{NAME}"}
    )
    return [row["pid"] for row in rows]


async def _dial(dialer: Dialer, trunks: list[Trunk], per_round: int) -> float:
    """Take what was released first off the queue, in every trunk's rate; says what CPU PostgreSQL needed for it."""
    backends = await _backends(dialer)
    before = sum(map(cpu_seconds, backends))
    await dialer.ledger.changed(
        """/* bench */
        UPDATE call_jobs SET state = 'finished', finish_reason = 'exhausted' WHERE id IN (
            SELECT id FROM (
                SELECT id, row_number() OVER (PARTITION BY trunk_id ORDER BY lease_token, id) AS place
                FROM call_jobs WHERE state = 'queued') AS queued
            WHERE place <= %(most)s)""",
        {"most": per_round},
    )
    return sum(map(cpu_seconds, backends)) - before
