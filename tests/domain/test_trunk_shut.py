"""What shuts a trunk altogether: nothing runs, LiveKit or Redis is away, a breaker."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.hold_words import TrunkFacts
from dialer.domain.trunk_holds import HoldReason
from dialer.domain.trunk_standing import why_slow, without_breaker
from dialer.domain.trunk_state import Health
from tests.domain.trunk_facts import A_WHILE, FAILED, HELD, MAIN, NOON, OF_ACME, held_by, noted, running

pytestmark = pytest.mark.unit

THEN = "then `dialer trunk probe main` tries it with one call, or `dialer trunk resume main` lets it go without a try"


def account_is(breaker: Breaker) -> TrunkFacts:
    return replace(OF_ACME, state=replace(OF_ACME.state, account_health=Health(breaker=breaker)))


R = HoldReason
CASES = [
    pytest.param(
        running(MAIN, callers=0, feeders=0, rescuers=0),
        R.NO_CALLERS,
        "`dialer up` does not run, and nothing calls without it",
        "",
        id="nothing runs",
    ),
    pytest.param(
        running(MAIN, callers=0),
        R.NO_CALLERS,
        "no caller is running: `dialer up` starts what is missing",
        "",
        id="no caller",
    ),
    pytest.param(
        noted(MAIN, R.NO_CALLERS, "12 messages have waited for 9 s"),
        R.NO_CALLERS,
        "12 messages have waited for 9 s",
        "start more of them: `dialer up --callers N`",
        id="callers are behind",
    ),
    pytest.param(
        running(MAIN, line="away", line_detail="connection refused"),
        R.LIVEKIT,
        "LiveKit does not answer since 11:00:00 UTC: connection refused",
        "",
        id="LiveKit away",
    ),
    pytest.param(
        noted(MAIN, R.LIVEKIT, "LiveKit did not answer"),
        R.LIVEKIT,
        "LiveKit did not answer",
        "`dialer doctor` tries it",
        id="LiveKit was away a moment ago",
    ),
    pytest.param(
        replace(MAIN, slots_taken=None),
        None,
        "Redis does not answer, so the limits cannot be read, and without them nobody is called",
        "",
        id="Redis away",
    ),
    pytest.param(
        held_by(FAILED)(MAIN),
        R.BREAKER,
        "trunk main has failed, and nothing goes out through it: 5 of its last calls failed, the newest like "
        "this: the carrier answered SIP 503",
        "one call tries it at 12:00:06 UTC, in 6 s, and `dialer trunk probe main` tries it now; if it stays so, ask "
        "the carrier",
        id="failed",
    ),
    pytest.param(
        held_by(replace(FAILED, probe_at=NOON))(MAIN),
        R.BREAKER,
        "trunk main has failed, and nothing goes out through it: 5 of its last calls failed, the newest like "
        "this: the carrier answered SIP 503",
        "the next person who is due tries it",
        id="failed, and its probe waits for somebody who is due",
    ),
    pytest.param(
        held_by(replace(FAILED, state=BreakerState.HALF_OPEN, probe_at=NOON + A_WHILE))(MAIN),
        R.BREAKER,
        "trunk main has failed, and nothing goes out through it: 5 of its last calls failed, the newest like "
        "this: the carrier answered SIP 503",
        "one call is trying whether it is well again, by 12:00:20 UTC at the latest",
        id="its probe is under way",
    ),
    pytest.param(
        held_by(HELD)(MAIN),
        R.BREAKER,
        "trunk main is held, and nothing goes out through it: the carrier says that the account has no "
        "balance: top up the account at the carrier",
        THEN,
        id="held",
    ),
    pytest.param(
        held_by(replace(HELD, probe_at=NOON))(MAIN),
        R.BREAKER,
        "trunk main is held, and nothing goes out through it: the carrier says that the account has no "
        "balance: top up the account at the carrier",
        "the next person who is due tries it",
        id="held, and a probe was asked for",
    ),
    pytest.param(
        account_is(HELD),
        R.ACCOUNT_BREAKER,
        "account acme is held, and nothing goes out through it: the carrier says that the account has no "
        "balance: top up the account at the carrier",
        THEN,
        id="account held",
    ),
    pytest.param(
        account_is(FAILED),
        R.ACCOUNT_BREAKER,
        "account acme has failed, and nothing goes out through it: 5 of its last calls failed, the newest "
        "like this: the carrier answered SIP 503",
        "one call tries it at 12:00:06 UTC, in 6 s, and `dialer trunk probe main` tries it now; if it stays so, ask "
        "the carrier",
        id="account failed",
    ),
    pytest.param(
        noted(MAIN, R.BREAKER, "open"),
        R.BREAKER,
        "calls through trunk main begin within seconds: its breaker has just closed",
        "",
        id="its breaker has just closed",
    ),
    pytest.param(
        noted(MAIN, R.ACCOUNT_BREAKER, "open"),
        R.ACCOUNT_BREAKER,
        "calls through trunk main begin within seconds: its breaker has just closed",
        "",
        id="its account's breaker has just closed",
    ),
]


@pytest.mark.parametrize(("facts", "reason", "what", "todo"), CASES)
def test_the_answer_when_nothing_goes_out(facts: TrunkFacts, reason: HoldReason | None, what: str, todo: str) -> None:
    answer = why_slow(facts)
    assert (answer.reason, answer.what, answer.todo) == (reason, what, todo)


@pytest.mark.parametrize(
    ("facts", "seconds_ago"),
    [
        pytest.param(noted(MAIN, R.CHANNELS), 600, id="since the feeder has seen it so"),
        pytest.param(held_by(FAILED)(noted(MAIN, R.RATE)), 20, id="since the breaker opened"),
        pytest.param(running(MAIN, line="away"), 3600, id="since LiveKit went away"),
        pytest.param(MAIN, None, id="not known"),
    ],
)
def test_since_when(facts: TrunkFacts, seconds_ago: float | None) -> None:
    since = why_slow(facts).since
    assert since == (None if seconds_ago is None else NOON - timedelta(seconds=seconds_ago))


def test_what_the_feeder_noted_long_ago_is_not_believed() -> None:
    assert why_slow(noted(MAIN, R.HOURS, seconds_ago=14)).reason is R.HOURS
    assert why_slow(noted(MAIN, R.HOURS, seconds_ago=16)).reason is None


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param(held_by(HELD)(noted(MAIN, R.NO_WORK, "nobody waits")), R.NO_WORK, id="nobody waits"),
        pytest.param(held_by(HELD)(replace(MAIN, campaigns=(), calls_now=0.0, slots_taken=0)), R.NO_WORK, id="paused"),
        pytest.param(held_by(HELD)(running(MAIN, callers=0)), R.NO_CALLERS, id="no callers"),
    ],
)
def test_why_no_call_comes_that_could_try_it(facts: TrunkFacts, reason: HoldReason) -> None:
    assert why_slow(facts).lets_nothing_through or reason is R.NO_CALLERS
    assert without_breaker(facts).reason is reason
