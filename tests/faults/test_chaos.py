"""The short form of the fault run: kill -9 of callers, feeders and rescuers in mid-campaign."""

import tempfile
from pathlib import Path

import pytest

from tests.faults.chaos import Plan, run_chaos

pytestmark = pytest.mark.fault


async def test_kill_dash_nine_in_mid_campaign_loses_nobody_and_dials_nobody_twice() -> None:
    plan = Plan(contacts=200, kills=8, every_seconds=1.5, calls_per_second=20, seed=7, limit_seconds=150)
    with tempfile.TemporaryDirectory(prefix="dialer-chaos-") as folder:
        chaos = await run_chaos(plan, folder=Path(folder))

    assert chaos.kills.total() == 8
    assert chaos.callers_killed_with_open_posts > 0
    assert sum(chaos.doubts.values()) > 0, "a killed caller leaves doubt, and doubt is what is tested"
    assert chaos.finished, chaos.call_jobs
    assert chaos.call_jobs["finished"] == 200
    assert chaos.broken_invariants == []
    assert chaos.rooms_dialed_twice == []
    assert chaos.rooms_unknown == []
    assert chaos.overlapping_attempts == 0
    assert chaos.worst_second <= plan.calls_per_second
