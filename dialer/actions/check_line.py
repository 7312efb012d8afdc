"""Asks LiveKit what has to be right before anybody is dialed: the key, the clock, the trunk and its caller ID."""

from collections.abc import Sequence
from datetime import timedelta

from dialer.actions.watch_line import DATE_STEP, clock_sentence, ledger_offset
from dialer.clock import Clock
from dialer.domain.fence import Fence
from dialer.domain.finding import Finding, error, ok, warning
from dialer.domain.trunk import Trunk
from dialer.errors import InvalidInput, LineUnavailable
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import list_trunks
from dialer.telephony.line import Line, LineRefused, LiveKitTrunk


class ClocksApart(LineUnavailable):
    """LiveKit's clock and the ledger's are too far apart for the fence to hold."""

    code = "clocks_apart"


async def check_clock(line: Line, ledger: Ledger, *, clock: Clock, fence: Fence) -> timedelta:
    """LiveKit's clock minus the ledger's; also proves that LiveKit answers and takes our key.

    Raises:
        ClocksApart: by more than the fence allows; the message says whose clock is where.
        LineUnavailable: LiveKit does not answer or refuses the key.
    """
    pulse = await line.feel_pulse("dialer-clock")
    offset = pulse.clock_offset + await ledger_offset(ledger, clock)
    if abs(offset) > fence.clocks + DATE_STEP:
        raise ClocksApart(clock_sentence(offset))
    return offset


def check_trunk(known: Sequence[LiveKitTrunk], livekit_trunk_id: str, *, caller_id: str | None) -> LiveKitTrunk:
    """The trunk as LiveKit has it.

    Raises:
        InvalidInput: LiveKit does not know it, or would send calls without a caller ID.
    """
    found = next((trunk for trunk in known if trunk.livekit_trunk_id == livekit_trunk_id), None)
    if found is None:
        raise InvalidInput(f"LiveKit does not know an outbound trunk {livekit_trunk_id!r}", hint=_known(known))
    if found.needs_caller_id and caller_id is None:
        raise InvalidInput(
            f"LiveKit trunk {livekit_trunk_id} sends any number ('*'), so it needs a caller ID",
            hint="give one of your own numbers: --caller-id +14155550100",
        )
    return found


def caller_id_warning(trunk: LiveKitTrunk, caller_id: str | None) -> str | None:
    """LiveKit sends a caller ID that is not on the trunk without a word; the carrier often refuses it."""
    if caller_id is None or trunk.needs_caller_id or caller_id in trunk.numbers:
        return None
    return (
        f"caller ID {caller_id} is not one of the trunk's numbers in LiveKit ({', '.join(trunk.numbers)}); "
        "LiveKit sends it all the same, and the carrier may refuse the calls"
    )


def check_way(known: Sequence[LiveKitTrunk], trunk: Trunk, *, caller_id: str | None) -> str | None:
    """Whether calls can go out through a trunk, as far as it can be known before one does; returns a warning, or None.

    Raises:
        InvalidInput: LiveKit does not know it, or would send calls without a caller ID.
    """
    if trunk.livekit_trunk_id is not None:
        return caller_id_warning(check_trunk(known, trunk.livekit_trunk_id, caller_id=caller_id), caller_id)
    if caller_id is None:
        raise InvalidInput(
            f"trunk {trunk.name!r} goes with each call, so it needs a caller ID",
            hint="give one of your own numbers: --caller-id +14155550100",
        )
    return None


async def check_livekit(line: Line, ledger: Ledger, *, clock: Clock, fence: Fence) -> list[Finding]:
    """LiveKit's address, key and clock, and every trunk of ours in it."""
    try:
        offset = await check_clock(line, ledger, clock=clock, fence=fence)
    except ClocksApart as fault:
        return [error("LiveKit's clock", str(fault), "switch on NTP on the machine that is wrong")]
    except LineRefused as fault:
        return [error("LiveKit", str(fault), "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a key of this server")]
    except LineUnavailable as fault:
        return [error("LiveKit", str(fault), "check LIVEKIT_URL, and that this server runs")]
    found = [ok("LiveKit", "answers, and takes our key"), _clock(offset)]
    try:
        known = await line.outbound_trunks()
    except LineUnavailable as fault:
        return [*found, error("LiveKit SIP", str(fault), "the key needs the SIP grant, and LiveKit its SIP service")]
    found.append(ok("LiveKit SIP", _count(known)))
    return [*found, *(_trunk(known, trunk) for trunk in await list_trunks(ledger))]


def _trunk(known: Sequence[LiveKitTrunk], trunk: Trunk) -> Finding:
    what = f"trunk {trunk.name}"
    if trunk.livekit_trunk_id is None:
        return ok(what, f"goes with each call, to {trunk.address}: LiveKit cannot be asked about it")
    try:
        stored = check_trunk(known, trunk.livekit_trunk_id, caller_id=trunk.caller_id)
    except InvalidInput as problem:
        return error(what, problem.message, problem.hint or "")
    if told := caller_id_warning(stored, trunk.caller_id):
        return warning(what, told, "compare the trunk's numbers in LiveKit with the caller ID")
    return ok(what, f"{trunk.livekit_trunk_id} is in LiveKit, at {stored.address}")


def _clock(offset: timedelta) -> Finding:
    seconds = offset.total_seconds()
    return ok("LiveKit's clock", f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} PostgreSQL's")


def _count(known: Sequence[LiveKitTrunk]) -> str:
    return f"knows {len(known)} outbound {'trunk' if len(known) == 1 else 'trunks'}"


def _known(known: Sequence[LiveKitTrunk]) -> str:
    if not known:
        return "it has no outbound trunk at all: create one in LiveKit first"
    return "it knows " + ", ".join(
        f"{trunk.livekit_trunk_id} ({trunk.name})" if trunk.name else trunk.livekit_trunk_id for trunk in known
    )
