"""Why is a campaign not calling, or not faster?  One sentence, out of facts.  Pure.

The first thing that holds it back is named, from the campaign itself over our processes and LiveKit to the trunk.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dialer.domain.campaign import CampaignState
from dialer.domain.hold_words import TrunkFacts
from dialer.domain.machinery import REDIS_AWAY, Machinery, line_trouble, missing_processes
from dialer.domain.time_words import ahead, moment
from dialer.domain.trunk_holds import HoldReason
from dialer.domain.trunk_limits_now import rate_now, rate_words
from dialer.domain.trunk_standing import Answer, why_slow

#: What holds a trunk back for every campaign that could use it.
_OF_THE_TRUNK = frozenset(
    {
        HoldReason.BREAKER,
        HoldReason.ACCOUNT_BREAKER,
        HoldReason.CHANNELS,
        HoldReason.ACCOUNT_CHANNELS,
        HoldReason.CONGESTION,
        HoldReason.RATE,
        HoldReason.ACCOUNT_RATE,
        HoldReason.LIVEKIT_QUOTA,
        HoldReason.NO_CALLERS,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything the sentence hangs on, seen at ``now``, the ledger's clock.

    Attributes:
        trunks: those it may take that were not removed.
        calls_up: call slots of its own that are taken; None: Redis does not answer.
        most_calls: at once, over all its trunks; None: no limit of its own.
        due: how many of the waiting could be called now.
        start_at, end_at: of the campaign.
        hours: its calling hours in words; empty: at any time.
        is_open: the hours are open in the campaign's own zone.
        agent: the name of its agent; None: it has none.
        agents_missed: numbers in a row for which no agent came in time.
        unserved: people who wait whose numbers no trunk of the campaign carries, by what they begin with.
    """

    campaign: str
    state: CampaignState
    held_reason: str | None
    machinery: Machinery
    trunks: tuple[TrunkFacts, ...]
    calls_up: int | None
    most_calls: int | None
    waiting: int
    due: int
    queued: int
    in_progress: int
    in_doubt: int
    next_due_at: datetime | None
    start_at: datetime | None = None
    end_at: datetime | None = None
    hours: str = ""
    is_open: bool = True
    agent: str | None = None
    agents_missed: int = 0
    unserved: Mapping[str, int] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.machinery.now


def holding_back(facts: Facts) -> str:
    """What holds the campaign back; when nothing does, says that it is calling."""
    return (
        _state(facts)
        or _standstill(facts)
        or _held_trunks(facts)
        or _people(facts)
        or _agents(facts)
        or _at_its_own_limit(facts)
        or _trunks(facts)
    )


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
        case CampaignState.RUNNING if not facts.trunks:
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


def _standstill(facts: Facts) -> str | None:
    machinery = facts.machinery
    return missing_processes(machinery) or line_trouble(machinery) or (REDIS_AWAY if facts.calls_up is None else None)


def _held_trunks(facts: Facts) -> str | None:
    """Whoever is due later would wait just as well: a person has to act."""
    shut = {trunk.name: why_slow(trunk) for trunk in facts.trunks if trunk.state.breaker.needs_a_person}
    return _all_shut(shut) if len(shut) == len(facts.trunks) and (facts.waiting or facts.queued) else None


def _people(facts: Facts) -> str | None:
    """Nobody can be called at this moment."""
    if facts.unserved and sum(facts.unserved.values()) >= facts.waiting and not facts.queued:
        return _unserved(facts)
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


def _unserved(facts: Facts) -> str:
    waiting = _people_are(sum(facts.unserved.values()), "waiting")
    return (
        f"no trunk of the campaign carries numbers that begin with {', '.join(facts.unserved)}, and {waiting} with no "
        f"others: `dialer campaign edit {shlex.quote(facts.campaign)} --trunk NAME`"
    )


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


def _at_its_own_limit(facts: Facts) -> str | None:
    if facts.most_calls is None or (facts.calls_up or 0) < facts.most_calls:
        return None
    return (
        f"all {facts.most_calls} calls at once that it is allowed itself are up, and a call begins when another one "
        f"ends: `dialer campaign edit {shlex.quote(facts.campaign)} --max-concurrent-calls N` allows more"
    )


def _trunks(facts: Facts) -> str:
    """People are due: the trunks decide how fast."""
    answers = {trunk.name: why_slow(trunk) for trunk in facts.trunks}
    shut = {name: answer for name, answer in answers.items() if answer.lets_nothing_through}
    if len(shut) == len(answers):
        return _all_shut(shut)
    at_limits = [answer for name, answer in answers.items() if name not in shut and _concerns(facts, answer)]
    if len(at_limits) + len(shut) == len(answers):
        what = "; ".join(dict.fromkeys(map(_short, at_limits)))
    else:
        what = _calling(facts, shut)
    return "; ".join([what, *map(_seen_at, shut), *([_some_unserved(facts)] if facts.unserved else [])])


def _concerns(facts: Facts, answer: Answer) -> bool:
    """Whether what holds the trunk back holds this campaign back, too."""
    return answer.reason in _OF_THE_TRUNK or (answer.reason is HoldReason.AGENTS and facts.agent is not None)


def _all_shut(shut: Mapping[str, Answer]) -> str:
    different = list({answer.what: answer for answer in shut.values()}.values())
    if len(different) == 1:
        return different[0].sentence
    whys = "; ".join(answer.what for answer in different)
    return f"none of its trunks lets calls through: {whys}; `dialer trunk show` says what to do about each"


def _short(answer: Answer) -> str:
    """A limit that is simply used needs no way out here: ``trunk show`` names it."""
    return answer.what if answer.reason in (HoldReason.RATE, HoldReason.CHANNELS) else answer.sentence


def _calling(facts: Facts, shut: Mapping[str, Answer]) -> str:
    able = [trunk for trunk in facts.trunks if trunk.name not in shut]
    calls = sum(trunk.calls_now for trunk in able)
    if facts.in_progress or calls:
        allowed = sum(rate_now(trunk.state) for trunk in able)
        return f"nothing: it is calling, {calls:.1f} of {rate_words(allowed)} calls per second now"
    return (
        "nothing that is known: people are due, and the first call begins within seconds; if it does not, "
        "read what `dialer up` writes"
    )


def _seen_at(name: str) -> str:
    return f"nothing goes out through trunk {name}: `dialer trunk show {shlex.quote(name)}` says why"


def _some_unserved(facts: Facts) -> str:
    waiting = _people_are(sum(facts.unserved.values()), "waiting")
    return f"{waiting} with numbers that none of its trunks carries ({', '.join(facts.unserved)})"


def _calls(count: int) -> str:
    return "1 call is" if count == 1 else f"{count} calls are"


def _numbers(count: int) -> str:
    return "number" if count == 1 else f"{count} numbers"


def _people_are(count: int, what: str) -> str:
    return f"1 person is {what}" if count == 1 else f"{count:,} people are {what}"
