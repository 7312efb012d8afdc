"""The story of one contact: its row, every attempt with the reason for its outcome, and what comes next."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from console.views.layout import details, heading
from console.views.words import ENDED_AS, FINISHED_BECAUSE, plain
from dialer.domain.rule_words import rule_words
from dialer.domain.time_words import ahead, span
from dialer.ledger.reports import ContactStory

#: An attempt as the ledger keeps it.  Any: the columns are of many types, and this is for reading.
Attempt = Mapping[str, Any]

#: Evidence that other lines tell already, or that the campaign's rules tell.
_SAID_ELSEWHERE = {"sip_code", "sip_status", "ringing_timeout_seconds", "doubt_since", "doubt_rule"}


def story_page(campaign: str, story: ContactStory, *, campaign_state: str, now: datetime) -> RenderableType:
    """The whole story on one page."""
    parts: list[RenderableType] = [
        heading(f"{story.number} in campaign {campaign}"),
        details(
            [("row", _row(story)), *story.data.items(), ("stands", _stands(story)), *_next(story, campaign_state, now)]
        ),
    ]
    for count, attempt in enumerate(story.attempts, 1):
        parts += ["", Text(f"  Attempt {count}: {_began(attempt)}"), details(_attempt(attempt, now), indent=4)]
    if not story.attempts:
        parts += ["", Text("  There was no attempt yet.")]
    return Group(*parts)


def story_json(campaign: str, story: ContactStory, *, campaign_state: str, now: datetime) -> dict[str, object]:
    """The same, for programs; ``evidence`` is what the line told, as it came."""
    return {
        "campaign": campaign,
        "number": story.number,
        "file": story.file_name,
        "line": story.line,
        "data": story.data,
        "state": story.state,
        "finish_reason": story.finish_reason,
        "attempts_counted": story.attempts_counted,
        "next_attempt_at": _iso(story.due_at) if story.state == "waiting" else None,
        "next": " ".join(value for _, value in _next(story, campaign_state, now)),
        "attempts": [
            {name: _plain(value) for name, value in _with_words(attempt).items()} for attempt in story.attempts
        ],
    }


def _row(story: ContactStory) -> str:
    return f"line {story.line} of {story.file_name}" if story.file_name else "not from a file"


def _stands(story: ContactStory) -> str:
    counted = f"{story.attempts_counted} of its {len(story.attempts)} attempts counted"
    faults = f"; {story.faults} faults of the dialer itself, see its log" if story.faults else ""
    if story.finish_reason:
        because = FINISHED_BECAUSE.get(story.finish_reason, "")
        return f"finished, {plain(story.finish_reason)}: {because}; {counted}{faults}"
    return f"{plain(story.state)}; {counted}{faults}"


def _next(story: ContactStory, campaign_state: str, now: datetime) -> list[tuple[str, str]]:
    if campaign_state != "running" and story.state == "waiting":
        return [("next", f"nothing, as long as the campaign is {campaign_state}")]
    match story.state:
        case "waiting" if story.due_at > now:
            return [("next", f"another attempt, not before {ahead(story.due_at, now=now)}")]
        case "waiting":
            return [("next", "an attempt as soon as the trunk has room")]
        case "queued":
            return [("next", "an attempt within seconds")]
        case "in_progress":
            return [("next", "nothing before this attempt has ended")]
        case _:
            return [("next", "nothing: no further attempt")]


def _began(attempt: Attempt) -> str:
    began: datetime = attempt["claimed_at"]
    at = f"{began.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if attempt["outcome"] is None:
        return f"{at}, {'talking' if attempt['state'] == 'answered' else 'on the line'}"
    abandoned = " (abandoned)" if attempt["abandoned"] else ""
    return f"{at}, {plain(attempt['outcome'])}{abandoned}"


def _attempt(attempt: Attempt, now: datetime) -> Iterator[tuple[str, str]]:
    if attempt["outcome"] is not None:
        yield "outcome", ENDED_AS.get(attempt["outcome"], "")
        yield "because", f"{_why(attempt)} (rule {attempt['rule']})"
        yield "counted", _counted(attempt)
    yield "phone", _phone(attempt)
    if attempt["has_agent"]:
        yield "agent", _agent(attempt)
    if attempt["doubt_since"] is not None:
        yield "in doubt", _doubt(attempt, now)
    yield "evidence", _evidence(attempt)
    yield "attempt id", str(attempt["id"])


def _why(attempt: Attempt) -> str:
    return rule_words(attempt["rule"], sip_code=attempt["sip_code"], sip_status=attempt["sip_status"])


def _counted(attempt: Attempt) -> str:
    if attempt["counted"]:
        return "yes: one of its attempts is used up"
    sent = "" if attempt["sent"] else ", nothing was dialed"
    return f"no: it costs the person no attempt{sent}"


def _phone(attempt: Attempt) -> str:
    parts = []
    if attempt["ring_seconds"] is not None:
        parts.append(f"rang {attempt['ring_seconds']:.1f} s")
    elif attempt["rang"] is not None:
        parts.append("rang" if attempt["rang"] else "did not ring")
    if attempt["talk_seconds"] is not None:
        parts.append(f"talked {attempt['talk_seconds']:.1f} s")
    if attempt["mark"]:
        parts.append(f"we hung up ({plain(attempt['mark'])})")
    elif attempt["ended_by"]:
        parts.append(f"ended by the {plain(attempt['ended_by'])}")
    return ", ".join(parts)


def _agent(attempt: Attempt) -> str:
    said = ", ".join(f"{plain(key.removeprefix('dialer.'))} {value}" for key, value in attempt["report"].items())
    return f"reported: {said}" if said else "reported nothing"


def _doubt(attempt: Attempt, now: datetime) -> str:
    lasted = (attempt["ended_at"] or now) - attempt["doubt_since"]
    still = f"for {span(lasted)}" if attempt["ended_at"] else f"for {span(lasted)} so far: LiveKit is being asked"
    return f"{still}; {rule_words(attempt['doubt_rule'])}"


def _evidence(attempt: Attempt) -> str:
    found = attempt["evidence"] or {}
    told = {
        name: value for name, value in found.items() if name not in _SAID_ELSEWHERE and value not in (None, "", False)
    }
    return ", ".join(f"{plain(name)} {_short(value)}" for name, value in told.items())


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f'"{value}"' if isinstance(value, str) and " " in value else str(value)


def _with_words(attempt: Attempt) -> dict[str, object]:
    kept = {name: value for name, value in attempt.items() if name not in ("call_job_id", "campaign_id", "trunk_id")}
    return {**kept, "because": _why(attempt) if attempt["rule"] else None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | bool | dict | list) or value is None else str(value)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
