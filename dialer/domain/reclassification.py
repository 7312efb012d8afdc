"""Judges an ended attempt again by its kept evidence.  Pure.

The evidence is ``LineResult``'s fields, as they were when the rules were run first; of an attempt that ended before
anything was sent, or was judged by webhooks or by its room alone, there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import InDoubt, Outcome, Verdict, classify

#: The rule of an attempt whose callee had answered, as late news told: the line's answer said otherwise.
ANSWERED_AFTER_ALL: Final = "news_answered_after_all"

_FIELDS = {field.name for field in fields(LineResult)} - {"reply"}


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAttempt:
    """An ended attempt as it is in the ledger."""

    id: UUID
    number: str
    outcome: str
    blame: str | None
    rule: str | None
    counted: bool | None
    evidence: Mapping[str, Any]  # JSON, as the line told it


@dataclass(frozen=True, slots=True)
class Difference:
    """An attempt that today's rules judge otherwise."""

    attempt: KeptAttempt
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Same:
    """Today's rules say what stands.  ``counts_otherwise``: but for whether it uses up one of the person's attempts."""

    counts_otherwise: bool


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """There is nothing to be judged."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The answer alone decides nothing: it was LiveKit's rooms, or webhooks, that did."""


Judgement = Difference | Same | NoEvidence | Undecided


def judge_again(attempt: KeptAttempt) -> Judgement:
    """Run today's rules over what was kept of an attempt."""
    result = line_result(attempt.evidence)
    if result is None:
        return NoEvidence()
    if attempt.rule == ANSWERED_AFTER_ALL:
        return Undecided()
    verdict = classify(result)
    if isinstance(verdict, InDoubt):
        return Undecided()
    if _is_same(attempt, verdict):
        return Same(counts_otherwise=attempt.counted is not verdict.counted)
    return Difference(attempt, verdict)


def _is_same(attempt: KeptAttempt, verdict: Verdict) -> bool:
    """How an answered call was found to be over is told by its rule, and is no business of the classifier's."""
    if attempt.outcome == verdict.outcome is Outcome.ANSWERED:
        return True
    return (attempt.outcome, attempt.blame, attempt.rule) == (verdict.outcome, verdict.blame, verdict.rule)


def line_result(evidence: Mapping[str, Any]) -> LineResult | None:
    """The line's answer out of kept evidence; None: it holds none, or one of a shape that is no longer known."""
    try:
        reply = Reply(evidence["reply"])
    except (KeyError, ValueError):
        return None
    found = {name: value for name, value in evidence.items() if name in _FIELDS}
    if not all(_fits(name, value) for name, value in found.items()):
        return None
    return LineResult(reply=reply, **found)


def _fits(name: str, value: object) -> bool:
    return value is None or isinstance(value, _TYPES.get(name, str))


_TYPES: dict[str, type | tuple[type, ...]] = {
    "http_status": int,
    "sip_code": int,
    "seconds": (int, float),
    "ringing_timeout_seconds": (int, float),
    "rang": bool,
    "marked": bool,
}
