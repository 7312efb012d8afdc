"""Asking LiveKit about open attempts that nobody waits for: what is kept, and how each ends."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.call_terms import TermsBook
from dialer.actions.desk import Desk
from dialer.actions.follow_calls import follow_calls
from dialer.actions.place_call import place_call
from dialer.app import Dialer
from dialer.ledger.line_status import note_sentinel
from dialer.limits.buckets import of_trunk
from dialer.telephony.line import LineBusy, Look
from tests.factories import attempt_row, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import LOST, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger


async def make_attempt(dialer: Dialer) -> UUID:
    """One attempt as far as the line's script takes it."""
    await note_sentinel(dialer.ledger, "RM_1")
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await place_call(Desk(dialer), ticket)
    return ticket.attempt_id


async def make_attempts(dialer: Dialer, count: int) -> list[UUID]:
    """Several of one campaign, one after the other."""
    await note_sentinel(dialer.ledger, "RM_1")
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=count)
    await open_epoch(dialer)
    tickets = await make_tickets(dialer, campaign)
    for ticket in tickets:
        await place_call(Desk(dialer), ticket)
    return [ticket.attempt_id for ticket in tickets]


#: Statements after which one attempt breaks: while it is judged, and while it is settled.
BREAKS_JUDGING = """UPDATE attempts SET report = '{{"dialer.callback_at": 5}}' WHERE id = '{}'"""
BREAKS_SETTLING = "ALTER TABLE attempts ADD CHECK (state <> 'ended' OR id <> '{}') NOT VALID"
POISONS = [pytest.param(BREAKS_JUDGING, id="in judging"), pytest.param(BREAKS_SETTLING, id="in settling")]


async def age(dialer: Dialer, attempt_id: UUID, **by: timedelta) -> None:
    """Move an attempt's times into the past: as if that long had gone by."""
    for column, span in by.items():
        await dialer.ledger.changed(
            f"UPDATE attempts SET {column} = {column} - %(span)s WHERE id = %(id)s",
            {"span": span, "id": attempt_id},
        )


async def look(dialer: Dialer, attempt_id: UUID) -> dict[str, object]:
    """One round of looks, and the attempt after it."""
    await follow_calls(dialer, TermsBook(dialer))
    return await attempt_row(dialer.ledger, attempt_id)


def room(dialer: Dialer, attempt_id: UUID) -> str:
    return dialer.room_name(attempt_id)


async def test_a_call_that_is_gone_at_two_looks_is_over_and_its_slot_free(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, answered_at=timedelta(seconds=60), claimed_at=timedelta(seconds=66))

    first = await look(dialer, attempt_id)
    assert (first["state"], first["doubt_since"]) == ("answered", None)
    assert first["empty_since"] is not None

    past = timedelta(seconds=6)
    await age(dialer, attempt_id, empty_since=past, looked_at=past)
    over = await look(dialer, attempt_id)

    assert (over["state"], over["outcome"], over["rule"]) == ("ended", "answered", "gone_at_two_looks")
    assert over["talk_seconds"] == pytest.approx(54, abs=1)
    assert await job_state(dialer.ledger, over["call_job_id"]) == ("finished", "reached")  # type: ignore[arg-type]
    assert await dialer.slots.leases(of_trunk(over["trunk_id"])) == {}  # type: ignore[arg-type]


async def test_a_call_that_goes_on_stays_open_with_its_slot(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    line.rooms[room(dialer, attempt_id)] = Look(present=True, status="active")

    after = await look(dialer, attempt_id)

    assert (after["state"], after["seen_status"]) == ("answered", "active")
    assert await dialer.slots.leases(of_trunk(after["trunk_id"])) == {attempt_id: True}  # type: ignore[arg-type]


async def test_a_call_is_in_doubt_and_not_over_when_livekit_has_forgotten_its_rooms(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await note_sentinel(dialer.ledger, "RM_2")

    after = await look(dialer, attempt_id)

    assert (after["state"], after["doubt_rule"]) == ("answered", "livekit_forgot")


async def test_a_call_that_was_gone_after_livekit_was_away_is_in_doubt(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    line.away = True
    await look(dialer, attempt_id)
    line.away = False

    after = await look(dialer, attempt_id)

    assert (after["state"], after["doubt_rule"]) == ("answered", "livekit_was_away")


async def test_an_empty_room_before_the_fence_is_over_proves_nothing(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, claimed_at=timedelta(seconds=90))

    after = await look(dialer, attempt_id)

    assert (after["state"], after["empty_since"]) == ("dialing", None)


async def test_doubt_ends_as_unknown_when_the_room_was_empty_for_the_whole_time(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, claimed_at=timedelta(seconds=97))
    first = await look(dialer, attempt_id)
    assert first["empty_since"] is not None

    await age(dialer, attempt_id, empty_since=timedelta(seconds=230), looked_at=timedelta(seconds=9))
    assert (await look(dialer, attempt_id))["state"] == "dialing"

    await age(dialer, attempt_id, empty_since=timedelta(seconds=11), looked_at=timedelta(seconds=9))
    over = await look(dialer, attempt_id)

    assert (over["state"], over["outcome"], over["counted"]) == ("ended", "unknown", True)
    assert await job_state(dialer.ledger, over["call_job_id"]) == ("waiting", None)  # type: ignore[arg-type]
    assert await dialer.slots.leases(of_trunk(over["trunk_id"])) == {}  # type: ignore[arg-type]


async def test_a_gap_between_the_looks_begins_the_empty_time_again(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, claimed_at=timedelta(seconds=97))
    await look(dialer, attempt_id)
    await age(dialer, attempt_id, empty_since=timedelta(seconds=300), looked_at=timedelta(seconds=60))

    assert (await look(dialer, attempt_id))["state"] == "dialing"


async def test_livekit_away_begins_the_empty_time_again(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, claimed_at=timedelta(seconds=97))
    await look(dialer, attempt_id)
    await age(dialer, attempt_id, looked_at=timedelta(seconds=9))
    line.away = True

    after = await look(dialer, attempt_id)

    assert (after["state"], after["empty_since"]) == ("dialing", None)


async def test_a_quota_that_is_used_up_only_puts_the_look_off(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await age(dialer, attempt_id, claimed_at=timedelta(seconds=97))
    before = await look(dialer, attempt_id)
    assert before["empty_since"] is not None
    await age(dialer, attempt_id, looked_at=timedelta(seconds=9))
    line.fault = LineBusy("LiveKit answers HTTP 429")

    after = await look(dialer, attempt_id)

    assert after["empty_since"] == before["empty_since"]
    assert await dialer.ledger.row("SELECT away_at FROM line_status") == {"away_at": None}


async def test_a_live_call_whose_caller_is_gone_is_adopted(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    line.rooms[room(dialer, attempt_id)] = Look(present=True, status="active")

    after = await look(dialer, attempt_id)

    assert (after["state"], after["doubt_since"]) == ("answered", None)


async def test_a_phone_that_still_rings_is_neither_over_nor_answered(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    line.rooms[room(dialer, attempt_id)] = Look(present=True, status="ringing")

    after = await look(dialer, attempt_id)

    assert (after["state"], after["seen_status"]) == ("dialing", "ringing")


async def test_a_call_listed_longer_than_it_can_last_is_removed_as_a_ghost(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    line.rooms[room(dialer, attempt_id)] = Look(present=True, status="active")
    longest = timedelta(seconds=96 + 30 + 3600 + 171)
    await age(dialer, attempt_id, claimed_at=longest - timedelta(seconds=5))
    await look(dialer, attempt_id)
    assert line.deleted == []

    await age(dialer, attempt_id, claimed_at=timedelta(seconds=6), looked_at=timedelta(seconds=9))
    await look(dialer, attempt_id)

    assert line.deleted == [room(dialer, attempt_id)]


async def test_an_attempt_whose_owner_lives_is_left_to_it(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LOST]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE attempts SET doubt_since = NULL")
    await dialer.ledger.changed(
        "INSERT INTO workers (id, kind, pid, host, version) VALUES (%(id)s, 'caller', 1, 'here', '1')",
        {"id": dialer.worker_id},
    )
    assert (await look(dialer, attempt_id))["looked_at"] is None

    await dialer.ledger.changed("UPDATE workers SET heartbeat_at = now() - interval '31 s'")
    assert (await look(dialer, attempt_id))["looked_at"] is not None


async def test_talk_time_is_counted_as_the_line_counts_it(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    fast = replace(dialer, time_scale=20.0)
    attempt_id = await make_attempt(fast)
    await age(fast, attempt_id, answered_at=timedelta(seconds=3))
    await look(fast, attempt_id)
    await age(fast, attempt_id, empty_since=timedelta(seconds=6), looked_at=timedelta(seconds=6))
    await age(fast, attempt_id, answered_at=timedelta(seconds=6))

    over = await look(fast, attempt_id)

    assert over["talk_seconds"] == pytest.approx(60, abs=10)


@pytest.mark.parametrize("poison", POISONS)
async def test_an_attempt_that_breaks_does_not_stop_the_looks_at_the_others(
    dialer: Dialer, line: ScriptedLine, poison: str
) -> None:
    line.results = [PICKED_UP]
    attempt_ids = await make_attempts(dialer, 5)
    poisoned = attempt_ids.pop(2)
    await follow_calls(dialer, TermsBook(dialer))
    past = timedelta(seconds=6)
    for attempt_id in (*attempt_ids, poisoned):
        await age(dialer, attempt_id, empty_since=past, looked_at=past)
    await dialer.ledger.changed(poison.format(poisoned))

    done = await follow_calls(dialer, TermsBook(dialer))

    rows = await dialer.ledger.rows("SELECT id FROM attempts WHERE state = 'ended'")
    assert {row["id"] for row in rows} == set(attempt_ids)
    assert (done.looked, done.ended, done.broken) == (5, 4, 1)


async def test_a_look_that_broke_is_made_again_later_and_proves_nothing(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    attempt_id = await make_attempt(dialer)
    await look(dialer, attempt_id)
    past = timedelta(seconds=6)
    await age(dialer, attempt_id, empty_since=past, looked_at=past)
    await dialer.ledger.changed(BREAKS_JUDGING.format(attempt_id))

    after = await look(dialer, attempt_id)
    assert (after["state"], after["empty_since"]) == ("answered", None)

    assert (await follow_calls(dialer, TermsBook(dialer))).looked == 0
