"""How Redis's clock is read from here, and how long before its turn an attempt is claimed."""

from datetime import timedelta

import pytest

from dialer.limits.lead import LONGEST, SHORTEST, Lead
from dialer.limits.redis_clock import KEEP_SECONDS, RedisClock

pytestmark = pytest.mark.unit


def test_the_tightest_bracket_is_believed() -> None:
    clock = RedisClock()
    clock.observe(sent=10.0, received=10.2, redis_seconds=1000.15)
    clock.observe(sent=11.0, received=11.002, redis_seconds=1001.051)
    clock.observe(sent=12.0, received=12.3, redis_seconds=1002.2)

    assert clock.local(1001.05) == pytest.approx(11.0, abs=0.001)


def test_a_bracket_grows_old() -> None:
    clock = RedisClock()
    clock.observe(sent=10.0, received=10.001, redis_seconds=1000.0)
    later = 10.001 + KEEP_SECONDS + 1
    clock.observe(sent=later, received=later + 0.004, redis_seconds=1000.0 + later - 10.0 + 0.003)

    assert clock.local(1000.0) == pytest.approx(10.0 - 0.001, abs=0.002)


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    clock = RedisClock()
    clock.observe(sent=10.0, received=10.001, redis_seconds=1000.0)
    clock.observe(sent=11.0, received=11.2, redis_seconds=1060.0)

    assert clock.local(1060.0) == pytest.approx(11.1, abs=0.11)


@pytest.mark.parametrize(
    ("received", "redis_seconds", "is_step"),
    [
        (11.001, 1001.0, False),
        (11.001, 1002.5, True),
        (11.001, 999.5, True),
        (14.0, 1003.5, False),
        (14.0, 1007.0, True),
    ],
    ids=["goes on", "ahead", "back", "only the answer came late", "ahead, and the answer came late"],
)
def test_a_step_of_more_than_a_second_is_seen(received: float, redis_seconds: float, *, is_step: bool) -> None:
    clock = RedisClock()
    clock.observe(sent=10.0, received=10.001, redis_seconds=1000.0)

    assert clock.observe(sent=11.0, received=received, redis_seconds=redis_seconds) is is_step


def test_the_lead_is_never_shorter_than_30_ms_nor_longer_than_a_second() -> None:
    lead = Lead()
    assert lead.span == SHORTEST
    for _ in range(40):
        lead.learn(0.001)
    assert lead.span == SHORTEST
    for _ in range(40):
        lead.learn(7.0)
    assert lead.span == LONGEST


def test_the_lead_follows_what_claims_take_and_forgets_what_is_past() -> None:
    lead = Lead()
    for _ in range(200):
        lead.learn(0.1)
    assert lead.span == timedelta(seconds=0.1)
    for _ in range(220):
        lead.learn(0.05)
    assert lead.span == timedelta(seconds=0.05)
