"""The story of one contact."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from console.views.story import story_json, story_page
from dialer.ledger.reports import ContactStory
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
        "attempts_counted": 0,
        "faults": 0,
    }
    return ContactStory(**{**standing, **changes}, attempts=[{**OPEN, **attempt} for attempt in attempts])


def told(what: ContactStory, *, width: int = 80, campaign_state: str = "running") -> str:
    page = drawn(story_page("may", what, campaign_state=campaign_state, now=NOON), width=width)
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
            ["no: it costs the person no attempt, nothing was dialed", "an attempt as soon as the trunk has room"],
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
        pytest.param(story(state="queued"), ["an attempt within seconds", "There was no attempt yet."], id="queued"),
    ],
)
def test_story(what: ContactStory, parts: list[str], width: int) -> None:
    page = told(what, width=width)
    for part in parts:
        assert part in page


def test_a_paused_campaign_calls_nobody_again() -> None:
    assert "nothing, as long as the campaign is paused" in told(story(state="waiting"), campaign_state="paused")


def test_as_json() -> None:
    what = story({**ENDED, "outcome": "busy", "rule": "sip_486", "sip_code": 486, "evidence": {"http_status": 429}})
    found = story_json("may", what, campaign_state="running", now=NOON)
    attempt = found["attempts"][0]  # type: ignore[index]  # it is a list
    assert attempt["claimed_at"] == "2026-05-04T11:57:00.000+00:00"
    assert attempt["because"] == "the carrier answered SIP 486"
    assert attempt["evidence"] == {"http_status": 429}
