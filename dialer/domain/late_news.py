"""Whether news that comes after an attempt was settled corrects its outcome.  Pure.

Two things only: whether the phone rang, where that decided (``outcome.rang_decides``), and that somebody had answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from dialer.domain.doubt import PICKED_UP
from dialer.domain.news import NewsItem, is_leaving, rang
from dialer.domain.outcome import Blame, Outcome, Verdict, classify
from dialer.domain.reclassification import ANSWERED_AFTER_ALL, KeptAttempt, line_result

_PICKED_UP: Final = Verdict(
    outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule=ANSWERED_AFTER_ALL, rang=True
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the callee's leaving told of its phone."""

    rang: bool
    picked_up: bool


def leaving_of(items: Iterable[NewsItem], identity: str) -> Leaving | None:
    """Out of everything kept about its room; None: the callee has not left, or was never there."""
    told = list(items)
    it_rang = rang(told, identity)
    if it_rang is None:
        return None
    return Leaving(it_rang, any(item.call_status in PICKED_UP for item in told if is_leaving(item, identity)))


def judge_late(attempt: KeptAttempt, left: Leaving) -> Verdict | None:
    """How the settled attempt is to be judged now; None: as it was.

    An attempt that has counted goes on counting: no counter goes back.  What was not judged by the line's answer, or
    was judged anew since, stays as it is.
    """
    if left.picked_up:
        return None if attempt.outcome == Outcome.ANSWERED else _PICKED_UP
    result = line_result(attempt.evidence)
    if result is None:
        return None
    before, after = classify(result), classify(replace(result, rang=left.rang))
    if not (isinstance(before, Verdict) and isinstance(after, Verdict)):
        return None
    if (attempt.outcome, attempt.rule) != (before.outcome, before.rule):
        return None
    after = replace(after, counted=after.counted or bool(attempt.counted))
    return after if (after.outcome, after.counted) != (attempt.outcome, attempt.counted) else None
