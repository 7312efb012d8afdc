"""Late news corrects an outcome, while the call job waits and nothing else has happened to it."""

import json
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import pytest

from dialer.actions.audit_ledger import audit
from dialer.actions.call_terms import TermsBook
from dialer.actions.desk import Desk
from dialer.actions.place_call import place_call
from dialer.actions.read_news import read_news
from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.calling_window import CallingHours, parse_window
from dialer.domain.late_news import Leaving, judge_late
from dialer.domain.line_result import LineResult, Reply
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.corrections import Correction, correct_late, late_attempts
from dialer.ledger.figures import read_figures
from tests.actions.test_follow_calls import make_attempt
from tests.actions.test_read_news import tell, unhandled
from tests.factories import attempt_row, job_state, make_tickets
from tests.fakes import BUSY, ScriptedLine

pytestmark = pytest.mark.ledger

UNAVAILABLE = LineResult(reply=Reply.REFUSED, sip_code=480, seconds=1.0)
TIMED_OUT = LineResult(reply=Reply.REFUSED, sip_code=408, seconds=1.0)
HOUR = timedelta(hours=1)


async def hear(dialer: Dialer, attempt_id: UUID, status: str) -> dict[str, object]:
    """The callee's leaving comes now; the attempt after it."""
    await tell(dialer, attempt_id, reason="USER_UNAVAILABLE", status=status)
    await read_news(dialer, TermsBook(dialer), [attempt_id])
    assert await unhandled(dialer) == 0
    return await attempt_row(dialer.ledger, attempt_id)


async def job_of(dialer: Dialer) -> dict[str, object]:
    row = await dialer.ledger.row("SELECT * FROM call_jobs")
    assert row is not None
    return row


async def corrections(dialer: Dialer) -> list[tuple[str, str]]:
    rows = await dialer.ledger.rows("SELECT outcome_before, outcome FROM corrections")
    return [(row["outcome_before"], row["outcome"]) for row in rows]


async def assert_sound(dialer: Dialer) -> None:
    found = await audit(dialer.ledger, None)
    assert [checked for checked in found.checked if checked.broken] == []


async def test_a_phone_that_rang_after_all_waits_as_long_as_after_no_answer(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    ended_at = (await attempt_row(dialer.ledger, attempt_id))["ended_at"]
    assert isinstance(ended_at, datetime)

    after = await hear(dialer, attempt_id, "ringing")

    assert (after["outcome"], after["rang"], after["counted"], after["rule"]) == ("no_answer", True, True, "sip_480")
    job = await job_of(dialer)
    assert (job["state"], job["attempts_counted"]) == ("waiting", 1)
    assert job["due_at"] == pytest.approx(ended_at + 2 * HOUR, abs=timedelta(seconds=1)), "by no_answer's ladder"
    assert await corrections(dialer) == [("unavailable", "no_answer")]
    assert (await read_figures(dialer.ledger)).corrections == {("trunk", "unavailable", "no_answer"): 1}
    await assert_sound(dialer)


async def test_an_attempt_that_rang_after_all_counts(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [TIMED_OUT]
    attempt_id = await make_attempt(dialer)
    assert (await job_of(dialer))["attempts_counted"] == 0

    after = await hear(dialer, attempt_id, "ringing")

    assert (after["outcome"], after["counted"]) == ("no_answer", True)
    assert (await job_of(dialer))["attempts_counted"] == 1
    await assert_sound(dialer)


async def test_the_last_attempt_that_counts_after_all_ends_the_call_job(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [TIMED_OUT]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE campaigns SET max_attempts = 1")
    await hear(dialer, attempt_id, "ringing")
    job = await job_of(dialer)
    assert (job["state"], job["finish_reason"]) == ("finished", "exhausted")


async def test_an_attempt_that_did_not_ring_after_all_goes_on_counting(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [LineResult(reply=Reply.REFUSED, sip_code=408, seconds=9.0)]
    attempt_id = await make_attempt(dialer)

    after = await hear(dialer, attempt_id, "dialing")

    assert (after["outcome"], after["rang"], after["counted"]) == ("trunk_failure", False, True)
    assert (await job_of(dialer))["attempts_counted"] == 1
    await assert_sound(dialer)


async def test_a_person_who_had_answered_is_not_called_again(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [BUSY]
    attempt_id = await make_attempt(dialer)

    after = await hear(dialer, attempt_id, "hangup")

    assert (after["outcome"], after["rule"]) == ("answered", "news_answered_after_all")
    assert await job_state(dialer.ledger, after["call_job_id"]) == ("finished", "reached")  # type: ignore[arg-type]
    assert await corrections(dialer) == [("busy", "answered")]
    await assert_sound(dialer)


@pytest.mark.parametrize("state", ["queued", "in_progress", "finished"])
async def test_only_a_call_job_that_waits_is_corrected(dialer: Dialer, line: ScriptedLine, state: str) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET state = %(state)s", {"state": state})

    after = await hear(dialer, attempt_id, "active")

    assert after["outcome"] == "unavailable"
    assert await corrections(dialer) == []


async def test_an_attempt_that_another_one_followed_stays_as_it_is(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    first = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now()")
    row = await dialer.ledger.row("SELECT name FROM campaigns")
    assert row is not None
    [ticket] = await make_tickets(dialer, await find_campaign(dialer.ledger, row["name"]))
    await place_call(Desk(dialer), ticket)
    assert await job_state(dialer.ledger, ticket.call_job_id) == ("waiting", None)

    assert (await hear(dialer, first, "active"))["outcome"] == "unavailable"
    assert (await hear(dialer, ticket.attempt_id, "active"))["outcome"] == "answered"


async def test_a_call_back_that_was_promised_keeps_its_time(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET promised = true")
    before = await job_of(dialer)
    await hear(dialer, attempt_id, "ringing")
    assert await job_of(dialer) == before


async def test_news_that_comes_twice_corrects_once(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    first = await hear(dialer, attempt_id, "ringing")
    assert await hear(dialer, attempt_id, "ringing") == first
    assert len(await corrections(dialer)) == 1


async def test_the_new_time_lies_in_the_calling_hours(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    opens = (await dialer.ledger.now() + 3 * HOUR).replace(second=0, microsecond=0)
    window = parse_window(f"{opens:%H:%M}-{opens + HOUR:%H:%M}")
    await dialer.ledger.changed(
        "UPDATE campaigns SET time_zone = 'UTC', calling_hours = %(hours)s::jsonb",
        {"hours": json.dumps(CallingHours(windows=(window,), closed_hours_count=True).to_json())},
    )

    await hear(dialer, attempt_id, "ringing")

    job = await job_of(dialer)
    assert (job["due_at"], job["open_until"]) == (opens, opens + HOUR - timedelta(seconds=30))


async def test_hours_that_were_edited_meanwhile_are_computed_anew(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET open_until = 'epoch'")
    await hear(dialer, attempt_id, "ringing")
    row = await dialer.ledger.row("SELECT open_until = 'epoch' AS is_anew FROM call_jobs")
    assert row == {"is_anew": True}


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param("UPDATE call_jobs SET due_at = due_at + interval '1 s'", id="another attempt was settled"),
        pytest.param("UPDATE call_jobs SET state = 'queued'", id="it was released"),
        pytest.param("UPDATE attempts SET rule = 'judged_anew'", id="the attempt was judged anew"),
    ],
)
async def test_what_has_changed_since_it_was_read_is_left_alone(
    dialer: Dialer, line: ScriptedLine, meanwhile: LiteralString
) -> None:
    line.results = [UNAVAILABLE]
    attempt_id = await make_attempt(dialer)
    [late] = await late_attempts(dialer.ledger, {attempt_id: Leaving(rang=True, picked_up=True)})
    verdict = judge_late(late.kept, Leaving(rang=True, picked_up=True))
    assert verdict is not None
    correction = Correction(late=late, verdict=verdict, due_in=None, finish_reason=FinishReason.REACHED)
    await dialer.ledger.changed(meanwhile)

    assert await correct_late(dialer.ledger, [correction]) == set()
    assert (await attempt_row(dialer.ledger, attempt_id))["outcome"] == "unavailable"
