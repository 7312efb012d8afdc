"""The settlement of an open attempt that nobody waits for: what the agent reported acts here."""

from dataclasses import replace

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.settle_attempt import decide
from dialer.app import Dialer
from dialer.domain.agent_report import CALLBACK_AT, AgentReport, parse_report
from dialer.domain.calling_window import CallingHours
from dialer.domain.doubt import End, OpenAttempt
from dialer.domain.outcome import Outcome, Verdict
from dialer.domain.retry import MACHINE_ANSWERED, MOST_CALL_BACKS, may_call_back
from dialer.domain.retry_policy import RetryPolicy
from dialer.ledger.attempts import FollowedAttempt
from dialer.ledger.settlements import Settlement

log = structlog.get_logger()


async def settlement_of_end(dialer: Dialer, terms: TermsBook, item: FollowedAttempt, end: End) -> Settlement:
    """How the attempt ended, with what its call job does next: a machine climbs the voicemail ladder, a call back is
    due when it was promised, and who never wants to be called again never is.
    """
    known = (await terms.of([item.campaign_id])).get(item.campaign_id)
    report = _heard(item)
    verdict = judged_with(end.verdict, report)
    decision = decide(
        verdict,
        history=item.history,
        policy=known.policy if known else RetryPolicy(),
        hours=known.hours if known else CallingHours(),
        zones=item.zones,
        now=item.open.now,
        chance=dialer.chance(),
        callback_at=None if report.do_not_call else report.callback_at,
    )
    talk = end.talk.total_seconds() * dialer.time_scale if end.talk is not None else None
    _log(item, verdict, report)
    return Settlement(
        attempt_id=item.open.attempt_id,
        verdict=verdict,
        due_in=decision.due_in,
        finish_reason=decision.finish_reason,
        not_before_in=decision.not_before_in,
        open_until=decision.open_until,
        hours_mark=known.hours_mark if known else None,
        promised=decision.promised,
        evidence=_evidence(item.open, report),
        talk_seconds=round(max(talk, 0.0), 3) if talk is not None else None,
        report=item.open.report,
        end_reason=end.end_reason,
        ended_by=end.ended_by or ("dialer" if item.open.marked else None),
        suppress="agent" if report.do_not_call else None,
        suppress_reason="the person asked never to be called again" if report.do_not_call else None,
    )


def _heard(item: FollowedAttempt) -> AgentReport:
    report = parse_report(item.open.report, now=item.open.now)
    if report.callback_at is None or may_call_back(item.history):
        return report
    problem = f"{CALLBACK_AT} does not act: the person was called back {MOST_CALL_BACKS} times"
    return replace(report, callback_at=None, problems=(*report.problems, problem))


def judged_with(verdict: Verdict, report: AgentReport) -> Verdict:
    """The verdict, when the agent says that a machine picked up."""
    if verdict.outcome is Outcome.ANSWERED and report.amd and report.amd.is_machine:
        return replace(verdict, rule=MACHINE_ANSWERED)
    return verdict


def _log(item: FollowedAttempt, verdict: Verdict, report: AgentReport) -> None:
    attempt_id = str(item.open.attempt_id)
    if verdict.outcome is not Outcome.ANSWERED:
        log.warning("doubt_ended", attempt_id=attempt_id, outcome=verdict.outcome.value)
    for problem in report.problems:
        log.warning("report_not_understood", attempt_id=attempt_id, problem=problem)


def _evidence(attempt: OpenAttempt, report: AgentReport) -> dict[str, object]:
    def at(moment: object) -> str | None:
        return None if moment is None else str(moment)

    found: dict[str, object] = {
        "last_seen_at": at(attempt.seen_at),
        "last_seen_status": attempt.seen_status,
        "doubt_since": at(attempt.doubt_since),
        "doubt_rule": attempt.doubt_rule,
    }
    return found | ({"report_problems": list(report.problems)} if report.problems else {})
