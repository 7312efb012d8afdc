"""Why is a campaign not calling, or not faster?  One sentence, out of facts.  Pure.

The first thing that holds it back is named, from the campaign itself over our processes and LiveKit to the trunk.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime

from dialer.domain.campaign import CampaignState
from dialer.domain.time_words import ahead, moment

#: A trunk used to this share of a limit is at the limit: slots and turns come and go between two looks.
AT_THE_LIMIT = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything the sentence hangs on, seen at ``now``, the ledger's clock.

    Attributes:
        trunk: its name; None: the campaign has none, or it was removed.
        calls_now: attempts begun on the trunk per second, lately, by all campaigns.
        slots_taken: None: Redis does not answer.
        callers, feeders, rescuers: processes heard of lately.
        line: a ``LineState``, with what is known about it and since when.
        due: how many of the waiting could be called now.
        start_at, end_at: of the campaign.
        hours: its calling hours in words; empty: at any time.
        is_open: the hours are open in the campaign's own zone.
        agent: the name of its agent; None: it has none.
        agents_missed: numbers in a row for which no agent came in time.
    """

    campaign: str
    state: CampaignState
    held_reason: str | None
    trunk: str | None
    calls_per_second: float
    max_concurrent_calls: int
    calls_now: float
    slots_taken: int | None
    callers: int
    feeders: int
    rescuers: int
    line: str
    line_detail: str
    line_since: datetime
    waiting: int
    due: int
    queued: int
    in_progress: int
    in_doubt: int
    next_due_at: datetime | None
    now: datetime
    start_at: datetime | None = None
    end_at: datetime | None = None
    hours: str = ""
    is_open: bool = True
    agent: str | None = None
    agents_missed: int = 0


def holding_back(facts: Facts) -> str:
    """What holds the campaign back; when nothing does, says that it is calling."""
    return _state(facts) or _processes(facts) or _line(facts) or _people(facts) or _agents(facts) or _trunk(facts)


def _state(facts: Facts) -> str | None:
    command = f"dialer campaign {{}} {shlex.quote(facts.campaign)}"
    under_way = f"; {_calls(facts.in_progress)} under way" if facts.in_progress else ""
    match facts.state:
        case CampaignState.DRAFT:
            return f"it has not been started: `{command.format('start')}`"
        case CampaignState.PAUSED:
            return f"it is paused{under_way}: `{command.format('resume')}`"
        case CampaignState.HELD:
            return f"it is held: {facts.held_reason or 'no reason was noted'}{under_way}"
        case CampaignState.FINISHED:
            return "it is finished: nobody is left to be called"
        case CampaignState.CANCELLED:
            return f"it is cancelled: nobody is called any more{under_way}"
        case CampaignState.RUNNING if facts.trunk is None:
            return f"it has no trunk: `{command.format('edit')} --trunk NAME`"
        case CampaignState.RUNNING:
            return _begin_and_end(facts)


def _begin_and_end(facts: Facts) -> str | None:
    if facts.start_at and facts.start_at > facts.now:
        return f"it begins at {ahead(facts.start_at, now=facts.now)}"
    if facts.end_at and facts.end_at <= facts.now and facts.waiting:
        over = moment(facts.end_at, now=facts.now)
        return f"it is over since {over}: {_people_are(facts.waiting, 'not called any more')}"
    return None


def _processes(facts: Facts) -> str | None:
    missing = [
        f"no {kind}"
        for kind, count in (("caller", facts.callers), ("feeder", facts.feeders), ("rescuer", facts.rescuers))
        if not count
    ]
    if len(missing) == 3:
        return "`dialer up` does not run, and nothing calls without it"
    if missing:
        return f"{' and '.join(missing)} is running: `dialer up` starts what is missing"
    return None


def _line(facts: Facts) -> str | None:
    since = moment(facts.line_since, now=facts.now)
    match facts.line:
        case "unknown":
            return "LiveKit has not been asked yet: the feeder does so within seconds"
        case "away":
            return f"LiveKit does not answer since {since}: {facts.line_detail}"
        case "refused":
            return (
                f"LiveKit refuses our key since {since}: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, "
                "then start `dialer up` anew"
            )
        case "clock":
            return f"the clocks are apart since {since}: {facts.line_detail}"
    if facts.slots_taken is None:
        return "Redis does not answer, so the limits cannot be read, and without them nobody is called"
    return None


def _people(facts: Facts) -> str | None:
    """Nobody can be called at this moment."""
    if facts.due or facts.queued:
        return None
    if facts.waiting and facts.next_due_at and facts.hours:
        return _hours(facts, facts.next_due_at)
    if facts.waiting and facts.next_due_at:
        retries = _people_are(facts.waiting, "waiting for the time of a next attempt")
        return f"nobody is due before {ahead(facts.next_due_at, now=facts.now)}: {retries}"
    if facts.in_progress and facts.in_progress == facts.in_doubt:
        return (
            f"{_people_are(facts.in_doubt, 'in doubt')}: LiveKit is asked whether their phones rang, which takes "
            "up to 6 min, and nobody is dialed again on a guess"
        )
    if facts.in_progress:
        last = "call is" if facts.in_progress == 1 else f"{facts.in_progress} calls are"
        return f"nobody is waiting any more: the last {last} under way"
    return "nobody is waiting: import contacts, or wait a second for it to be finished"


def _hours(facts: Facts, next_due_at: datetime) -> str:
    due = f"nobody is due before {ahead(next_due_at, now=facts.now)}"
    if not facts.is_open:
        return f"it is closed ({facts.hours}), and {due}: {_people_are(facts.waiting, 'waiting')}"
    waiting = _people_are(facts.waiting, "waiting for their hours or the time of a next attempt")
    return f"{due}: {waiting} ({facts.hours})"


def _agents(facts: Facts) -> str | None:
    if not facts.agents_missed:
        return None
    busy = (
        f"{_calls(facts.in_progress)} under way, so they may all be busy" if facts.in_progress else "nobody talks now"
    )
    return (
        f"no agent named {facts.agent!r} came in time for the last {_numbers(facts.agents_missed)} ({busy}); nobody is "
        "called without one, and each is tried again after 30 s: start more workers of this agent"
    )


def _trunk(facts: Facts) -> str:
    """People are due: the trunk decides how fast."""
    taken = (facts.slots_taken or 0) / facts.max_concurrent_calls
    paced = facts.calls_now / facts.calls_per_second
    if taken >= 1 or (taken >= AT_THE_LIMIT and taken > paced):
        doubt = f", {facts.in_doubt} of them by calls in doubt" if facts.in_doubt else ""
        return (
            f"all {facts.max_concurrent_calls} channels of trunk {facts.trunk} are taken{doubt}: "
            "a call begins when another one ends"
        )
    if paced >= AT_THE_LIMIT:
        return (
            f"trunk {facts.trunk} allows {facts.calls_per_second:g} calls per second, and that is how fast it calls "
            f"({facts.calls_now:.1f} now)"
        )
    if facts.in_progress or facts.calls_now:
        return f"nothing: it is calling, {facts.calls_now:.1f} of {facts.calls_per_second:g} calls per second now"
    return (
        "nothing that is known: people are due, and the first call begins within seconds; if it does not, "
        "read what `dialer up` writes"
    )


def _calls(count: int) -> str:
    return "1 call is" if count == 1 else f"{count} calls are"


def _numbers(count: int) -> str:
    return "number" if count == 1 else f"{count} numbers"


def _people_are(count: int, what: str) -> str:
    return f"1 person is {what}" if count == 1 else f"{count:,} people are {what}"
