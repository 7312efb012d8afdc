"""Why is it not calling?"""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.campaign import CampaignState
from dialer.domain.holding_back import Facts, holding_back
from dialer.domain.trunk_holds import HoldReason
from tests.domain.trunk_facts import MACHINERY, NOON, facts_of, held_by, noted, state_of

pytestmark = pytest.mark.unit

MAIN = facts_of(state_of("main", calls_per_second=5.0, max_concurrent_calls=20), calls_now=2.0, slots_taken=8)
SECOND = facts_of(state_of("second", calls_per_second=3.0, max_concurrent_calls=10), calls_now=1.0, slots_taken=2)
CALLING = Facts(
    campaign="may",
    state=CampaignState.RUNNING,
    held_reason=None,
    machinery=MACHINERY,
    trunks=(MAIN,),
    calls_up=8,
    most_calls=None,
    waiting=100,
    due=90,
    queued=4,
    in_progress=8,
    in_doubt=0,
    next_due_at=NOON - timedelta(minutes=1),
)
NO_BALANCE = held_by("no balance: top up the account at the carrier")
FAILED = Breaker(
    state=BreakerState.OPEN,
    reason="5 calls failed",
    since=NOON - timedelta(minutes=1),
    openings=1,
    probe_at=NOON + timedelta(seconds=6),
)
_OF_MACHINERY = {field.name for field in fields(MACHINERY)}
_OF_TRUNK = {"calls_now", "slots_taken", "in_doubt"}
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
            {"agent": "greeter", "agents_missed": 1, "in_progress": 0, "calls_up": 0},
            "no agent named 'greeter' came in time for the last number (nobody talks now); nobody is called without "
            "one, and each is tried again after 30 s: start more workers of this agent",
            id="no agent came",
        ),
        pytest.param({"trunks": ()}, "it has no trunk: `dialer campaign edit may --trunk NAME`", id="no trunk"),
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
            {"calls_up": None},
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
    assert holding_back(changed(changes)) == expected


def changed(changes: dict[str, object]) -> Facts:
    """A table of any fields: of the campaign, of its one trunk, or of what runs."""
    machinery = replace(MACHINERY, **{key: value for key, value in changes.items() if key in _OF_MACHINERY})  # type: ignore[arg-type]
    trunk = replace(MAIN, **{key: value for key, value in changes.items() if key in _OF_TRUNK})  # type: ignore[arg-type]
    own = {key: value for key, value in changes.items() if key not in _OF_MACHINERY | (_OF_TRUNK - {"in_doubt"})}
    return replace(CALLING, **{"machinery": machinery, "trunks": (trunk,), **own})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "nothing: it is calling, 3.0 of 8 calls per second now", id="both have room"),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN),)},
            "trunk main is held, and nothing goes out through it: no balance: top up the account at the carrier; "
            "then `dialer trunk probe main` tries it with one call, or `dialer trunk resume main` lets it go without "
            "a try",
            id="its one trunk is held",
        ),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN), NO_BALANCE(SECOND)), **NOBODY_DUE},
            "none of its trunks lets calls through: trunk main is held, and nothing goes out through it: no balance: "
            "top up the account at the carrier; trunk second is held, and nothing goes out through it: no balance: "
            "top up the account at the carrier; `dialer trunk show` says what to do about each",
            id="held, which matters also while nobody is due",
        ),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN),), **NOBODY_DUE, "waiting": 0, "next_due_at": None},
            "nobody is waiting any more: the last 8 calls are under way",
            id="held, which matters to nobody any more",
        ),
        pytest.param(
            {"trunks": (held_by(FAILED)(MAIN),), **NOBODY_DUE, "next_due_at": NOON + timedelta(minutes=1)},
            "nobody is due before 12:01:00 UTC, in 1 min: 100 people are waiting for the time of a next attempt",
            id="its one trunk has failed, and may be well until somebody is due",
        ),
        pytest.param(
            {"trunks": (held_by(FAILED)(MAIN),)},
            "trunk main has failed, and nothing goes out through it: 5 calls failed; one call tries it at "
            "12:00:06 UTC, in 6 s, and `dialer trunk probe main` tries it now; if it stays so, ask the carrier",
            id="its one trunk has failed",
        ),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN), held_by(FAILED)(SECOND))},
            "none of its trunks lets calls through: trunk main is held, and nothing goes out through it: no balance: "
            "top up the account at the carrier; trunk second has failed, and nothing goes out through it: 5 calls "
            "failed; `dialer trunk show` says what to do about each",
            id="all its trunks are shut",
        ),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN), SECOND)},
            "nothing: it is calling, 1.0 of 3 calls per second now; nothing goes out through trunk main: "
            "`dialer trunk show main` says why",
            id="one of two is shut",
        ),
        pytest.param(
            {"trunks": (replace(MAIN, slots_taken=20), replace(SECOND, calls_now=3.0))},
            "all 20 channels of trunk main are taken: a call begins when another one ends; trunk second allows 3 calls "
            "per second, and that is how fast it calls (3.0 now)",
            id="each is at a limit of its own",
        ),
        pytest.param(
            {"trunks": (NO_BALANCE(MAIN), replace(SECOND, calls_now=3.0))},
            "trunk second allows 3 calls per second, and that is how fast it calls (3.0 now); nothing goes out through "
            "trunk main: `dialer trunk show main` says why",
            id="one is shut, the other at its limit",
        ),
        pytest.param(
            {"trunks": (replace(MAIN, calls_now=5.0), SECOND)},
            "nothing: it is calling, 6.0 of 8 calls per second now",
            id="one at its limit, one not",
        ),
        pytest.param(
            {"trunks": (noted(MAIN, HoldReason.LIVEKIT_QUOTA), noted(SECOND, HoldReason.LIVEKIT_QUOTA))},
            "LiveKit's quota of requests is used up; if your plan of LiveKit allows more: "
            "`dialer livekit edit --requests-per-minute N`",
            id="LiveKit's quota is named once",
        ),
        pytest.param(
            {"most_calls": 8},
            "all 8 calls at once that it is allowed itself are up, and a call begins when another one ends: "
            "`dialer campaign edit may --max-concurrent-calls N` allows more",
            id="its own channels",
        ),
        pytest.param(
            {"agent": "greeter", "trunks": (noted(MAIN, HoldReason.AGENTS, "4 of 4 wait"),)},
            "calls wait for their agents, and nobody is called without one (4 of 4 wait); start more workers of the "
            "agent of its campaigns",
            id="agents are on their way",
        ),
        pytest.param(
            {"trunks": (noted(MAIN, HoldReason.AGENTS, "4 of 4 wait"),)},
            "nothing: it is calling, 2.0 of 5 calls per second now",
            id="agents of another campaign",
        ),
        pytest.param({"most_calls": 9}, "nothing: it is calling, 3.0 of 8 calls per second now", id="one is left"),
        pytest.param(
            {"unserved": {"+49": 12, "+33": 3}},
            "nothing: it is calling, 3.0 of 8 calls per second now; 15 people are waiting with numbers that none of "
            "its trunks carries (+49, +33)",
            id="some have no trunk",
        ),
    ],
)
def test_holding_back_with_several_trunks(changes: dict[str, object], expected: str) -> None:
    assert holding_back(replace(CALLING, **{"trunks": (MAIN, SECOND), **changes})) == expected  # type: ignore[arg-type]
