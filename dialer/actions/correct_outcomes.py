"""News that comes after an attempt was settled: what it corrects, while nothing else has happened to the call job."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.settle_attempt import decide
from dialer.app import Dialer
from dialer.domain.call_job import FinishReason
from dialer.domain.late_news import Leaving, judge_late
from dialer.domain.outcome import Outcome, Verdict
from dialer.ledger.corrections import Correction, LateAttempt, correct_late, late_attempts

log = structlog.get_logger()


async def correct_outcomes(dialer: Dialer, terms: TermsBook, told: Mapping[UUID, Leaving]) -> int:
    """Correct settled attempts of which the callee's leaving tells otherwise; safe to repeat.  Says how many.

    A person who had answered is not called again.  Else the delay is that of the new outcome, from the attempt's end.
    """
    if not told:
        return 0
    corrections = []
    for late in await late_attempts(dialer.ledger, told):
        verdict = judge_late(late.kept, told[late.kept.id])
        if verdict is not None and (correction := await _correction(dialer, terms, late, verdict)):
            corrections.append(correction)
    if not corrections:
        return 0
    written = await correct_late(dialer.ledger, corrections)
    for correction in corrections:
        if correction.late.kept.id in written:
            _log(correction)
    return len(written)


async def _correction(dialer: Dialer, terms: TermsBook, late: LateAttempt, verdict: Verdict) -> Correction | None:
    if verdict.outcome is Outcome.ANSWERED:
        verdict = replace(verdict, abandoned=late.marked)
        return Correction(late=late, verdict=verdict, due_in=None, finish_reason=FinishReason.REACHED)
    known = (await terms.of([late.campaign_id])).get(late.campaign_id)
    if known is None:  # its campaign has no trunk: nobody is called
        return None
    decision = decide(
        verdict,
        history=late.history,
        policy=known.policy,
        hours=known.hours,
        zones=late.zones,
        now=late.ended_at,
        chance=dialer.chance(),
    )
    return Correction(
        late=late,
        verdict=verdict,
        due_in=decision.due_in,
        finish_reason=decision.finish_reason,
        not_before_in=decision.not_before_in,
        open_until=decision.open_until,
        hours_mark=known.hours_mark,
    )


def _log(correction: Correction) -> None:
    log.info(
        "outcome_corrected",
        attempt_id=str(correction.late.kept.id),
        campaign_id=correction.late.campaign_id,
        before=correction.late.kept.outcome,
        outcome=correction.verdict.outcome.value,
        rule=correction.verdict.rule,
        rang=correction.verdict.rang,
        next="finished" if correction.finish_reason else "waiting",
    )
