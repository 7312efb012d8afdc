"""Which calls are looked at because nothing was heard of their trunk, on the real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.trunk_state import Health
from dialer.ledger.health import write_health
from dialer.ledger.quiet_trunks import quiet_calls
from dialer.ledger.session import Ledger
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.ledger

OLD = timedelta(seconds=6)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=2)
    await opened.open()
    await make_campaign(opened, await make_trunk(opened), numbers=30)
    yield opened
    await opened.close()


async def attempt(ledger: Ledger, job: int, *, age: float, trunk: int = 1, **more: object) -> UUID:
    """A call under way, begun ``age`` seconds ago; ``more`` are columns as they are to be instead."""
    attempt_id = uuid7()
    await ledger.changed(
        """INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, ringing_timeout_seconds,
               talk_limit_seconds, claimed_at, state, sent, mark, doubt_since)
           SELECT %(id)s, j.id, j.campaign_id, %(trunk)s, j.number, 30, 3600, now() - %(age)s, %(state)s, %(sent)s,
                  %(mark)s, CASE WHEN %(doubt)s THEN now() END
           FROM call_jobs j WHERE j.id = %(job)s""",
        {
            "id": attempt_id,
            "job": job,
            "trunk": trunk,
            "age": timedelta(seconds=age),
            "state": more.get("state", "dialing"),
            "sent": more.get("sent"),
            "mark": more.get("mark"),
            "doubt": more.get("doubt", False),
        },
    )
    return attempt_id


async def quiet(ledger: Ledger, *, most: int = 8) -> list[UUID]:
    return [call.attempt_id for call in await quiet_calls(ledger, older_than=OLD, most=most)]


async def test_the_newest_that_are_old_enough_to_have_rung_oldest_first(ledger: Ledger) -> None:
    calls = [await attempt(ledger, job, age=19.5 - job) for job in range(1, 16)]

    assert await quiet(ledger, most=4) == calls[9:13], "those begun 9.5, 8.5, 7.5 and 6.5 s ago"
    [first, *_] = await quiet_calls(ledger, older_than=OLD, most=4)
    assert (first.trunk_id, first.number) == (1, "+12125550109")


HEARD = [
    pytest.param({"state": "answered"}, 3, False, id="somebody picked up"),
    pytest.param({"state": "ended", "sent": True}, 3, False, id="one has ended"),
    pytest.param({"state": "ended", "sent": False}, 3, True, id="one was never sent"),
    pytest.param({"state": "ended", "sent": True}, 30, True, id="one ended that was begun before all of them"),
    pytest.param({}, 3, True, id="one is young"),
]


@pytest.mark.parametrize(("how", "age", "is_quiet"), HEARD)
async def test_what_else_was_heard_of_the_trunk(
    ledger: Ledger, how: dict[str, object], age: float, is_quiet: bool
) -> None:
    calls: set[UUID] = set()
    for job, begun in sorted([(1, 10.0), (2, 10.0), (3, 10.0), (9, age)], key=lambda each: -each[1]):
        if job == 9:
            await attempt(ledger, job, age=begun, **how)  # type: ignore[arg-type]
        else:
            calls.add(await attempt(ledger, job, age=begun))

    assert set(await quiet(ledger)) == (calls if is_quiet else set())


@pytest.mark.parametrize("how", [{"mark": "cancel"}, {"doubt": True}], ids=["we hung up", "in doubt"])
async def test_a_call_that_has_another_fate_is_not_looked_at(ledger: Ledger, how: dict[str, object]) -> None:
    await attempt(ledger, 1, age=10, **how)  # type: ignore[arg-type]
    other = await attempt(ledger, 2, age=10)

    assert await quiet(ledger) == [other]


@pytest.mark.parametrize("state", [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.HELD])
async def test_a_trunk_that_is_not_dialed_through_has_its_probe(ledger: Ledger, state: BreakerState) -> None:
    await attempt(ledger, 1, age=10)
    other = await make_trunk(ledger, name="other", livekit_trunk_id="ST_other")
    looked_at = await attempt(ledger, 2, age=10, trunk=other.id)
    await write_health(ledger, ("trunk", 1), Health(breaker=Breaker(state=state)))

    assert await quiet(ledger) == [looked_at]


async def test_every_trunk_has_its_own_few(ledger: Ledger) -> None:
    other = await make_trunk(ledger, name="other", livekit_trunk_id="ST_other")
    ours = [await attempt(ledger, job, age=10) for job in range(1, 6)]
    theirs = [await attempt(ledger, job, age=10, trunk=other.id) for job in range(6, 8)]
    await attempt(ledger, 20, age=2, trunk=other.id, state="answered")

    assert len(await quiet(ledger, most=3)) == 3
    assert set(await quiet(ledger)) == set(ours)
    assert not set(theirs) & set(await quiet(ledger))
