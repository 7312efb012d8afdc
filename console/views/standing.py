"""How a campaign stands: the page of ``show``, its JSON, and the figures that ``watch`` repeats."""

from datetime import datetime

from rich.console import Group, RenderableType

from console.views.layout import details, heading, share, table
from console.views.unserved import unserved_words
from console.views.ways import way_lines, ways_json
from console.views.words import ENDED_AS, FINISHED_BECAUSE, in_order, plain
from dialer.actions.look_at_campaign import Standing
from dialer.actions.look_at_trunk import TrunkStanding
from dialer.domain.time_words import ahead, local, moment, span
from dialer.domain.trunk_limits_now import channels_now, rate_now, rate_words


def standing_json(standing: Standing) -> dict[str, object]:
    """The stable form; keys are only ever appended."""
    report, first = standing.report, standing.first
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
        "calls_per_second_now": round(first.activity.calls_per_second, 3) if first else None,
        "channels_taken": first.facts.slots_taken if first else None,
        "calls_open": first.activity.open_calls if first else None,
        "started_at": _iso(standing.campaign.started_at),
        "finished_at": _iso(standing.campaign.finished_at),
        "agent": standing.campaign.agent_name,
        "calling_hours": standing.campaign.hours.text,
        "start_at": _iso(standing.campaign.start_at),
        "end_at": _iso(standing.campaign.end_at),
        "open_now": standing.campaign.hours.is_open(standing.now),
        "agents_reported": report.reported,
        "trunks": ways_json(standing.ways),
        "trunk_choice": standing.campaign.trunk_choice,
        "unserved": dict(standing.unserved),
        "weight": standing.campaign.weight,
        "max_concurrent_calls": standing.campaign.max_concurrent_calls,
        "retries_first": standing.campaign.retries_first,
        "trunks_now": [_trunk_json(trunk) for trunk in standing.trunks],
    }


def _trunk_json(trunk: TrunkStanding) -> dict[str, object]:
    return {
        "name": trunk.name,
        "lets_calls_through": trunk.state.lets_through(None),
        "calls_per_second_now": round(trunk.activity.calls_per_second, 3),
        "calls_per_second_possible": round(rate_now(trunk.state), 3),
        "calls_open": trunk.activity.open_calls,
        "channels_taken": trunk.facts.slots_taken,
        "holding_back": trunk.answer.reason,
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
    """What its trunks do, against what they could do now; of more than one a line for each."""
    lines = [
        f"{trunk.activity.calls_per_second:.1f} of {rate_words(rate_now(trunk.state))} calls per second   "
        f"{trunk.activity.open_calls:,} of {channels_now(trunk.state):,} calls at once"
        for trunk in standing.trunks
    ]
    if len(lines) <= 1:
        return "".join(lines)
    return "\n".join(f"{trunk.name}: {line}" for trunk, line in zip(standing.trunks, lines, strict=True))


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
        *_trunks(standing),
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


def _trunks(standing: Standing) -> list[tuple[str, str]]:
    trunk, campaign = standing.trunk, standing.campaign
    lines = way_lines(standing.ways, weighted=campaign.trunk_choice == "weighted")
    share = f"weight {campaign.weight}" if campaign.weight != 1 else ""
    channels = f"{campaign.max_concurrent_calls:,} calls at once" if campaign.max_concurrent_calls else ""
    one = f"{trunk.name} ({trunk.address})" if trunk else "none"
    return [
        *([("trunk", one)] if not lines else [("trunks", line) for line in lines]),
        ("share", ", at most ".join(filter(None, (share or (channels and "weight 1"), channels)))),
        *(("no trunk", line) for line in unserved_words(standing.unserved)),
    ]


def _times(standing: Standing) -> list[tuple[str, str]]:
    campaign, now = standing.campaign, standing.now
    return [
        (label, moment(at, now=now) if at else "")
        for label, at in (("started", campaign.started_at), ("ended", campaign.finished_at))
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None
