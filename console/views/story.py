"""The story of one contact: its row, every attempt with the reason for its outcome, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldStory:
    """A contact's story and what it hangs on, as it stands at ``now``.

    Attributes:
        hours: the campaign's; None: at any time.
        suppressions: the entries in force that cover the number.
    """

    campaign: str
    campaign_state: str
    contact: ContactStory
    now: datetime
    hours: CallingHours | None = None
    suppressions: Sequence[Suppression] = ()


def story_page(told: ToldStory) -> RenderableType:
    """The whole story on one page."""
    contact = told.contact
    lines = [
        ("row", _row(contact)),
        *((name, _cut(value)) for name, value in contact.data.items()),
        ("hours", _hours(contact, told.hours)),
        ("never called", "; ".join(suppression_words(entry) for entry in told.suppressions)),
        ("stands", _stands(contact)),
        ("next", _next(told)),
    ]
    parts: list[RenderableType] = [heading(f"{contact.number} in campaign {told.campaign}"), details(lines)]
    for count, attempt in enumerate(contact.attempts, 1):
        parts += ["", Text(f"  Attempt {count}: {attempt_began(attempt)}")]
        parts.append(details(attempt_lines(attempt, told.now), indent=4))
    if not contact.attempts:
        parts += ["", Text("  There was no attempt yet.")]
    return Group(*parts)


def story_json(told: ToldStory) -> dict[str, object]:
    """The same, for programs; ``evidence`` is what the line told, as it came."""
    contact = told.contact
    is_waiting = contact.state == "waiting"
    return {
        "campaign": told.campaign,
        "number": contact.number,
        "file": contact.file_name,
        "line": contact.line,
        "data": contact.data,
        "time_zones": [zone for zone in contact.zones.split(",") if zone],
        "hours": _hours(contact, told.hours) or None,
        "suppressions": [suppression_json(entry) for entry in told.suppressions],
        "state": contact.state,
        "finish_reason": contact.finish_reason,
        "attempts_counted": contact.attempts_counted,
        "next_attempt_at": _iso(contact.due_at) if is_waiting else None,
        "without_the_hours_at": _iso(contact.not_before) if is_waiting and contact.not_before else None,
        "is_promised_callback": is_waiting and contact.promised,
        "next": _next(told),
        "attempts": [
            {name: _plain(value) for name, value in _with_words(attempt).items()} for attempt in contact.attempts
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


def _next(told: ToldStory) -> str:
    story, now = told.contact, told.now
    if told.campaign_state != "running" and story.state == "waiting":
        return f"nothing, as long as the campaign is {told.campaign_state}"
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
