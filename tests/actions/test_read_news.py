"""News acts: calls end by it, doubt begins and ends by it, and what is lost on the way is read later."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.call_terms import TermsBook
from dialer.actions.read_news import read_news
from dialer.app import Dialer
from dialer.clock import Clock
from dialer.domain.webhook import Webhook
from dialer.ledger.events import NewEvent, attempts_with_old_news, forget_old_events, keep_events
from dialer.limits.buckets import of_trunk
from tests.actions.test_follow_calls import BREAKS_JUDGING, POISONS, age, make_attempt, make_attempts
from tests.console.running import until
from tests.factories import attempt_row, job_state
from tests.fakes import LOST, PICKED_UP, ScriptedLine
from workers.clerk import FIRST_REST, OLD, Clerk

pytestmark = pytest.mark.ledger


async def tell(dialer: Dialer, attempt_id: UUID, *, reason: str, status: str, event: str = "participant_left") -> None:
    """A webhook about the callee, committed."""
    webhook = Webhook(
        event_id=f"EV_{dialer.new_id()}",
        event=event,
        room=dialer.room_name(attempt_id),
        created_at=await dialer.ledger.now(),
        kind="SIP",
        identity=str(attempt_id),
        reason=reason,
        call_status=status,
        body={"participant": {"attributes": {"sip.callStatus": status}}},
    )
    assert await keep_events(dialer.ledger, [NewEvent(webhook, attempt_id)]) == [True]


async def unhandled(dialer: Dialer) -> int:
    row = await dialer.ledger.row("SELECT count(*) AS n FROM events WHERE handled_at IS NULL")
    assert row is not None
    return int(row["n"])


async def read(dialer: Dialer, attempt_id: UUID) -> dict[str, object]:
    await read_news(dialer, TermsBook(dialer), [attempt_id])
    return await attempt_row(dialer.ledger, attempt_id)


async def make_owner(dialer: Dialer) -> None:
    await dialer.ledger.changed(
        "INSERT INTO workers (id, kind, pid, host, version) VALUES (%(id)s, 'caller', 1, 'here', '1')",
        {"id": dialer.worker_id},
    )


async def test_an_answered_call_ends_by_its_webhook_and_frees_its_slot(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, answered_at=timedelta(seconds=60), claimed_at=timedelta(seconds=66))
    await tell(dialer, attempt_id, reason="CLIENT_INITIATED", status="hangup")

    over = await read(dialer, attempt_id)

    assert (over["state"], over["outcome"], over["rule"]) == ("ended", "answered", "news_left")
    assert (over["end_reason"], over["ended_by"]) == ("CLIENT_INITIATED", "callee")
    assert over["talk_seconds"] == pytest.approx(60, abs=1)
    assert await job_state(dialer.ledger, over["call_job_id"]) == ("finished", "reached")  # type: ignore[arg-type]
    assert await dialer.slots.leases(of_trunk(over["trunk_id"])) == {}  # type: ignore[arg-type]
    assert await unhandled(dialer) == 0


async def test_news_of_an_attempt_whose_owner_lives_waits_for_the_owner(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE attempts SET doubt_since = NULL, doubt_rule = NULL")
    await make_owner(dialer)
    await tell(dialer, attempt_id, reason="USER_UNAVAILABLE", status="ringing")

    assert (await read(dialer, attempt_id))["state"] == "dialing"
    assert await unhandled(dialer) == 1

    await dialer.ledger.changed("UPDATE workers SET heartbeat_at = now() - interval '31 s'")
    await dialer.ledger.changed("UPDATE events SET received_at = received_at - interval '6 s'")
    assert await attempts_with_old_news(dialer.ledger, older_than=OLD, most=10) == [attempt_id]
    await Clerk(dialer).read_old()

    over = await attempt_row(dialer.ledger, attempt_id)
    assert (over["state"], over["outcome"], over["rule"]) == ("ended", "no_answer", "news_no_answer")
    assert await unhandled(dialer) == 0


async def test_an_event_whose_job_was_lost_is_read_later(dialer: Dialer, line: ScriptedLine) -> None:
    """The web process was killed between the event's row and its job."""
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await tell(dialer, attempt_id, reason="CLIENT_INITIATED", status="hangup")
    clerk = Clerk(dialer)
    await clerk.read_old()
    assert (await attempt_row(dialer.ledger, attempt_id))["state"] == "answered"

    await dialer.ledger.changed("UPDATE events SET received_at = received_at - interval '6 s'")
    await clerk.read_old()
    assert (await attempt_row(dialer.ledger, attempt_id))["state"] == "ended"


async def test_a_call_whose_node_died_is_in_doubt(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await tell(dialer, attempt_id, reason="CONNECTION_TIMEOUT", status="active")

    after = await read(dialer, attempt_id)

    assert (after["state"], after["doubt_rule"]) == ("answered", "news_connection_timeout")
    assert after["doubt_since"] is not None
    assert await dialer.slots.leases(of_trunk(after["trunk_id"])) == {attempt_id: True}  # type: ignore[arg-type]


async def test_a_doubt_that_had_been_picked_up_is_answered(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await tell(dialer, attempt_id, reason="SERVER_SHUTDOWN", status="active")

    after = await read(dialer, attempt_id)

    assert (after["state"], after["doubt_rule"], after["seen_status"]) == ("answered", "reply_lost", "active")


async def test_certain_news_ends_doubt(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await make_owner(dialer)
    await tell(dialer, attempt_id, reason="USER_REJECTED", status="ringing")

    over = await read(dialer, attempt_id)

    assert (over["state"], over["outcome"], over["counted"]) == ("ended", "unknown", True)


async def test_news_of_an_attempt_that_is_over_or_never_was_changes_nothing(dialer: Dialer, line: ScriptedLine) -> None:
    attempt_id = await make_attempt(dialer)
    before = await attempt_row(dialer.ledger, attempt_id)
    await tell(dialer, attempt_id, reason="USER_REJECTED", status="ringing")
    await tell(dialer, nobody := dialer.new_id(), reason="", status="", event="room_started")

    await read_news(dialer, TermsBook(dialer), [attempt_id, nobody])

    assert await attempt_row(dialer.ledger, attempt_id) == before
    assert await unhandled(dialer) == 0


class StandingClock(Clock):
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def seconds(self) -> float:
        return self.at


@pytest.mark.parametrize("poison", POISONS)
async def test_an_attempt_that_breaks_takes_no_others_along(dialer: Dialer, line: ScriptedLine, poison: str) -> None:
    line.results = [PICKED_UP]
    attempt_ids = await make_attempts(dialer, 5)
    for attempt_id in attempt_ids:
        await tell(dialer, attempt_id, reason="CLIENT_INITIATED", status="hangup")
    poisoned = attempt_ids.pop(2)
    await dialer.ledger.changed(poison.format(poisoned))

    done = await read_news(dialer, TermsBook(dialer), [*attempt_ids[:2], poisoned, *attempt_ids[2:]])

    assert (done.ended, done.broken) == (4, (poisoned,))
    rows = await dialer.ledger.rows("SELECT id FROM attempts WHERE state = 'ended'")
    assert {row["id"] for row in rows} == set(attempt_ids)
    assert await dialer.ledger.rows("SELECT attempt_id FROM events WHERE handled_at IS NULL") == [
        {"attempt_id": poisoned}
    ]


async def test_an_attempt_that_broke_is_read_again_at_a_growing_distance(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    clock = StandingClock()
    attempt_id = await make_attempt(dialer)
    await tell(dialer, attempt_id, reason="CLIENT_INITIATED", status="hangup")
    await dialer.ledger.changed("UPDATE events SET received_at = received_at - interval '6 s'")
    await dialer.ledger.changed(BREAKS_JUDGING.format(attempt_id))
    clerk = Clerk(replace(dialer, clock=clock))
    await clerk.read_old()
    await dialer.ledger.changed("UPDATE attempts SET report = '{}'")

    async def state_after(rest: timedelta) -> object:
        clock.at += rest.total_seconds()
        await clerk.read_old()
        return (await attempt_row(dialer.ledger, attempt_id))["state"]

    assert await state_after(FIRST_REST * 0.9) == "answered"
    assert await state_after(FIRST_REST * 0.2) == "ended"
    assert await unhandled(dialer) == 0


async def test_more_news_of_an_attempt_that_rests_waits_in_the_ledger(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    rests, other = await make_attempts(dialer, 2)
    await tell(dialer, rests, reason="CLIENT_INITIATED", status="hangup")
    await dialer.ledger.changed("UPDATE events SET received_at = received_at - interval '6 s'")
    await dialer.ledger.changed(BREAKS_JUDGING.format(rests))
    clerk = Clerk(replace(dialer, clock=StandingClock()))
    await clerk.read_old()
    await dialer.ledger.changed("UPDATE attempts SET report = '{}'")
    await tell(dialer, other, reason="CLIENT_INITIATED", status="hangup")
    working = asyncio.create_task(clerk.work())

    clerk.take([rests, other])

    async def is_read() -> bool:
        return (await attempt_row(dialer.ledger, other))["state"] == "ended"

    await until(is_read)
    working.cancel()
    assert (await attempt_row(dialer.ledger, rests))["state"] == "answered"


async def test_old_events_are_forgotten_in_bites_and_open_ones_are_not(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    for _ in range(3):
        await tell(dialer, dialer.new_id(), reason="", status="", event="room_started")
    await tell(dialer, attempt_id, reason="", status="", event="room_started")
    await dialer.ledger.changed("UPDATE events SET received_at = now() - interval '8 days', handled_at = now()")

    bites = [await forget_old_events(dialer.ledger, keep=timedelta(days=7), most=2) for _ in range(3)]

    assert bites == [2, 1, 0]
    assert await dialer.ledger.rows("SELECT attempt_id FROM events") == [{"attempt_id": attempt_id}]
