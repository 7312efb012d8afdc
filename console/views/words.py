"""Stored words as people read them: states, outcomes, finish reasons, and what each of them means."""

from dialer.domain.call_job import FinishReason
from dialer.domain.outcome import Outcome

FINISHED_BECAUSE: dict[str, str] = {
    FinishReason.REACHED: "somebody or something picked up",
    FinishReason.EXHAUSTED: "called as often as allowed, not reached",
    FinishReason.SUPPRESSED: "on the suppression list, not called",
    FinishReason.INVALID_NUMBER: "the number is not in use",
    FinishReason.UNWANTED: "asked never to be called again",
    FinishReason.CANCELLED: "the campaign was cancelled before",
    FinishReason.EXPIRED: "too late to be called",
    FinishReason.UNKNOWN: "the last attempt may have rung; nobody can say",
    FinishReason.FAILED: "ours or the line's fault, again and again",
}

ENDED_AS: dict[str, str] = {
    Outcome.ANSWERED: "picked up",
    Outcome.BUSY: "busy, or declined with a key",
    Outcome.NO_ANSWER: "rang, and nobody picked up",
    Outcome.REJECTED: "declined, or refused by the network",
    Outcome.UNAVAILABLE: "switched off or out of reach",
    Outcome.INVALID_NUMBER: "no such number",
    Outcome.UNWANTED: "marked as unwanted by the person",
    Outcome.BLOCKED: "our number is blocked on the way",
    Outcome.CONGESTION: "above the carrier's limit; tried again",
    Outcome.TRUNK_FAILURE: "the carrier or the way to it failed",
    Outcome.CONFIG_ERROR: "the set-up of trunk or LiveKit is wrong",
    Outcome.SYSTEM_ERROR: "LiveKit failed, nothing was dialed",
    Outcome.CANCELLED: "called off before it was over",
    Outcome.UNKNOWN: "may have rung; nobody can say",
}


def plain(word: str) -> str:
    """``no_answer`` as ``no answer``."""
    return word.replace("_", " ")


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def by_kind(outcomes: dict[str, int]) -> list[tuple[str, int]]:
    """In the order of the glossary, so that figures which are renewed keep their places."""
    return [(outcome, outcomes[outcome]) for outcome in Outcome if outcome in outcomes]


def in_order(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Largest first; equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
