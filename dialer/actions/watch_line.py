"""Asks LiveKit one cheap thing, compares the clocks and keeps what was found where everybody can read it."""

from datetime import timedelta

import structlog

from dialer.app import Dialer
from dialer.clock import Clock
from dialer.errors import LineUnavailable
from dialer.ledger.line_status import LineState, note_line_status, note_sentinel, read_line_status
from dialer.ledger.session import Ledger
from dialer.telephony.line import LineBusy, LineRefused

log = structlog.get_logger()

#: LiveKit's ``Date`` header has whole seconds.
DATE_STEP = timedelta(seconds=1)
WEEK = timedelta(days=7)


async def watch_line(dialer: Dialer) -> LineState:
    """Find out whether LiveKit can be dialed through, and note it in the ledger."""
    sentinel = sentinel_room(dialer)
    try:
        pulse = await dialer.line.feel_pulse(sentinel)
        await note_sentinel(dialer.ledger, pulse.room_sid or await dialer.line.make_room(sentinel, empty_timeout=WEEK))
    except LineRefused as error:
        return await _note(dialer, LineState.REFUSED, str(error))
    except LineBusy as error:
        log.warning("line_busy", error=str(error))
        return (await read_line_status(dialer.ledger)).state
    except LineUnavailable as error:
        return await _note(dialer, LineState.AWAY, str(error))
    offset = pulse.clock_offset + await ledger_offset(dialer.ledger, dialer.clock)
    if abs(offset) > dialer.fence.clocks + DATE_STEP:
        return await _note(dialer, LineState.CLOCK, clock_sentence(offset), offset)
    return await _note(dialer, LineState.OK, "", offset)


def sentinel_room(dialer: Dialer) -> str:
    """A room of ours that is kept for a week: when it is gone or another one, LiveKit has forgotten its rooms."""
    return f"{dialer.installation}-sentinel"


async def line_clock_offset(dialer: Dialer) -> timedelta:
    """LiveKit's clock minus the ledger's."""
    pulse = await dialer.line.feel_pulse(sentinel_room(dialer))
    return pulse.clock_offset + await ledger_offset(dialer.ledger, dialer.clock)


async def ledger_offset(ledger: Ledger, clock: Clock) -> timedelta:
    """Our clock minus the ledger's."""
    before = clock.now()
    return before - await ledger.now()


def clock_sentence(offset: timedelta) -> str:
    """Whose clock is how far off, and what follows."""
    seconds = offset.total_seconds()
    return (
        f"LiveKit's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} PostgreSQL's; "
        "nothing is dialed while they are more than 10 s apart: set the clock of the machine that is wrong (NTP)"
    )


async def _note(dialer: Dialer, state: LineState, detail: str, offset: timedelta | None = None) -> LineState:
    await note_line_status(
        dialer.ledger, state, detail=detail, clock_offset_seconds=offset.total_seconds() if offset is not None else None
    )
    return state
