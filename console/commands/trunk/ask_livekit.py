"""Asks LiveKit about a trunk before it is written down."""

from console.open_line import is_set, open_line
from console.session import Session
from console.terminal import say
from dialer.actions.check_line import caller_id_warning, check_trunk
from dialer.domain.trunk import TrunkSettings
from dialer.errors import LineUnavailable
from dialer.telephony.line import LiveKitTrunk


async def ask_livekit(session: Session, settings: TrunkSettings, *, no_check: bool) -> LiveKitTrunk | None:
    """The trunk as LiveKit has it; None: nobody was asked, and why is said.

    Raises:
        InvalidInput: LiveKit does not know it, or would send calls without a caller ID.
        LineUnavailable: LiveKit does not answer.
    """
    if settings.livekit_trunk_id is None:
        say(f"This trunk goes with each call: only a call shows whether {settings.address} takes it (`dialer call`).")
        return None
    if no_check:
        return None
    if not is_set(session.settings):
        say("LIVEKIT_URL is not set, so nobody was asked whether LiveKit knows this trunk.")
        return None
    async with open_line(session.settings) as line:
        try:
            known = await line.outbound_trunks()
        except LineUnavailable:
            say("LiveKit could not be asked about this trunk; --no-check goes on without.")
            raise
    found = check_trunk(known, settings.livekit_trunk_id, caller_id=settings.caller_id)
    if warning := caller_id_warning(found, settings.caller_id):
        say(f"warning: {warning}")
    return found
