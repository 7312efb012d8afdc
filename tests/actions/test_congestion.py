"""A carrier, or LiveKit, that takes less than it said slows all callers down at once, and costs nobody an attempt."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from dialer.actions.call_terms import TermsBook, trunk_limits
from dialer.actions.desk import Desk
from dialer.actions.hear_health import hear_health
from dialer.actions.trunk_health import LIVEKIT_SCOPE, health_channel
from dialer.app import Dialer
from dialer.domain.breaker import BreakerState
from dialer.domain.congestion import CUT_EVERY
from dialer.domain.line_result import LineResult
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.health import read_health
from dialer.limits.buckets import LIVEKIT
from dialer.limits.requests import note_requests
from tests.actions.pacing import (
    FULL,
    LIVEKIT_QUOTA,
    TOO_FAST,
    attempts,
    health_of,
    jobs,
    place_in_turn,
    queue,
)
from tests.console.running import until
from tests.factories import make_campaign, make_trunk, open_epoch
from tests.fakes import PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger

CLOSED, OPEN, HELD = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HELD


async def test_a_carrier_that_says_too_fast_slows_its_trunk_down_at_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [TOO_FAST]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))

    cut = (await health_of(dialer, trunk)).rate_cut
    assert cut is not None
    assert cut.rate == pytest.approx(0.9 * trunk.calls_per_second), "one young call tells no rate: a tenth less"
    assert "too many calls" in cut.reason
    state = await desk.terms.trunk(trunk.id)
    assert state is not None
    assert trunk_limits(state).calls_per_second == pytest.approx(cut.rate, rel=0.01)


async def test_who_was_refused_as_too_much_keeps_the_attempts_and_comes_again_in_seconds(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [TOO_FAST]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1, max_attempts=1)
    await open_epoch(dialer)

    await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))

    [attempt], [job] = await attempts(dialer), await jobs(dialer)
    assert (attempt["outcome"], attempt["sent"], attempt["counted"]) == ("congestion", True, False)
    assert (job["state"], job["attempts_counted"]) == ("waiting", 0)
    assert 0 < float(str(job["due_in"])) <= 10


@pytest.mark.parametrize(
    ("answers", "rate"),
    [
        pytest.param([*[PICKED_UP] * 19, TOO_FAST], 9.0, id="the newest is refused: a tenth below what was sent"),
        pytest.param([PICKED_UP, TOO_FAST] * 10, 5.0, id="half is refused: to what was taken"),
        pytest.param([TOO_FAST] * 20, 5.0, id="all is refused: to half of what was sent"),
    ],
)
async def test_a_rate_is_cut_by_what_was_sent_not_by_what_was_allowed(
    dialer: Dialer, line: ScriptedLine, answers: list[LineResult], rate: float
) -> None:
    line.results = [*answers]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=20)
    await open_epoch(dialer)
    desk, tickets = Desk(dialer), await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:19])
    await as_if_begun(dialer, tickets[:19], every=0.1, last=0.4)
    await dialer.ledger.changed("DELETE FROM health")

    await place_in_turn(desk, tickets[19:])

    cut = (await health_of(dialer, trunk)).rate_cut
    assert cut is not None
    assert cut.rate == pytest.approx(rate, rel=0.12), "10 calls a second, counted in whole calls"


async def as_if_begun(dialer: Dialer, tickets: Sequence[Ticket], *, every: float, last: float) -> None:
    """Let these attempts have been begun so many seconds apart, the last one so many seconds ago."""
    for place, ticket in enumerate(reversed(tickets)):
        await dialer.ledger.changed(
            "UPDATE attempts SET claimed_at = now() - %(age)s WHERE id = %(id)s",
            {"age": timedelta(seconds=last + place * every), "id": ticket.attempt_id},
        )


async def test_a_slow_trunk_is_measured_over_more_than_two_seconds(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [*[PICKED_UP] * 5, TOO_FAST]
    trunk = await make_trunk(dialer.ledger, calls_per_second=100)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=6)
    await open_epoch(dialer)
    desk, tickets = Desk(dialer), await queue(dialer, campaign, trunk)
    await place_in_turn(desk, tickets[:5])
    await as_if_begun(dialer, tickets[:5], every=2, last=2)
    await dialer.ledger.changed("UPDATE trunks SET calls_per_second = 0.5")
    await desk.terms.read_again()

    await place_in_turn(desk, tickets[5:])

    cut = (await health_of(dialer, trunk)).rate_cut
    assert cut is not None
    assert 0.35 < cut.rate < 0.46, "a tenth below 0.5, told from five calls in 10 s; the last two seconds tell nothing"


async def test_a_trunk_is_not_cut_twice_before_the_first_cut_can_show(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [TOO_FAST]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=3)
    await open_epoch(dialer)
    desk, tickets = Desk(dialer), await queue(dialer, campaign, trunk)

    await place_in_turn(desk, tickets[:2])
    first = (await health_of(dialer, trunk)).rate_cut
    await dialer.ledger.changed("UPDATE health SET rate_cut_at = rate_cut_at - %(age)s", {"age": CUT_EVERY})
    await place_in_turn(desk, tickets[2:])
    second = (await health_of(dialer, trunk)).rate_cut

    assert first is not None
    assert second is not None
    assert first.rate == pytest.approx(90), "the second refusal came at once"
    assert second.rate < first.rate


async def test_a_carrier_whose_channels_are_full_gets_fewer_calls_at_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [*[PICKED_UP] * 10, FULL]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=11)
    await open_epoch(dialer)
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))

    health = await health_of(dialer, trunk)
    assert health.rate_cut is None
    assert health.channels_cut is not None
    assert health.channels_cut.channels == 9, "a tenth below the 10 or 11 that were up"
    state = await desk.terms.trunk(trunk.id)
    assert state is not None
    assert state.channels(promised=True) == 9


async def test_livekits_own_quota_slows_the_project_and_no_trunk(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LIVEKIT_QUOTA]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2, max_attempts=1)
    await open_epoch(dialer)
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))
    await desk.quota_refused()

    known = await read_health(dialer.ledger)
    assert set(known) == {LIVEKIT_SCOPE}
    assert known[LIVEKIT_SCOPE].rate_cut is not None
    assert known[LIVEKIT_SCOPE].version == 1, "once within its minute"
    assert await desk.terms.requests_per_minute() == pytest.approx(27, rel=1e-3), (
        "half a request per second, less a tenth"
    )
    assert [(job["state"], job["attempts_counted"]) for job in await jobs(dialer)] == [("waiting", 0)] * 2
    next_turn = int(await dialer.redis.client.get(dialer.rate.key(LIVEKIT)) or 0) / 1e6
    assert next_turn - await dialer.redis.time() > 3, "nothing is dialed for 5 s"


async def test_what_livekit_took_in_the_last_minute_is_its_quota(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LIVEKIT_QUOTA]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    await note_requests(dialer.redis, 600)
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, campaign, trunk))

    assert await desk.terms.requests_per_minute() == pytest.approx(540, rel=1e-3)


async def test_another_caller_knows_it_at_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [TOO_FAST]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    other = TermsBook(dialer)
    await other.trunk(trunk.id)
    hearing = asyncio.create_task(hear_health(dialer, other))
    await until(lambda: _is_heard(dialer))

    def knows() -> bool:
        state = other.trunk_now(trunk.id)
        return state is not None and state.calls_per_second < 91

    try:
        await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))
        await until(knows, seconds=0.2)
        assert knows()
    finally:
        hearing.cancel()


async def _is_heard(dialer: Dialer) -> bool:
    channel = health_channel(dialer)
    return dict(await dialer.redis.client.pubsub_numsub(channel)).get(channel.encode(), 0) == 1
