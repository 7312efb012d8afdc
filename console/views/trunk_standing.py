"""A trunk as it stands, in a terminal and as JSON: what it could do now, what it does, what holds it back."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType

from console.views.layout import details, heading, table
from console.views.trunk_tables import TrunkPage, trunk_page_json, trunk_rows
from console.views.words import plain
from dialer.actions.look_at_trunk import TrunkStanding
from dialer.domain.breaker import Breaker
from dialer.domain.time_words import moment, span
from dialer.domain.trunk_limits_now import (
    carrier_cut,
    channels_now,
    rate_now,
    rate_words,
    why_fewer_channels,
    why_slower,
)
from dialer.domain.trunk_standing import why_shut


def standing_json(standing: TrunkStanding) -> dict[str, object]:
    """The stable form; keys are only ever appended."""
    state, facts, answer = standing.state, standing.facts, standing.answer
    return {
        **trunk_page_json(_page(standing)),
        "calls_per_second_possible": round(rate_now(state), 3),
        "channels_possible": channels_now(state),
        "lets_calls_through": state.lets_through(None),
        "peak_second": standing.peak_second,
        "channels_taken": facts.slots_taken,
        "in_doubt": facts.in_doubt,
        "queued": facts.queued,
        "holding_back": {
            "reason": answer.reason,
            "since": _iso(answer.since),
            "sentence": answer.what,
            "todo": answer.todo,
        },
        "breaker": _breaker_json(state.trunk_health.breaker),
        "account_breaker": _breaker_json(state.account_health.breaker) if state.account else None,
        "learned": {
            "calls_per_second": round(state.calls_per_second, 3) if carrier_cut(state) else None,
            "why_slower": why_slower(state),
            "why_fewer_channels": why_fewer_channels(state),
        },
    }


def standing_page(standing: TrunkStanding) -> RenderableType:
    """Everything about one trunk: first the answer, then the figures, then what is set."""
    return Group(
        heading(f"trunk {standing.name}"),
        details(
            [
                ("holding back", standing.answer.what),
                ("since", _since(standing)),
                ("what to do", standing.answer.todo),
                ("also", _also(standing)),
                ("could do now", _possible(standing)),
                ("does now", _doing(standing)),
            ]
        ),
        "",
        details(trunk_rows(_page(standing))),
    )


def standing_table(standings: Sequence[TrunkStanding]) -> RenderableType:
    """A line for each trunk."""
    rows = [
        (
            standing.name,
            f"{standing.facts.calls_now:.1f}",
            rate_words(rate_now(standing.state)),
            f"{standing.activity.open_calls:,}",
            f"{channels_now(standing.state):,}",
            f"{standing.facts.queued:,}",
            _short(standing),
        )
        for standing in standings
    ]
    columns = ("trunk", "calls/s", "of", "at once", "of", "waiting", "holding back")
    return table(columns, rows, right=(1, 2, 3, 4, 5))


def _page(standing: TrunkStanding) -> TrunkPage:
    account = standing.state.account
    accounts = {account.id: account.name} if account else {}
    return TrunkPage(trunk=standing.state.trunk, accounts=accounts, use=standing.activity)


def _also(standing: TrunkStanding) -> str:
    """A breaker, where something else is named first."""
    shut = why_shut(standing.facts)
    return shut.sentence if shut and not standing.answer.lets_nothing_through else ""


def _since(standing: TrunkStanding) -> str:
    since, now = standing.answer.since, standing.facts.now
    return f"{moment(since, now=now)}, {span(now - since)} ago" if since else ""


def _short(standing: TrunkStanding) -> str:
    answer, now = standing.answer, standing.facts.now
    reason = (
        plain(answer.reason) if answer.reason else ("nothing" if standing.facts.slots_taken is not None else "Redis")
    )
    return f"{reason} since {moment(answer.since, now=now)}" if answer.since else reason


def _possible(standing: TrunkStanding) -> str:
    state, told = standing.state, standing.answer.what
    slower, fewer = (why if why not in told else "" for why in (why_slower(state), why_fewer_channels(state)))
    rate = f"{rate_words(rate_now(state))} calls per second{f' ({slower})' if slower else ''}"
    channels = f"{channels_now(state):,} calls at once{f' ({fewer})' if fewer else ''}"
    can = f"{rate}, {channels}"
    return can if state.lets_through(None) else f"nothing; when it is well again: {can}"


def _doing(standing: TrunkStanding) -> str:
    facts = standing.facts
    parts = [f"{facts.calls_now:.1f} calls per second"]
    if standing.peak_second is not None:
        parts.append(f"{standing.peak_second:,} in the fullest second of the last minute")
    doubt = f", {facts.in_doubt:,} of them in doubt" if facts.in_doubt else ""
    parts.append(f"{standing.activity.open_calls:,} calls open{doubt}")
    parts += [f"{facts.slots_taken:,} channels taken"] if facts.slots_taken is not None else []
    parts += [f"{facts.queued:,} call jobs wait for a channel or their turn"] if facts.queued else []
    return "; ".join(parts)


def _breaker_json(breaker: Breaker) -> dict[str, object]:
    return {
        "state": breaker.state,
        "reason": breaker.reason,
        "rule": breaker.rule,
        "since": _iso(breaker.since),
        "probe_at": _iso(breaker.probe_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None
