"""What LiveKit's webhooks mean, row by row of the protocol's table, in whatever order they come."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dialer.domain.attempt import AttemptState
from dialer.domain.doubt import OpenAttempt
from dialer.domain.news import Doubt, Evidence, NewsFinding, NewsItem, NotYet, Over, judge_news, rang, reported

pytestmark = pytest.mark.unit

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ID = UUID("01938000-0000-7000-8000-000000000001")
RECORDED = Path(__file__).parents[1] / "simulator" / "recorded" / "agents.json"
STORIES: list[dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


DIALING = OpenAttempt(
    attempt_id=ID,
    state=AttemptState.DIALING,
    claimed_at=NOON,
    ringing_timeout=timedelta(seconds=30),
    talk_limit=timedelta(seconds=60),
    now=at(100),
)
ANSWERED = replace(DIALING, state=AttemptState.ANSWERED, answered_at=at(5))


def item(event: str, seconds: float = 20, *, kind: str = "SIP", reason: str | None = None, **more: Any) -> NewsItem:
    given: dict[str, Any] = {"identity": str(ID), "call_status": None, "received_at": at(seconds + 0.01)}
    return NewsItem(event=event, kind=kind, reason=reason, created_at=at(int(seconds)), **(given | more))


def left(reason: str, status: str, seconds: float = 20, **more: Any) -> NewsItem:
    return item("participant_left", seconds, reason=reason, call_status=status, **more)


def judge(attempt: OpenAttempt, *items: NewsItem, is_ours: bool = True, **more: Any) -> NewsFinding:
    return judge_news(attempt, items, is_ours=is_ours, **more)


@pytest.mark.parametrize(
    ("reason", "status", "mark", "outcome", "counted", "it_rang"),
    [
        ("USER_UNAVAILABLE", "ringing", None, "no_answer", True, True),
        ("USER_UNAVAILABLE", "dialing", None, "unknown", True, False),
        ("USER_REJECTED", "ringing", None, "unknown", True, True),
        ("USER_REJECTED", "dialing", None, "unknown", True, False),
        ("SIP_TRUNK_FAILURE", "dialing", None, "unknown", True, False),
        ("CLIENT_INITIATED", "ringing", None, "unknown", True, True),
        ("MEDIA_FAILURE", "dialing", None, "unknown", True, False),
        ("USER_UNAVAILABLE", "ringing", "cancelled", "cancelled", True, True),
        ("USER_UNAVAILABLE", "dialing", "cancelled", "cancelled", False, False),
        ("CLIENT_INITIATED", "hangup", None, "answered", True, True),
        ("CONNECTION_TIMEOUT", "hangup", None, "answered", True, True),
        ("USER_UNAVAILABLE", "active", None, "answered", True, True),
        ("MEDIA_FAILURE", "automation", None, "answered", True, True),
        ("ROOM_DELETED", "active", None, "answered", True, True),
        ("PARTICIPANT_REMOVED", "active", None, "answered", True, True),
    ],
)
def test_an_attempt_without_an_owner_ends_by_certain_news(
    reason: str, status: str, mark: str | None, outcome: str, counted: bool, it_rang: bool
) -> None:
    found = judge(replace(DIALING, mark=mark), left(reason, status))
    assert isinstance(found, Over)
    verdict = found.end.verdict
    assert (verdict.outcome, verdict.counted, verdict.rang) == (outcome, counted, it_rang)
    assert found.end_reason == reason
    assert found.end.talk is None


@pytest.mark.parametrize(
    ("reason", "status", "picked_up"),
    [
        ("CONNECTION_TIMEOUT", "ringing", False),
        ("CONNECTION_TIMEOUT", "active", True),
        ("SIGNAL_CLOSE", "ringing", False),
        ("SERVER_SHUTDOWN", "active", True),
        ("DUPLICATE_IDENTITY", "ringing", False),
        ("SOMETHING_NEW", "ringing", False),
        ("ROOM_DELETED", "ringing", False),
        ("PARTICIPANT_REMOVED", "dialing", False),
    ],
)
def test_uncertain_news_is_doubt(reason: str, status: str, picked_up: bool) -> None:
    found = judge(DIALING, left(reason, status))
    assert isinstance(found, Doubt)
    assert (found.rule, found.picked_up, found.status) == (f"news_{reason.lower()}", picked_up, status)


def test_a_connection_that_was_aborted_is_doubt_whatever_its_reason() -> None:
    aborted = item("participant_connection_aborted", reason="ROOM_DELETED", call_status="dialing")
    assert judge(DIALING, aborted) == Doubt(
        rule="news_aborted", picked_up=False, status="dialing", at=aborted.received_at
    )


def test_doubt_is_not_begun_twice_and_ended_by_certain_news() -> None:
    doubted = replace(DIALING, doubt_since=at(10), doubt_rule="reply_lost")
    assert judge(doubted, left("CONNECTION_TIMEOUT", "ringing"), is_ours=False) == Evidence()
    assert isinstance(judge(doubted, left("USER_UNAVAILABLE", "ringing"), is_ours=False), Over)


@pytest.mark.parametrize("reason", ["USER_UNAVAILABLE", "CLIENT_INITIATED", "CONNECTION_TIMEOUT", "ROOM_DELETED"])
def test_while_the_owner_waits_for_its_answer_news_is_evidence_only(reason: str) -> None:
    assert judge(DIALING, left(reason, "ringing"), is_ours=False) == NotYet()


@pytest.mark.parametrize("state", [DIALING, ANSWERED])
def test_news_of_others_and_of_the_room_ends_nothing(state: OpenAttempt) -> None:
    others = [
        item("room_started", kind="", identity=None),
        item("participant_joined", call_status="dialing"),
        left("ROOM_CLOSED", "", kind="AGENT", identity="agent-AJ_1"),
        item("room_finished", kind="", identity=None),
    ]
    assert judge(state, *others) == Evidence()


@pytest.mark.parametrize(
    ("reason", "status", "seconds", "mark", "ended_by"),
    [
        ("CLIENT_INITIATED", "hangup", 20, None, "callee"),
        ("CLIENT_INITIATED", "hangup", 92, None, "time_limit"),
        ("ROOM_DELETED", "active", 20, None, "agent"),
        ("PARTICIPANT_REMOVED", "active", 20, None, "agent"),
        ("ROOM_DELETED", "active", 20, "agent_left", "dialer"),
        ("SIP_TRUNK_FAILURE", "active", 20, None, "carrier"),
        ("MEDIA_FAILURE", "active", 20, None, "line"),
    ],
)
def test_who_ended_an_answered_call(reason: str, status: str, seconds: float, mark: str | None, ended_by: str) -> None:
    found = judge(
        replace(ANSWERED, mark=mark), left(reason, status, seconds), is_ours=False, rang_for=timedelta(seconds=4)
    )
    assert isinstance(found, Over)
    assert (found.end.verdict.outcome, found.ended_by) == ("answered", ended_by)


def test_talk_ends_when_it_was_told_and_not_when_it_was_told_again() -> None:
    first = judge(ANSWERED, left("CLIENT_INITIATED", "hangup", 20.3))
    again = judge(ANSWERED, left("CLIENT_INITIATED", "hangup", 20.3, received_at=at(35)))
    assert isinstance(first, Over)
    assert isinstance(again, Over)
    assert first.end.talk == timedelta(seconds=15.31)
    assert again.end.talk == timedelta(seconds=16)


def test_talk_is_never_negative() -> None:
    found = judge(ANSWERED, left("CLIENT_INITIATED", "hangup", 2))
    assert isinstance(found, Over)
    assert found.end.talk == timedelta(0)


def test_the_report_of_an_agent_that_is_thrown_out_too_is_waited_for() -> None:
    attempt = replace(ANSWERED, has_agent=True, now=at(20.5))
    joined = item("participant_joined", 4, kind="AGENT", identity="agent-AJ_1")
    callee = left("ROOM_DELETED", "active", 20)
    agent = left("ROOM_DELETED", "", 20, kind="AGENT", identity="agent-AJ_1")
    assert judge(attempt, joined, callee) == NotYet()
    assert isinstance(judge(attempt, joined, callee, agent), Over)
    assert isinstance(judge(replace(attempt, now=at(23)), joined, callee), Over)
    assert isinstance(judge(attempt, callee), Over)


def test_the_surest_leaving_decides_in_every_order() -> None:
    story = [
        item("participant_joined", 1, call_status="dialing"),
        left("DUPLICATE_IDENTITY", "ringing", 3),
        left("CONNECTION_TIMEOUT", "ringing", 4),
        left("USER_UNAVAILABLE", "ringing", 9),
        left("USER_UNAVAILABLE", "ringing", 9),
    ]
    found = {repr(judge(DIALING, *order)) for order in permutations(story)}
    assert len(found) == 1
    assert "no_answer" in found.pop()


def recorded(story: dict[str, Any]) -> list[NewsItem]:
    return [
        NewsItem(
            event=told["event"],
            kind=told["kind"],
            identity=str(ID) if told["identity"] == "callee" else told["identity"],
            reason=told["disconnectReason"],
            call_status=told["attributes"].get("sip.callStatus"),
            created_at=at(int(told["at_s"])),
            received_at=at(told["at_s"]),
            attributes=told["attributes"],
            room_metadata=told["room_metadata"] or "",
        )
        for told in story["webhooks"]
    ]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["case"])
def test_a_recorded_story_means_the_same_in_every_order(story: dict[str, Any]) -> None:
    items = recorded(story)
    attempt = replace(DIALING, has_agent=True)
    assert len({repr(judge(attempt, *order)) for order in permutations(items)}) == 1
    assert len({repr((rang(order, str(ID)), reported(order))) for order in permutations(items)}) == 1


def test_what_the_recorded_agent_reported() -> None:
    [story] = [story for story in STORIES if story["case"] == "agent sets attributes and deletes the room"]
    assert reported(recorded(story)) == {"dialer.amd": "human", "dialer.disposition": "booked"}


def test_a_report_in_the_metadata_and_a_value_without_end() -> None:
    metadata = item("room_finished", identity=None, room_metadata=json.dumps({"dialer.do_not_call": True}))
    agent = left("ROOM_DELETED", "", kind="AGENT", attributes={"dialer.disposition": "x" * 65_536, "other": "y"})
    found = reported([metadata, agent])
    assert found["dialer.do_not_call"] == "true"
    assert len(found["dialer.disposition"]) == 1024
    assert "other" not in found


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], None),
        ([item("participant_joined", call_status="ringing")], None),
        ([left("USER_UNAVAILABLE", "ringing")], True),
        ([left("USER_UNAVAILABLE", "dialing")], False),
        ([left("USER_UNAVAILABLE", "ringing", identity="somebody else")], None),
    ],
)
def test_whether_it_rang(items: list[NewsItem], expected: bool | None) -> None:
    assert rang(items, str(ID)) is expected
