"""The story of one contact: its row, every attempt with the reason for its outcome, and what comes next."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from console.views.attempt_story import Attempt, attempt_began, attempt_lines, why
from console.views.layout import details, heading
from console.views.suppression_table import suppression_json, suppression_words
from console.views.words import FINISHED_BECAUSE, plain
from dialer.domain.calling_window import CallingHours
from dialer.domain.time_words import ahead, moment
from dialer.ledger.reports import ContactStory
from dialer.ledger.suppressions import Suppression

#: Of a contact's own column that is longer, its beginning is shown; ``--json`` has all of it.
_MOST_SHOWN = 200


def story_page(
    campaign: str,
    story: ContactStory,
    *,
    campaign_state: str,
    now: datetime,
    hours: CallingHours | None = None,
    suppressions: Sequence[Suppression] = (),
) -> RenderableType:
    """The whole story on one page.

    Args:
        hours: the campaign's; None: at any time.
        suppressions: the entries in force that cover the number.
    """
    lines = [
        ("row", _row(story)),
        *((name, _cut(value)) for name, value in story.data.items()),
        ("hours", _hours(story, hours)),
        ("never called", "; ".join(suppression_words(entry) for entry in suppressions)),
        ("stands", _stands(story)),
        ("next", _next(story, campaign_state, now)),
    ]
    parts: list[RenderableType] = [heading(f"{story.number} in campaign {campaign}"), details(lines)]
    for count, attempt in enumerate(story.attempts, 1):
        parts += ["", Text(f"  Attempt {count}: {attempt_began(attempt)}")]
        parts.append(details(attempt_lines(attempt, now), indent=4))
    if not story.attempts:
        parts += ["", Text("  There was no attempt yet.")]
    return Group(*parts)


def story_json(
    campaign: str,
    story: ContactStory,
    *,
    campaign_state: str,
    now: datetime,
    hours: CallingHours | None = None,
    suppressions: Sequence[Suppression] = (),
) -> dict[str, object]:
    """The same, for programs; ``evidence`` is what the line told, as it came."""
    is_waiting = story.state == "waiting"
    return {
        "campaign": campaign,
        "number": story.number,
        "file": story.file_name,
        "line": story.line,
        "data": story.data,
        "time_zones": [zone for zone in story.zones.split(",") if zone],
        "hours": _hours(story, hours) or None,
        "suppressions": [suppression_json(entry) for entry in suppressions],
        "state": story.state,
        "finish_reason": story.finish_reason,
        "attempts_counted": story.attempts_counted,
        "next_attempt_at": _iso(story.due_at) if is_waiting else None,
        "without_the_hours_at": _iso(story.not_before) if is_waiting and story.not_before else None,
        "is_promised_callback": is_waiting and story.promised,
        "next": _next(story, campaign_state, now),
        "attempts": [
            {name: _plain(value) for name, value in _with_words(attempt).items()} for attempt in story.attempts
        ],
    }


def _row(story: ContactStory) -> str:
    return f"line {story.line} of {story.file_name}" if story.file_name else "not from a file"


def _cut(value: str) -> str:
    if len(value) <= _MOST_SHOWN:
        return value
    return f"{value[:_MOST_SHOWN]}... ({len(value):,} characters)"


def _hours(story: ContactStory, hours: CallingHours | None) -> str:
    """On whose clock which hours are read; empty when the campaign calls at any time."""
    if hours is None or not hours.windows:
        return ""
    windows = "; ".join(f"{window.hours} {window.days}" for window in hours.windows)
    zones = story.zones.split(",") if story.zones else []
    if not zones:
        return f"{windows}, {hours.time_zone}: the campaign's zone, the contact's own is not known"
    together = ", open in all of them at once" if len(zones) > 1 else ""
    return f"{windows}, {' or '.join(zones)}{together}"


def _stands(story: ContactStory) -> str:
    counted = f"{story.attempts_counted} of its {len(story.attempts)} attempts counted"
    faults = f"; {story.faults} faults of the dialer itself, see its log" if story.faults else ""
    if story.finish_reason:
        because = FINISHED_BECAUSE.get(story.finish_reason, "")
        return f"finished, {plain(story.finish_reason)}: {because}; {counted}{faults}"
    return f"{plain(story.state)}; {counted}{faults}"


def _next(story: ContactStory, campaign_state: str, now: datetime) -> str:
    if campaign_state != "running" and story.state == "waiting":
        return f"nothing, as long as the campaign is {campaign_state}"
    match story.state:
        case "waiting" if story.due_at > now:
            return f"{_attempt_to_come(story)}, not before {ahead(story.due_at, now=now)}{_moved(story, now)}"
        case "waiting":
            return f"{_attempt_to_come(story)} as soon as the trunk has room"
        case "queued":
            return f"{_attempt_to_come(story)} within seconds"
        case "in_progress":
            return "nothing before this attempt has ended"
        case _:
            return "nothing: no further attempt"


def _attempt_to_come(story: ContactStory) -> str:
    return "the call back that was promised" if story.promised else "another attempt" if story.attempts else "a call"


def _moved(story: ContactStory, now: datetime) -> str:
    if story.not_before is None or story.not_before >= story.due_at:
        return ""
    return f": the hours moved it there from {moment(story.not_before, now=now)}"


def _with_words(attempt: Attempt) -> dict[str, object]:
    kept = {name: value for name, value in attempt.items() if name not in ("call_job_id", "campaign_id", "trunk_id")}
    return {**kept, "because": why(attempt) if attempt["rule"] else None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | bool | dict | list) or value is None else str(value)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
