"""What LiveKit's webhooks about an open attempt mean.  Pure.  The table is ``docs/protocol``, row by row.

News may come late, twice and in any order: a story means the same however its pages lie.  What cannot be known: who
hung up is read from LiveKit's reason, and ``CLIENT_INITIATED`` with ``hangup`` is the callee's BYE, the carrier's BYE
and LiveKit's own end of a call that grew too long; ``ROOM_DELETED`` without a mark of ours is taken for the agent's,
and may be anybody who has the API key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from dialer.domain import agent_report
from dialer.domain.attempt import AttemptState
from dialer.domain.doubt import PICKED_UP, RANG, End, OpenAttempt
from dialer.domain.outcome import Blame, Outcome, Verdict

#: A living node has ended the call.
CERTAIN: Final = frozenset(
    {"USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "CLIENT_INITIATED", "MEDIA_FAILURE"}
)
#: Said by the server, which lists a dead node's call for some time.
BY_SERVER: Final = frozenset({"ROOM_DELETED", "PARTICIPANT_REMOVED"})
CREATED_STEP = timedelta(seconds=1)  #: ``created_at`` has whole seconds
REPORT_WAIT = timedelta(seconds=2)  #: an agent that is thrown out with the callee is told of within this

_LEFT, _ABORTED = "participant_left", "participant_connection_aborted"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsItem:
    """One kept event.  ``created_at`` is the ledger's time as far as the clocks' difference is known."""

    event: str
    kind: str | None
    identity: str | None
    reason: str | None
    call_status: str | None
    created_at: datetime
    received_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    room_metadata: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Nothing follows from it now, and nothing will."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Its owner decides, or the agent's report is about to come: look again later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """It stays open, in doubt.  ``picked_up``: somebody had answered; ``at``: the callee was last there."""

    rule: str
    picked_up: bool
    status: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """It is over.  ``ended_by``: callee, agent, dialer, time_limit, carrier or line; None when nobody had answered."""

    end: End
    end_reason: str
    ended_by: str | None


NewsFinding = Evidence | NotYet | Doubt | Over


def judge_news(
    attempt: OpenAttempt,
    items: Sequence[NewsItem],
    *,
    is_ours: bool,
    rang_for: timedelta | None = None,
    time_scale: float = 1.0,
) -> NewsFinding:
    """What the news of an attempt means.

    Args:
        items: everything kept about its room, in any order.
        is_ours: no owner waits for the POST's answer any more: it is gone, or its deadline has passed.
        rang_for: as measured on the line.
    """
    left = _decisive(items, str(attempt.attempt_id))
    if left is None:
        return Evidence()
    answered = attempt.state is AttemptState.ANSWERED or left.call_status in PICKED_UP
    may_decide = attempt.state is AttemptState.ANSWERED or attempt.doubt_since is not None or is_ours
    if not may_decide:
        return NotYet()
    if not (_is_certain(left) or (_is_by_server(left) and answered)):
        return _doubt(attempt, left, answered)
    if not answered:
        return Over(end=End(_unanswered(attempt, left)), end_reason=left.reason or "", ended_by=_by_us(attempt))
    if _report_is_coming(attempt, items, left):
        return NotYet()
    return _over(attempt, left, rang_for=rang_for, time_scale=time_scale)


def rang(items: Iterable[NewsItem], identity: str) -> bool | None:
    """Whether the callee's phone rang, by the last status it left with; None while it has not left."""
    statuses = [item.call_status for item in items if is_leaving(item, identity)]
    return any(status in RANG for status in statuses) if statuses else None


def agent_has_left(items: Iterable[NewsItem]) -> bool:
    """Whether an agent left the room; the person may be alone there now."""
    return any(item.kind == "AGENT" and item.event == _LEFT for item in items)


def reported(items: Iterable[NewsItem]) -> dict[str, str]:
    """What agents reported, as it came; see ``domain.agent_report``.  The newest word on each key counts."""
    in_order = sorted(items, key=lambda item: (item.created_at, item.received_at, item.event))
    found: dict[str, str] = {}
    for item in in_order:
        found |= agent_report.reported([], item.room_metadata)
    agents = [item.attributes for item in in_order if item.kind == "AGENT"]
    return found | agent_report.reported(agents)


def is_leaving(item: NewsItem, identity: str) -> bool:
    """Whether this participant left with it."""
    return item.identity == identity and item.event in (_LEFT, _ABORTED)


def _is_certain(left: NewsItem) -> bool:
    return left.event == _LEFT and (left.reason in CERTAIN or left.call_status == "hangup")


def _is_by_server(left: NewsItem) -> bool:
    return left.event == _LEFT and left.reason in BY_SERVER


def _decisive(items: Iterable[NewsItem], identity: str) -> NewsItem | None:
    """Of several leavings the surest, of those the first: whatever the order in which they came."""

    def weight(item: NewsItem) -> tuple[bool, bool, bool, datetime, str, str]:
        status = item.call_status or ""
        return (
            not _is_certain(item),
            not _is_by_server(item),
            status not in PICKED_UP,
            item.created_at,
            item.reason or "",
            status,
        )

    return min((item for item in items if is_leaving(item, identity)), key=weight, default=None)


def _doubt(attempt: OpenAttempt, left: NewsItem, answered: bool) -> NewsFinding:
    was_known = attempt.state is AttemptState.ANSWERED or not answered
    if attempt.doubt_since is not None and was_known:
        return Evidence()
    rule = "news_aborted" if left.event == _ABORTED else f"news_{(left.reason or 'no_reason').lower()}"
    return Doubt(rule=rule, picked_up=answered, status=left.call_status, at=_moment(attempt, left))


def _unanswered(attempt: OpenAttempt, left: NewsItem) -> Verdict:
    it_rang = left.call_status in RANG
    if attempt.marked:
        return Verdict(outcome=Outcome.CANCELLED, blame=Blame.SYSTEM, counted=it_rang, rule="news_marked", rang=it_rang)
    if it_rang and left.reason == "USER_UNAVAILABLE":
        return Verdict(outcome=Outcome.NO_ANSWER, blame=Blame.CONTACT, counted=True, rule="news_no_answer", rang=True)
    return Verdict(outcome=Outcome.UNKNOWN, blame=Blame.UNKNOWN, counted=True, rule="news_no_code", rang=it_rang)


def _report_is_coming(attempt: OpenAttempt, items: Sequence[NewsItem], left: NewsItem) -> bool:
    """Of two whom DeleteRoom throws out LiveKit tells in any order; the agent's leaving carries its report."""
    if not attempt.has_agent or not _is_by_server(left) or attempt.now - left.received_at > REPORT_WAIT:
        return False
    joined = any(item.kind == "AGENT" and item.event == "participant_joined" for item in items)
    told = any(item.event == "room_finished" or (item.kind == "AGENT" and item.event == _LEFT) for item in items)
    return joined and not told


def _over(attempt: OpenAttempt, left: NewsItem, *, rang_for: timedelta | None, time_scale: float) -> Over:
    verdict = Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule="news_left", rang=True)
    talk = _moment(attempt, left) - attempt.answered_at if attempt.answered_at else None
    on_the_line = (talk or timedelta(0)) * time_scale + (rang_for or timedelta(0))
    limit = attempt.talk_limit + attempt.ringing_timeout
    return Over(
        end=End(verdict, talk=talk),
        end_reason=left.reason or "",
        ended_by=_by_us(attempt) or _ended_by(left, is_too_long=on_the_line >= limit - CREATED_STEP),
    )


def _by_us(attempt: OpenAttempt) -> str | None:
    return "dialer" if attempt.marked else None


def _ended_by(left: NewsItem, *, is_too_long: bool) -> str:
    if left.reason in BY_SERVER:
        return "agent"
    if left.reason == "SIP_TRUNK_FAILURE":
        return "carrier"
    if left.call_status == "hangup":
        return "time_limit" if is_too_long else "callee"
    return "line"


def _moment(attempt: OpenAttempt, left: NewsItem) -> datetime:
    """When it left: as received, but webhooks are sent again for 15 s and more; never before the answer."""
    at = min(left.received_at, left.created_at + CREATED_STEP)
    return max(at, attempt.answered_at or attempt.claimed_at)
