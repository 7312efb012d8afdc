"""What an agent reports after its call was settled: who never wants to be called again is heard all the same.

The attempt has ended and nothing leaves that state: a call back or a machine that is reported now is kept, and shown,
and does not act.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog

from dialer.app import Dialer
from dialer.domain.agent_report import parse_report
from dialer.domain.phone_number import mask
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.news import note_late_reports
from dialer.ledger.suppressed_jobs import suppress_callees

log = structlog.get_logger()

BECAUSE = "the person asked never to be called again"


async def hear_late_reports(dialer: Dialer, reports: Mapping[UUID, Mapping[str, str]]) -> None:
    """Keep reports of attempts that have ended; safe to repeat.

    A report that is kept is not heard a second time, so what it asks for is written with it.
    """
    told = {attempt_id: report for attempt_id, report in reports.items() if report}
    if not told:
        return
    now = await dialer.ledger.now()
    async with dialer.ledger.transaction() as transaction:
        numbers = await note_late_reports(transaction, told)
        entries = [
            _suppression(attempt_id, number)
            for attempt_id, number in numbers.items()
            if parse_report(told[attempt_id], now=now).do_not_call
        ]
        if entries:
            await suppress_callees(transaction, entries)
    for entry in entries:
        log.info("late_do_not_call", attempt_id=str(entry.attempt_id), number=mask(entry.pattern))


def _suppression(attempt_id: UUID, number: str) -> NewSuppression:
    return NewSuppression(pattern=number, reason=BECAUSE, source=SuppressionSource.AGENT, attempt_id=attempt_id)
