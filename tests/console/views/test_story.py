"""The story of one contact."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from console.views.story import ToldStory, story_json, story_page
from dialer.domain.calling_window import CallingHours, parse_window
from dialer.ledger.reports import ContactStory
from dialer.ledger.suppressions import Suppression
from tests.console.views.test_views import drawn

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
#: An open attempt, with the columns of the ledger.
OPEN: dict[str, Any] = {
    "id": UUID(int=7),
    "claimed_at": NOON - timedelta(minutes=3),
    "state": "dialing",
    "mark": None,
    "ended_by": None,
    "end_reason": None,
    "has_agent": False,
    "report": {},
    "doubt_since": None,
    "doubt_rule": None,
    "ended_at": None,
    "outcome": None,
    "counted": None,
    "sent": None,
    "rang": None,
    "abandoned": False,
    "rule": None,
    "sip_code": None,
    "sip_status": None,
    "ring_seconds": None,
    "talk_seconds": None,
    "evidence": None,
    "trunk": None,
    "try_id": None,
    "is_probe": False,
    "given_back_at": None,
    "given_back_for": None,
}
ENDED = {"state": "ended", "ended_at": NOON, "counted": True, "sent": True, "rang": True}


def story(*attempts: dict[str, Any], **changes: Any) -> ContactStory:
    standing: dict[str, Any] = {
        "number": "+12125550100",
        "line": 7,
        "file_name": "people.csv",
        "data": {"name": "Ada"},
        "state": "in_progress",
        "finish_reason": None,
        "due_at": NOON,
        "not_before": None,
        "promised": False,
        "zones": "",
        "attempts_counted": 0,
        "faults": 0,
    }
    return ContactStory(**{**standing, **changes}, attempts=[{**OPEN, **attempt} for attempt in attempts])


def told(what: ContactStory, *, width: int = 80, campaign_state: str = "running") -> str:
    page = drawn(
        story_page(ToldStory(campaign="may", campaign_state=campaign_state, contact=what, now=NOON)), width=width
    )
    assert max(map(len, page.splitlines())) <= width
    return " ".join(page.split())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("what", "parts"),
    [
        pytest.param(
            story({"doubt_since": NOON - timedelta(seconds=130), "doubt_rule": "reply_lost"}),
            [
                "on the line",
                "for 2 min 10 s so far: LiveKit is being asked",
                "LiveKit's answer did not arrive: the phone may have rung",
                "nothing before this attempt has ended",
            ],
            id="in doubt",
        ),
        pytest.param(
            story(
                {
                    **ENDED,
                    "outcome": "busy",
                    "rule": "sip_486",
                    "sip_code": 486,
                    "sip_status": "Busy Here",
                    "ring_seconds": 2.04,
                    "evidence": {"http_status": 429, "message": "INVITE failed", "sip_code": 486, "marked": False},
                },
                state="waiting",
                due_at=NOON + timedelta(minutes=10),
                attempts_counted=1,
            ),
            [
                "line 7 of people.csv",
                "Attempt 1: 2026-05-04 11:57:00 UTC, busy",
                "the carrier answered SIP 486 Busy Here (rule sip_486)",
                "yes: one of its attempts is used up",
                "rang 2.0 s",
                'http status 429, message "INVITE failed"',
                "another attempt, not before 12:10:00 UTC, in 10 min",
            ],
            id="busy, and called again",
        ),
        pytest.param(
            story(
                {
                    **ENDED,
                    "outcome": "cancelled",
                    "rule": "turn_missed",
                    "counted": False,
                    "sent": False,
                    "rang": False,
                },
                state="waiting",
            ),
            ["no: it costs the person no attempt, nothing was dialed", "another attempt as soon as the trunk has room"],
            id="not sent",
        ),
        pytest.param(
            story(
                {**ENDED, "outcome": "answered", "rule": "answered_at_timeout", "abandoned": True},
                state="finished",
                finish_reason="exhausted",
                attempts_counted=1,
            ),
            ["answered (abandoned)", "the person heard nothing", "nothing: no further attempt"],
            id="abandoned, and finished",
        ),
        pytest.param(story(state="queued"), ["a call within seconds", "There was no attempt yet."], id="queued"),
    ],
)
def test_story(what: ContactStory, parts: list[str], width: int) -> None:
    page = told(what, width=width)
    for part in parts:
        assert part in page


MACHINE = {
    **ENDED,
    "outcome": "answered",
    "rule": "machine_answered",
    "has_agent": True,
    "report": {"dialer.amd": "machine-vm", "dialer.callback_at": "tomorrow"},
    "evidence": {"report_problems": ["dialer.callback_at 'tomorrow' is not a time"]},
    "ended_by": "callee",
    "end_reason": "CLIENT_INITIATED",
}


def test_what_the_agent_reported_and_who_hung_up() -> None:
    page = told(story(MACHINE, state="waiting", due_at=NOON + timedelta(hours=4), attempts_counted=1))
    assert "a machine picked up, as the agent reported (rule machine_answered)" in page
    assert "agent reported: amd machine-vm, callback at tomorrow" in page
    assert "but dialer.callback_at 'tomorrow' is not a time" in page
    assert "the person hung up, LiveKit's reason CLIENT_INITIATED" in page


def test_a_person_left_alone_by_the_agent() -> None:
    page = told(story({**MACHINE, "mark": "agent_left", "ended_by": "dialer", "end_reason": "ROOM_DELETED"}))
    assert "we hung up: the agent had left the person alone" in page


def test_an_outcome_that_late_news_has_corrected() -> None:
    evidence = {"corrected_from": "trunk_failure", "rang": True}
    page = told(story({**ENDED, "outcome": "no_answer", "rule": "sip_408", "rang": True, "evidence": evidence}))
    assert "it was trunk failure until LiveKit told that the phone rang" in page
    assert "corrected from" not in page


def test_through_which_trunk_and_why_through_this_one() -> None:
    busy = {**ENDED, "outcome": "busy", "rule": "sip_486", "sip_code": 486}
    assert "through trunk london" in told(story({**busy, "trunk": "london"}))
    went_on = told(story({**busy, "trunk": "paris", "try_id": UUID(int=6), "is_probe": True}), width=120)
    assert "trunk paris, as another one had failed before the phone rang, to try whether it is well again" in went_on


def test_an_attempt_that_was_given_back_says_why_it_does_not_count() -> None:
    given = {"given_back_at": NOON, "given_back_for": "storm_603", "counted": False, "rang": False}
    page = told(story({**ENDED, "outcome": "rejected", "rule": "sip_603", "sip_code": 603, **given}), width=120)
    assert "no: given back, as it tells nothing about the person:" in page


def test_a_call_back_that_was_promised() -> None:
    what = story(MACHINE, state="waiting", due_at=NOON + timedelta(hours=1), promised=True)
    assert "next the call back that was promised, not before 13:00:00 UTC, in 1 h" in told(what)
    assert told_as_json(what)["is_promised_callback"] is True


def test_the_hours_moved_it() -> None:
    what = story(MACHINE, state="waiting", due_at=NOON + timedelta(hours=20), not_before=NOON + timedelta(hours=4))
    assert "in 20 h: the hours moved it there from 16:00:00 UTC" in told(what)
    assert told_as_json(what)["without_the_hours_at"] == "2026-05-04T16:00:00.000+00:00"


HOURS = CallingHours(windows=(parse_window("09:00-20:00"),), time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ("", "09:00-20:00 mon-sun, Europe/Berlin: the campaign's zone, the contact's own is not known"),
        ("America/Denver", "09:00-20:00 mon-sun, America/Denver stands"),
        (
            "America/Chicago,America/Denver",
            "09:00-20:00 mon-sun, America/Chicago or America/Denver, open in all of them at once",
        ),
    ],
)
def test_on_whose_clock_the_hours_are_read(zones: str, words: str) -> None:
    told_story = ToldStory(campaign="may", campaign_state="running", contact=story(zones=zones), now=NOON, hours=HOURS)
    page = drawn(story_page(told_story), width=120)
    assert f"hours {words}" in " ".join(page.split())


def test_why_a_number_is_never_called() -> None:
    entry = Suppression(
        id=1,
        pattern="+1212",
        is_prefix=True,
        campaign=None,
        reason="asked by mail",
        source="operator",
        created_at=NOON,
        ends_at=None,
        removed_at=None,
        stands=True,
    )
    what = story(state="finished", finish_reason="suppressed")
    told_story = ToldStory(campaign="may", campaign_state="running", contact=what, now=NOON, suppressions=[entry])
    page = drawn(story_page(told_story), width=120)
    assert "never called +1212..., in all campaigns, by an operator: asked by mail" in " ".join(page.split())


def test_a_long_column_is_cut_on_the_page_and_whole_as_json() -> None:
    what = story(data={"note": "x" * 70_000})
    assert f"note {'x' * 50}" in told(what)
    assert "... (70,000 characters)" in told(what)
    assert told_as_json(what)["data"] == {"note": "x" * 70_000}


def told_as_json(what: ContactStory) -> dict[str, Any]:
    return story_json(ToldStory(campaign="may", campaign_state="running", contact=what, now=NOON))


def test_a_paused_campaign_calls_nobody_again() -> None:
    assert "nothing, as long as the campaign is paused" in told(story(state="waiting"), campaign_state="paused")


def test_as_json() -> None:
    what = story({**ENDED, "outcome": "busy", "rule": "sip_486", "sip_code": 486, "evidence": {"http_status": 429}})
    found = told_as_json(what)
    attempt = found["attempts"][0]
    assert attempt["claimed_at"] == "2026-05-04T11:57:00.000+00:00"
    assert attempt["because"] == "the carrier answered SIP 486"
    assert attempt["evidence"] == {"http_status": 429}
