"""Asks LiveKit one cheap thing, compares the clocks and keeps what was found where everybody can read it."""

from datetime import timedelta

import structlog

from dialer.app import Dialer
from dialer.errors import LineUnavailable
from dialer.ledger.line_status import LineState, note_line_status, note_sentinel
from dialer.telephony.line import LineRefused

log = structlog.get_logger()

#: LiveKit's ``Date`` header has whole seconds.
_DATE_STEP = timedelta(seconds=1)


async def watch_line(dialer: Dialer) -> LineState:
    """Find out whether LiveKit can be dialed through, and note it in the ledger."""
    try:
        offset = await line_clock_offset(dialer)
    except LineRefused as error:
        return await _note(dialer, LineState.REFUSED, str(error))
    except LineUnavailable as error:
        return await _note(dialer, LineState.AWAY, str(error))
    if abs(offset) > dialer.fence.clocks + _DATE_STEP:
        return await _note(dialer, LineState.CLOCK, clock_sentence(offset), offset)
    await keep_sentinel(dialer)
    return await _note(dialer, LineState.OK, "", offset)


async def line_clock_offset(dialer: Dialer) -> timedelta:
    """LiveKit's clock minus the ledger's."""
    to_livekit = await dialer.line.clock_offset()
    before = dialer.clock.now()
    to_ledger = await dialer.ledger.now() - before
    return to_livekit - to_ledger


def clock_sentence(offset: timedelta) -> str:
    """Whose clock is how far off, and what follows."""
    seconds = offset.total_seconds()
    return (
        f"LiveKit's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} PostgreSQL's; "
        "nothing is dialed while they are more than 10 s apart: set the clock of the machine that is wrong (NTP)"
    )


async def keep_sentinel(dialer: Dialer) -> None:
    """Keep a room of ours for a week: when it is gone or another one, LiveKit has forgotten its rooms."""
    try:
        sid = await dialer.line.keep_room(f"{dialer.installation}-sentinel", empty_timeout=timedelta(days=7))
    except LineUnavailable as error:
        log.warning("sentinel_not_kept", error=str(error))
        return
    await note_sentinel(dialer.ledger, sid)


async def _note(dialer: Dialer, state: LineState, detail: str, offset: timedelta | None = None) -> LineState:
    await note_line_status(
        dialer.ledger, state, detail=detail, clock_offset_seconds=offset.total_seconds() if offset is not None else None
    )
    return state
