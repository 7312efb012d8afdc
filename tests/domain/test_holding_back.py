"""Why is it not calling?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dialer.domain.campaign import CampaignState
from dialer.domain.holding_back import Facts, holding_back

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CALLING = Facts(
    campaign="may",
    state=CampaignState.RUNNING,
    held_reason=None,
    trunk="main",
    calls_per_second=5.0,
    max_concurrent_calls=20,
    calls_now=2.0,
    slots_taken=8,
    callers=1,
    feeders=1,
    rescuers=1,
    line="ok",
    line_detail="",
    line_since=NOON - timedelta(hours=1),
    waiting=100,
    due=90,
    queued=4,
    in_progress=8,
    in_doubt=0,
    next_due_at=NOON - timedelta(minutes=1),
    now=NOON,
)
NIGHT = timedelta(hours=12)
NOBODY_DUE = {"due": 0, "queued": 0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"state": CampaignState.DRAFT}, "it has not been started: `dialer campaign start may`", id="draft"
        ),
        pytest.param(
            {"state": CampaignState.DRAFT, "campaign": "may list"},
            "it has not been started: `dialer campaign start 'may list'`",
            id="a name with a space is quoted",
        ),
        pytest.param(
            {"state": CampaignState.PAUSED},
            "it is paused; 8 calls are under way: `dialer campaign resume may`",
            id="paused",
        ),
        pytest.param(
            {"state": CampaignState.HELD, "held_reason": "no balance", "in_progress": 0},
            "it is held: no balance",
            id="held",
        ),
        pytest.param({"state": CampaignState.FINISHED}, "it is finished: nobody is left to be called", id="finished"),
        pytest.param(
            {"state": CampaignState.CANCELLED, "in_progress": 1},
            "it is cancelled: nobody is called any more; 1 call is under way",
            id="cancelled",
        ),
        pytest.param(
            {"agent": "greeter", "agents_missed": 3},
            "no agent named 'greeter' came in time for the last 3 numbers (8 calls are under way, so they may all be "
            "busy); nobody is called without one, and each is tried again after 30 s: start more workers of this agent",
            id="all agents are busy",
        ),
        pytest.param(
            {"agent": "greeter", "agents_missed": 1, "in_progress": 0, "slots_taken": 0},
            "no agent named 'greeter' came in time for the last number (nobody talks now); nobody is called without "
            "one, and each is tried again after 30 s: start more workers of this agent",
            id="no agent came",
        ),
        pytest.param({"trunk": None}, "it has no trunk: `dialer campaign edit may --trunk NAME`", id="no trunk"),
        pytest.param(
            {"callers": 0, "feeders": 0, "rescuers": 0, "line": "away"},
            "`dialer up` does not run, and nothing calls without it",
            id="nothing runs, and what was heard of LiveKit is old",
        ),
        pytest.param({"callers": 0}, "no caller is running: `dialer up` starts what is missing", id="no caller"),
        pytest.param(
            {"feeders": 0, "rescuers": 0},
            "no feeder and no rescuer is running: `dialer up` starts what is missing",
            id="no feeder, no rescuer",
        ),
        pytest.param(
            {"line": "unknown"}, "LiveKit has not been asked yet: the feeder does so within seconds", id="not asked"
        ),
        pytest.param(
            {"line": "away", "line_detail": "connection refused"},
            "LiveKit does not answer since 11:00:00 UTC: connection refused",
            id="LiveKit away",
        ),
        pytest.param(
            {"line": "refused"},
            "LiveKit refuses our key since 11:00:00 UTC: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, "
            "then start `dialer up` anew",
            id="key refused",
        ),
        pytest.param(
            {"line": "clock", "line_detail": "LiveKit's clock is 15 s ahead of PostgreSQL's"},
            "the clocks are apart since 11:00:00 UTC: LiveKit's clock is 15 s ahead of PostgreSQL's",
            id="clocks apart",
        ),
        pytest.param(
            {"slots_taken": None},
            "Redis does not answer, so the limits cannot be read, and without them nobody is called",
            id="Redis away",
        ),
        pytest.param(
            {**NOBODY_DUE, "next_due_at": NOON + timedelta(seconds=250)},
            "nobody is due before 12:04:10 UTC, in 4 min 10 s: 100 people are waiting for the time of a next attempt",
            id="everybody waits for a next attempt",
        ),
        pytest.param(
            {**NOBODY_DUE, "waiting": 1, "next_due_at": NOON + timedelta(days=1)},
            "nobody is due before 2026-05-05 12:00 UTC, in 1 d: 1 person is waiting for the time of a next attempt",
            id="until tomorrow",
        ),
        pytest.param(
            {"start_at": NOON + timedelta(hours=1)}, "it begins at 13:00:00 UTC, in 1 h", id="its start is to come"
        ),
        pytest.param(
            {"end_at": NOON - timedelta(hours=1)},
            "it is over since 11:00:00 UTC: 100 people are not called any more",
            id="its end is past",
        ),
        pytest.param(
            {**NOBODY_DUE, "hours": "09:00-20:00 mon-fri, UTC", "is_open": False, "next_due_at": NOON + NIGHT},
            "it is closed (09:00-20:00 mon-fri, UTC), and nobody is due before 2026-05-05 00:00 UTC, in 12 h: "
            "100 people are waiting",
            id="closed",
        ),
        pytest.param(
            {**NOBODY_DUE, "hours": "09:00-20:00 mon-fri, UTC", "next_due_at": NOON + NIGHT},
            "nobody is due before 2026-05-05 00:00 UTC, in 12 h: 100 people are waiting for their hours or the time "
            "of a next attempt (09:00-20:00 mon-fri, UTC)",
            id="open here, and closed where people live",
        ),
        pytest.param(
            {**NOBODY_DUE, "waiting": 0, "next_due_at": None, "in_doubt": 8},
            "8 people are in doubt: LiveKit is asked whether their phones rang, which takes up to 6 min, "
            "and nobody is dialed again on a guess",
            id="only doubt is left",
        ),
        pytest.param(
            {**NOBODY_DUE, "waiting": 0, "next_due_at": None},
            "nobody is waiting any more: the last 8 calls are under way",
            id="the last calls",
        ),
        pytest.param(
            {**NOBODY_DUE, "waiting": 0, "in_progress": 1, "next_due_at": None},
            "nobody is waiting any more: the last call is under way",
            id="the last call",
        ),
        pytest.param(
            {"slots_taken": 20},
            "all 20 channels of trunk main are taken: a call begins when another one ends",
            id="channels",
        ),
        pytest.param(
            {"slots_taken": 23, "in_doubt": 3, "calls_now": 5.0},
            "all 20 channels of trunk main are taken, 3 of them by calls in doubt: a call begins when another one ends",
            id="channels, above the limit after a rebuild",
        ),
        pytest.param(
            {"calls_now": 4.9},
            "trunk main allows 5 calls per second, and that is how fast it calls (4.9 now)",
            id="rate",
        ),
        pytest.param({}, "nothing: it is calling, 2.0 of 5 calls per second now", id="nothing"),
        pytest.param(
            {"calls_now": 0.0, "in_progress": 0, "slots_taken": 0},
            "nothing that is known: people are due, and the first call begins within seconds; if it does not, "
            "read what `dialer up` writes",
            id="just started",
        ),
    ],
)
def test_holding_back(changes: dict[str, object], expected: str) -> None:
    assert holding_back(replace(CALLING, **changes)) == expected  # type: ignore[arg-type]  # a table of any fields
