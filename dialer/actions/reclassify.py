"""Runs today's rules over the kept evidence of ended attempts, for reports.  It never makes a call nor moves one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from dialer.domain.reclassification import Difference, KeptAttempt, NoEvidence, Same, Undecided, judge_again
from dialer.ledger.evidence import correct_attempts, ended_attempts
from dialer.ledger.session import Ledger

BATCH = 5000
#: So many attempts of each change are named.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Change:
    """From one judgement to another, as outcome and rule."""

    outcome_before: str
    rule_before: str
    outcome: str
    rule: str


@dataclass(kw_only=True, slots=True)
class Reclassified:
    """What today's rules say of the ended attempts.

    ``attempts`` = ``same`` + ``undecided`` + ``no_evidence`` + the sum of ``changes``.

    Attributes:
        undecided: LiveKit's rooms or webhooks decided, not the answer: they keep their outcome.
        counts_otherwise: of all that were judged: whether one counts as an attempt would differ.  Never corrected.
        corrected: so many were written.
    """

    attempts: int = 0
    same: int = 0
    undecided: int = 0
    no_evidence: int = 0
    counts_otherwise: int = 0
    corrected: int = 0
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[Difference]] = field(default_factory=dict)


async def reclassify(
    ledger: Ledger, *, campaign_id: int | None, apply: bool, on_progress: Callable[[int], None] = lambda count: None
) -> Reclassified:
    """Judge the ended attempts of one campaign, or (None) of all, again.

    Args:
        apply: write the new outcomes, blames and rules; whether an attempt counted, and what its call job did next,
            stay.
        on_progress: called with the attempts done so far.
    """
    found = Reclassified()
    last: UUID | None = None
    while batch := await ended_attempts(ledger, campaign_id=campaign_id, after=last, most=BATCH):
        differences = [difference for attempt in batch.attempts if (difference := _judge(attempt, found))]
        if apply and differences:
            found.corrected += await correct_attempts(ledger, differences)
        last = batch.last
        on_progress(found.attempts)
    return found


def _judge(attempt: KeptAttempt, found: Reclassified) -> Difference | None:
    found.attempts += 1
    match judge_again(attempt):
        case NoEvidence():
            found.no_evidence += 1
        case Undecided():
            found.undecided += 1
        case Same(counts_otherwise=otherwise):
            found.same += 1
            found.counts_otherwise += otherwise
        case Difference() as difference:
            _note(difference, found)
            return difference
    return None


def _note(difference: Difference, found: Reclassified) -> None:
    before, after = difference.attempt, difference.verdict
    change = Change(before.outcome, before.rule or "", after.outcome, after.rule)
    found.changes[change] += 1
    found.counts_otherwise += before.counted is not after.counted
    named = found.examples.setdefault(change, [])
    if len(named) < EXAMPLES:
        named.append(difference)
