"""What an agent reports after its call was settled: it acts all the same, as long as nobody was called again since.

A machine that is told of so late is kept, and shown, and does not act: the call counts as answered.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from dialer.app import Dialer
from dialer.domain.agent_report import AgentReport, parse_report
from dialer.domain.phone_number import mask
from dialer.domain.retry import MOST_CALL_BACKS
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.late_reports import LateReport, note_late_reports, promise_late
from dialer.ledger.session import Transaction
from dialer.ledger.suppressed_jobs import suppress_callees

log = structlog.get_logger()

BECAUSE = "the person asked never to be called again"
#: A call back that is reported so long after its call is not made any more: nobody expects it.
LATEST = timedelta(minutes=10)


async def hear_late_reports(dialer: Dialer, reports: Mapping[UUID, Mapping[str, str]]) -> None:
    """Keep reports of attempts that have ended; safe to repeat.

    A report that is kept is not heard a second time, so what it asks for is written with it.
    """
    told = {attempt_id: report for attempt_id, report in reports.items() if report}
    if not told:
        return
    now = await dialer.ledger.now()
    async with dialer.ledger.transaction() as transaction:
        kept = await note_late_reports(transaction, told)
        said = {attempt_id: parse_report(told[attempt_id], now=now) for attempt_id in kept}
        await _suppress(transaction, kept, said)
        await _promise(transaction, kept, said, now)


async def _suppress(
    transaction: Transaction, kept: Mapping[UUID, LateReport], said: Mapping[UUID, AgentReport]
) -> None:
    entries = [
        NewSuppression(pattern=late.number, reason=BECAUSE, source=SuppressionSource.AGENT, attempt_id=attempt_id)
        for attempt_id, late in kept.items()
        if said[attempt_id].do_not_call
    ]
    if not entries:
        return
    await suppress_callees(transaction, entries)
    for entry in entries:
        log.info("late_do_not_call", attempt_id=str(entry.attempt_id), number=mask(entry.pattern))


async def _promise(
    transaction: Transaction, kept: Mapping[UUID, LateReport], said: Mapping[UUID, AgentReport], now: datetime
) -> None:
    """Who has said, now or before, never to be called again is not called back."""
    wishes = {
        attempt_id: said[attempt_id].callback_at
        for attempt_id, late in kept.items()
        if not parse_report(late.report, now=now).do_not_call
    }
    granted = {attempt_id: wish for attempt_id, wish in wishes.items() if wish}
    if not granted:
        return
    for attempt_id in await promise_late(transaction, granted, not_after=LATEST, most=MOST_CALL_BACKS):
        log.info("late_callback", attempt_id=str(attempt_id), at=granted[attempt_id].isoformat())
