"""Attempts that are given back, on the real PostgreSQL: what becomes of their call jobs, and which they are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from dialer.ledger.given_back import attempts_into_silence, attempts_of_storm, give_back
from dialer.ledger.session import Ledger
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.ledger

SOON = timedelta(seconds=5)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=8)
    await opened.open()
    trunk = await make_trunk(opened)
    await make_campaign(opened, trunk, numbers=3, max_attempts=2)
    yield opened
    await opened.close()


async def attempt(
    ledger: Ledger,
    *,
    job: int = 1,
    age: float = 10,
    took: float = 1.0,
    outcome: str = "rejected",
    code: int | None = 603,
    rule: str = "sip_603",
    counted: bool = True,
    rang: bool = False,
    state: str = "ended",
    evidence: str = '{"seconds": 0.2}',
) -> UUID:
    """An attempt begun ``age`` seconds ago, over or not after ``took``."""
    attempt_id = uuid7()
    await ledger.changed(
        """INSERT INTO attempts (id, call_job_id, campaign_id, trunk_id, number, ringing_timeout_seconds,
               talk_limit_seconds, state, claimed_at, ended_at, outcome, counted, sent, rang, rule, sip_code, evidence)
           SELECT %(id)s, j.id, j.campaign_id, 1, j.number, 30, 3600, %(state)s, now() - %(age)s,
                  CASE WHEN %(state)s = 'ended' THEN now() - %(age)s + %(took)s END, %(outcome)s, %(counted)s, true,
                  %(rang)s, %(rule)s, %(code)s, %(evidence)s::jsonb
           FROM call_jobs j WHERE j.id = %(job)s""",
        {
            "id": attempt_id,
            "job": job,
            "state": state,
            "age": timedelta(seconds=age),
            "took": timedelta(seconds=took),
            "outcome": outcome if state == "ended" else None,
            "counted": counted if state == "ended" else None,
            "rang": rang,
            "rule": rule,
            "code": code,
            "evidence": evidence,
        },
    )
    return attempt_id


async def set_job(ledger: Ledger, *, state: str, reason: str | None = None, counted: int = 1, job: int = 1) -> None:
    await ledger.changed(
        """UPDATE call_jobs SET state = %(state)s, finish_reason = %(reason)s, attempts_counted = %(counted)s,
               due_at = now() + interval '4 h', not_before = now(), open_until = NULL WHERE id = %(job)s""",
        {"state": state, "reason": reason, "counted": counted, "job": job},
    )


async def job_now(ledger: Ledger, job: int = 1) -> tuple[str, str | None, int, bool]:
    """State, finish reason, attempts that count, and whether it is due within seconds."""
    row = await ledger.row(
        """SELECT state, finish_reason, attempts_counted, due_at < now() + interval '6 s' AS soon
           FROM call_jobs WHERE id = %(job)s""",
        {"job": job},
    )
    assert row is not None
    return row["state"], row["finish_reason"], row["attempts_counted"], row["soon"]


MOVES = [
    pytest.param("waiting", None, ("waiting", None, 0, True), id="who waits is due again"),
    pytest.param("finished", "exhausted", ("waiting", None, 0, True), id="who was exhausted by it waits again"),
    pytest.param("finished", "invalid_number", ("waiting", None, 0, True), id="whose number was believed not to exist"),
    pytest.param("finished", "failed", ("waiting", None, 0, True), id="who had failed"),
    pytest.param("finished", "unknown", ("waiting", None, 0, True), id="who was unknown"),
    pytest.param("finished", "unwanted", ("finished", "unwanted", 1, False), id="who wants no calls is not called"),
    pytest.param("finished", "suppressed", ("finished", "suppressed", 1, False), id="who is suppressed"),
    pytest.param("finished", "cancelled", ("finished", "cancelled", 1, False), id="who was cancelled"),
    pytest.param("finished", "reached", ("finished", "reached", 1, False), id="who was reached meanwhile"),
    pytest.param("queued", None, ("queued", None, 0, False), id="who is on the queue stays there"),
    pytest.param("in_progress", None, ("in_progress", None, 0, False), id="who is being called again"),
]


@pytest.mark.parametrize(("state", "reason", "after"), MOVES)
async def test_what_becomes_of_the_call_job(
    ledger: Ledger, state: str, reason: str | None, after: tuple[str, str | None, int, bool]
) -> None:
    given = await attempt(ledger)
    await set_job(ledger, state=state, reason=reason)

    assert await give_back(ledger, [given], rule="storm_603", due_in=SOON) == 1
    assert await job_now(ledger) == after


async def test_its_window_is_found_anew(ledger: Ledger) -> None:
    given = await attempt(ledger)
    await set_job(ledger, state="finished", reason="exhausted")
    await give_back(ledger, [given], rule="storm_603", due_in=SOON)

    row = await ledger.row("SELECT not_before, open_until = 'epoch' AS anew FROM call_jobs WHERE id = 1")
    assert row == {"not_before": None, "anew": True}


async def test_an_attempt_is_given_back_once_however_often_it_is_asked_for(ledger: Ledger) -> None:
    given = await attempt(ledger)
    await set_job(ledger, state="waiting", counted=2)

    told = [await give_back(ledger, [given], rule="storm_603", due_in=SOON) for _ in range(3)]

    assert told == [1, 0, 0]
    assert (await job_now(ledger))[2] == 1


async def test_two_who_give_back_at_once_do_it_once(ledger: Ledger) -> None:
    given = [await attempt(ledger, job=job) for job in (1, 2, 3) for _ in range(2)]
    for job in (1, 2, 3):
        await set_job(ledger, state="waiting", counted=2, job=job)

    told = await asyncio.gather(
        *(give_back(ledger, given[::step], rule="storm_603", due_in=SOON) for step in (1, -1, 1, -1))
    )

    assert sum(told) == 6
    assert [(await job_now(ledger, job))[2] for job in (1, 2, 3)] == [0, 0, 0]


async def test_several_attempts_of_one_contact_are_all_given_back(ledger: Ledger) -> None:
    given = [await attempt(ledger, age=age) for age in (30, 20, 10)]
    await set_job(ledger, state="finished", reason="exhausted", counted=3)

    await give_back(ledger, given, rule="storm_603", due_in=SOON)

    assert await job_now(ledger) == ("waiting", None, 0, True)


async def test_one_that_did_not_count_gives_no_attempt_back_and_makes_it_due(ledger: Ledger) -> None:
    given = await attempt(ledger, counted=False)
    await set_job(ledger, state="waiting", counted=1)

    await give_back(ledger, [given], rule="storm_403", due_in=SOON)

    assert await job_now(ledger) == ("waiting", None, 1, True)


async def test_when_a_later_attempt_decided_that_stands_and_the_count_goes_down(ledger: Ledger) -> None:
    given = await attempt(ledger, age=30)
    await attempt(ledger, age=10, outcome="busy", code=486, rule="sip_486")
    await set_job(ledger, state="waiting", counted=2)

    await give_back(ledger, [given], rule="storm_603", due_in=SOON)

    assert await job_now(ledger) == ("waiting", None, 1, False)


@pytest.mark.parametrize("state", ["dialing", "answered"])
async def test_one_that_is_not_over_is_not_given_back(ledger: Ledger, state: str) -> None:
    under_way = await attempt(ledger, state=state)
    await set_job(ledger, state="in_progress", counted=0)

    assert await give_back(ledger, [under_way], rule="storm_603", due_in=SOON) == 0
    assert (await job_now(ledger))[0] == "in_progress"


async def test_somebody_who_picked_up_is_not_given_back(ledger: Ledger) -> None:
    picked_up = await attempt(ledger, outcome="answered", code=None, rule="answered")
    await set_job(ledger, state="finished", reason="exhausted")

    assert await give_back(ledger, [picked_up], rule="no_ringing", due_in=SOON) == 0


@pytest.mark.parametrize(
    ("before", "after"), [("finished", "running"), ("paused", "paused"), ("held", "held"), ("cancelled", "cancelled")]
)
async def test_what_becomes_of_the_campaign(ledger: Ledger, before: str, after: str) -> None:
    given = await attempt(ledger)
    await set_job(ledger, state="finished", reason="exhausted")
    await ledger.changed("UPDATE campaigns SET state = %(state)s", {"state": before})

    await give_back(ledger, [given], rule="storm_603", due_in=SOON)

    assert await ledger.rows("SELECT state FROM campaigns") == [{"state": after}]
    assert (await job_now(ledger))[0] == ("finished" if before == "cancelled" else "waiting")


# -- which they are ---------------------------------------------------------------------------------------------------


async def in_storm(ledger: Ledger, *, since: float = 60, until: float = 0) -> list[UUID]:
    now = await ledger.now()
    return await attempts_of_storm(
        ledger,
        1,
        sip_code=603,
        since=now - timedelta(seconds=since),
        until=now - timedelta(seconds=until),
        most_seconds=1.5,
    )


OF_A_STORM = [
    pytest.param({}, True, id="fast, with the code"),
    pytest.param({"code": 486, "rule": "sip_486"}, False, id="another code"),
    pytest.param({"evidence": '{"seconds": 1.6}'}, False, id="slow: the person declined"),
    pytest.param({"rang": True}, False, id="it rang"),
    pytest.param({"age": 90.0}, False, id="before the storm"),
    pytest.param({"state": "dialing"}, False, id="not over yet"),
]


@pytest.mark.parametrize(("how", "counts"), OF_A_STORM)
async def test_which_attempts_a_storm_has_cost(ledger: Ledger, how: dict[str, object], counts: bool) -> None:
    victim = await attempt(ledger, **how)  # type: ignore[arg-type]
    assert await in_storm(ledger) == ([victim] if counts else [])
    assert await in_storm(ledger, since=60, until=30) == []


async def test_what_was_given_back_is_not_found_again(ledger: Ledger) -> None:
    victim = await attempt(ledger)
    await give_back(ledger, [victim], rule="storm_603", due_in=SOON)
    assert await in_storm(ledger) == []


async def rung_out(ledger: Ledger, *, age: float, evidence: str = '{"seconds": 30}', job: int = 1) -> UUID:
    """A call that nobody answered; by time alone it has rung."""
    return await attempt(
        ledger,
        job=job,
        age=age,
        took=30,
        outcome="no_answer",
        code=None,
        rule="ring_timeout",
        rang=True,
        evidence=evidence,
    )


async def into_silence(ledger: Ledger, *, opened: float) -> list[UUID]:
    """Of the last 70 seconds before it opened, so many seconds ago, and since."""
    now: datetime = await ledger.now()
    opened_at = now - timedelta(seconds=opened)
    return await attempts_into_silence(
        ledger, 1, opened_at=opened_at, since=opened_at - timedelta(seconds=70), until=now
    )


async def test_calls_that_rang_out_after_the_carrier_was_last_heard_fell_into_silence(ledger: Ledger) -> None:
    await rung_out(ledger, age=60)
    await attempt(ledger, age=50, took=5, outcome="busy", code=486, rule="sip_486", job=2)
    victims = [await rung_out(ledger, age=age) for age in (48, 40)]
    await rung_out(ledger, age=39, evidence='{"seconds": 30, "rang": true}')
    never = await rung_out(ledger, age=38, evidence='{"seconds": 30, "rang": false}')

    assert sorted(await into_silence(ledger, opened=32)) == sorted([*victims, never])


async def test_what_was_heard_after_it_had_opened_says_nothing_of_the_time_before(ledger: Ledger) -> None:
    victim = await rung_out(ledger, age=48)
    await attempt(ledger, age=45, took=32, outcome="trunk_failure", code=504, rule="sip_504", job=2)  # ends at -13
    await attempt(ledger, age=5, outcome="busy", code=486, rule="sip_486", job=3)  # its probe

    assert await into_silence(ledger, opened=32) == [victim]


async def test_nobody_is_given_back_for_a_time_long_before(ledger: Ledger) -> None:
    await rung_out(ledger, age=110)
    assert await into_silence(ledger, opened=32) == []
