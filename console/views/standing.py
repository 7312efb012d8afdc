"""How a campaign stands: the page of ``show``, its JSON, and the figures that ``watch`` repeats."""

from datetime import datetime

from rich.console import Group, RenderableType

from console.views.layout import details, heading, share, table
from console.views.words import ENDED_AS, FINISHED_BECAUSE, in_order, plain
from dialer.actions.look_at_campaign import Standing
from dialer.domain.time_words import ahead, local, moment, span


def standing_json(standing: Standing) -> dict[str, object]:
    """The stable form; keys are only ever appended."""
    report = standing.report
    return {
        "name": standing.campaign.name,
        "state": standing.campaign.state,
        "rows": report.rows,
        "rejected": report.rejected,
        "duplicates": report.duplicates,
        "contacts": report.contacts,
        "call_jobs": report.call_jobs,
        "attempts": report.attempts,
        "outcomes": report.outcomes,
        "finish_reasons": report.finish_reasons,
        "holding_back": standing.holding_back,
        "held_reason": standing.campaign.held_reason,
        "trunk": standing.trunk.name if standing.trunk else None,
        "contacts_attempted": report.contacts_attempted,
        "ringing": report.ringing,
        "talking": report.talking,
        "in_doubt": report.in_doubt,
        "due": report.due,
        "next_due_at": _iso(report.next_due_at),
        "calls_per_second_now": round(standing.use.calls_per_second, 3) if standing.use else None,
        "channels_taken": standing.slots_taken,
        "calls_open": standing.use.open_calls if standing.use else None,
        "started_at": _iso(standing.campaign.started_at),
        "finished_at": _iso(standing.campaign.finished_at),
        "agent": standing.campaign.agent_name,
        "calling_hours": standing.campaign.hours.text,
        "start_at": _iso(standing.campaign.start_at),
        "end_at": _iso(standing.campaign.end_at),
        "open_now": standing.campaign.hours.is_open(standing.now),
        "agents_reported": report.reported,
    }


def standing_page(standing: Standing) -> RenderableType:
    """Everything about one campaign on one page."""
    campaign = standing.campaign
    parts: list[RenderableType] = [
        heading(f"campaign {campaign.name}: {campaign.state}"),
        details([("holding back", standing.holding_back), *_rules(standing), *_times(standing)]),
        "",
        details(figures(standing)),
    ]
    if standing.report.outcomes:
        parts += ["", outcome_table(standing)]
    if standing.report.finish_reasons:
        parts += ["", reason_table(standing)]
    return Group(*parts)


def figures(standing: Standing) -> list[tuple[str, str]]:
    """Where everybody is, and what the trunk does now."""
    report, jobs = standing.report, standing.report.call_jobs
    doubt = f"   in doubt {report.in_doubt:,}" if report.in_doubt else ""
    now = f"ringing {report.ringing:,}   talking {report.talking:,}{doubt}"
    return [
        ("rows", _rows(standing)),
        ("people", f"{report.contacts:,}: {jobs['finished']:,} finished {_in_brackets(standing)}".rstrip()),
        ("waiting", f"{jobs['waiting'] + jobs['queued']:,}{_due(standing)}"),
        ("in progress", f"{jobs['in_progress']:,}   {now}" if jobs["in_progress"] else "0"),
        ("attempts", f"{report.attempts:,}"),
        ("trunk now", trunk_now(standing)),
    ]


def trunk_now(standing: Standing) -> str:
    """What the trunk does, against what it allows."""
    if standing.trunk is None or standing.use is None:
        return ""
    return (
        f"{standing.use.calls_per_second:.1f} of {standing.trunk.calls_per_second:g} calls per second   "
        f"{standing.use.open_calls:,} of {standing.trunk.max_concurrent_calls:,} calls at once"
    )


def outcome_table(standing: Standing) -> RenderableType:
    """How the attempts ended."""
    ended = sum(standing.report.outcomes.values())
    rows = [
        (f"  {plain(outcome)}", f"{count:,}", share(count, ended), ENDED_AS.get(outcome, ""))
        for outcome, count in in_order(standing.report.outcomes)
    ]
    return table(("attempts that ended", "", "", ""), rows, right=(1, 2))


def reason_table(standing: Standing) -> RenderableType:
    """What became of the people."""
    rows = [
        (f"  {plain(reason)}", f"{count:,}", share(count, standing.report.contacts), FINISHED_BECAUSE.get(reason, ""))
        for reason, count in in_order(standing.report.finish_reasons)
    ]
    return table(("people who are finished", "", "", ""), rows, right=(1, 2))


def _rows(standing: Standing) -> str:
    report = standing.report
    parts = [f"{report.contacts:,} people"]
    parts += [f"{report.duplicates:,} double"] if report.duplicates else []
    parts += [f"{report.rejected:,} refused"] if report.rejected else []
    return f"{report.rows:,} in the files: {', '.join(parts)}"


def _in_brackets(standing: Standing) -> str:
    percent = share(standing.report.call_jobs["finished"], standing.report.contacts)
    return f"({percent})" if percent else ""


def _due(standing: Standing) -> str:
    report = standing.report
    if not report.call_jobs["waiting"] or report.due or report.next_due_at is None:
        return f"   {report.due:,} due now" if report.due else ""
    return f"   next at {ahead(report.next_due_at, now=standing.now)}"


def _rules(standing: Standing) -> list[tuple[str, str]]:
    campaign, trunk = standing.campaign, standing.trunk
    caller_id = campaign.caller_id or (trunk.caller_id if trunk else None)
    return [
        ("trunk", f"{trunk.name} ({trunk.livekit_trunk_id})" if trunk else "none"),
        ("caller ID", caller_id or ""),
        (
            "rules",
            f"rings {span(campaign.ringing_timeout)}, talks {span(campaign.talk_limit)}, at most "
            f"{campaign.max_attempts} attempts, country {campaign.country or 'not set'}",
        ),
        ("agent", campaign.agent_name or "none"),
        ("hours", campaign.hours.text_at(standing.now)),
        *(
            (label, local(at, campaign.hours.time_zone))
            for label, at in (("begins", campaign.start_at), ("ends", campaign.end_at))
            if at
        ),
    ]


def _times(standing: Standing) -> list[tuple[str, str]]:
    campaign, now = standing.campaign, standing.now
    return [
        (label, moment(at, now=now) if at else "")
        for label, at in (("started", campaign.started_at), ("ended", campaign.finished_at))
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None
