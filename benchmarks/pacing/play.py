"""What these benchmarks have in common: trunks, a run that says how far it is, what the ledger must not show."""

import asyncio
import sys
import time
from collections.abc import Iterable

from benchmarks.campaigns import attempts_settled, make_trunk
from benchmarks.pacing.judges import Seen, Span, read_record
from benchmarks.stage import Stage
from dialer.domain.trunk import Trunk
from dialer.ledger.session import Ledger

SAY_EVERY_SECONDS = 15.0
#: Far more than is ever up: only the rate decides.
MANY_CHANNELS = 5_000


def livekit_id(number: int) -> str:
    """Of the simulator's further trunks, from 1 on; it has as many as its ``--trunks`` says."""
    return f"ST_trunk_{number}"


async def make_trunks(ledger: Ledger, limits: Iterable[tuple[float, int]]) -> list[Trunk]:
    """One trunk for each pair of calls a second and channels, the first on ``livekit_id(1)``."""
    return [
        await make_trunk(
            ledger,
            calls_per_second=calls_per_second,
            max_concurrent_calls=channels,
            name=f"trunk-{number}",
            livekit_trunk_id=livekit_id(number),
        )
        for number, (calls_per_second, channels) in enumerate(limits, 1)
    ]


async def let_run(stage: Stage, seconds: float, what: str) -> Span:
    """Wait so long and say now and then how far it is; returns when that was, as the carrier's record counts."""
    begun, loop = time.time(), asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        await asyncio.sleep(min(left, SAY_EVERY_SECONDS))
        ended = sum((await attempts_settled(stage.ledger)).values())
        sys.stderr.write(
            f"  {what}: {seconds - max(0.0, end - loop.time()):.0f} of {seconds:.0f} s, {ended:,} attempts\n"
        )
    return begun, time.time()


async def read_seen(stage: Stage) -> list[Seen]:
    """Every INVITE on the carrier's record."""
    return read_record(await stage.carrier_record())


def moments_of(seen: Iterable[Seen], trunk: Trunk | None = None) -> list[float]:
    """When the INVITEs came, of one trunk or of all."""
    return [each.at for each in seen if trunk is None or each.trunk == trunk.livekit_trunk_id]


async def counted_amiss(ledger: Ledger) -> dict[str, int]:
    """Attempts that counted against a contact although everybody is well and only the line is not, by outcome."""
    rows = await ledger.rows(
        """/* bench */ SELECT outcome, count(*) AS attempts FROM attempts
        WHERE state = 'ended' AND counted AND outcome NOT IN ('busy', 'answered') GROUP BY 1"""
    )
    return {row["outcome"]: row["attempts"] for row in rows}


async def finished_unreached(ledger: Ledger) -> int:
    """Contacts that are finished although nobody was ever busy or answered."""
    row = await ledger.row(
        """/* bench */ SELECT count(*) AS jobs FROM call_jobs j WHERE state = 'finished' AND NOT EXISTS (
            SELECT FROM attempts a WHERE a.call_job_id = j.id AND a.outcome IN ('busy', 'answered'))"""
    )
    assert row is not None
    return int(row["jobs"])
