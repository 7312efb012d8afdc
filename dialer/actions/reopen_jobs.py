"""Moves call jobs whose calling window has closed into their next one, and finishes those that have none.

Whoever waits behind closed hours is not due, so nothing is queued in vain; this is the one place where a window that
has passed, or hours that an operator has changed, are computed anew.
"""

import structlog

from dialer.app import Dialer
from dialer.ledger.campaigns import read_campaigns
from dialer.ledger.closed_jobs import BITE, expire_waiting, find_closed, give_windows

log = structlog.get_logger()

#: After so many bites other work comes first; what is left is closed, and stays so until the next round.
MOST_BITES = 10


async def reopen_jobs(dialer: Dialer) -> int:
    """Give every closed call job that is due its next window, and finish those of campaigns that are over.

    Returns:
        How many call jobs were moved or finished.
    """
    moved = 0
    for _ in range(MOST_BITES):
        bite = await expire_waiting(dialer.ledger)
        moved += bite
        if bite < BITE:
            break
    for _ in range(MOST_BITES):
        bite = await _reopen_some(dialer)
        moved += bite
        if bite < BITE:
            break
    if moved:
        log.info("call_jobs_reopened", call_jobs=moved)
    return moved


async def _reopen_some(dialer: Dialer) -> int:
    async with dialer.ledger.transaction() as transaction:
        kinds = await find_closed(transaction)
        if not kinds:
            return 0
        now = await dialer.ledger.now()
        campaigns = {each.id: each for each in await read_campaigns(transaction, {kind.campaign_id for kind in kinds})}
        openings = {kind: campaigns[kind.campaign_id].hours.next_opening(now, kind.zones) for kind in kinds}
        return await give_windows(transaction, openings)
