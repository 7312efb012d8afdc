"""Tests, for ``dialer doctor``, whether LiveKit's webhooks reach us and whether an agent comes when it is sent for."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from dialer.clock import Clock
from dialer.domain.finding import Finding, error, ok, warning
from dialer.domain.webhook import CHECK_ROOM, WebhookFate
from dialer.errors import LineUnavailable
from dialer.ledger.events import count_of_webhooks, has_come
from dialer.ledger.session import Ledger
from dialer.ledger.workers import count_alive
from dialer.telephony.line import AgentDispatch, Line

WITHIN_SECONDS = 10.0
_LOOK_SECONDS = 0.2
_EMPTY = timedelta(seconds=60)
#: What comes of a webhook that is signed with another key, or changed on its way.
_NOT_OURS = (WebhookFate.FORGED, WebhookFate.BAD_HASH, WebhookFate.STALE)


def check_room(installation: str, new_id: UUID) -> str:
    """A room that only checks are made in."""
    return f"{installation}-{CHECK_ROOM}-{new_id.hex[-12:]}"


async def check_webhook(
    line: Line, ledger: Ledger, *, clock: Clock, room: str, url: str, silence: timedelta
) -> Finding:
    """Make a room, wait for LiveKit to tell of it, delete it.  ``url``: where the web process takes webhooks."""
    what = "webhooks"
    if not (await count_alive(ledger, silence=silence)).get("web"):
        told = "not tested: no web process runs, so the ends of calls are found by asking, which takes seconds"
        return warning(what, told, "start `dialer up`, then run this again")
    began, refused = clock.seconds(), await count_of_webhooks(ledger, _NOT_OURS)
    try:
        await line.make_room(room, empty_timeout=_EMPTY)
        came = await _seconds_until(ledger, clock, began, room=room)
    except LineUnavailable as fault:
        return warning(what, f"not tested: {fault}", "see what is said of LiveKit above")
    finally:
        await _delete(line, room)
    if came is None and await count_of_webhooks(ledger, _NOT_OURS) > refused:
        told = "webhooks come, and their signature is not ours: none is believed, and the ends of calls are asked for"
        return warning(
            what, told, "livekit.yaml: webhook.api_key has to be our LIVEKIT_API_KEY; no proxy may change it"
        )
    if came is None:
        told = f"no webhook came within {WITHIN_SECONDS:.0f} s: the ends of calls are found by asking"
        return warning(what, told, f"livekit.yaml: webhook: {{urls: [{url}], api_key: <LIVEKIT_API_KEY>}}")
    return ok(what, f"LiveKit told of a new room after {came:.1f} s")


async def _seconds_until(ledger: Ledger, clock: Clock, began: float, *, room: str) -> float | None:
    while not await has_come(ledger, room=room, event="room_started"):
        if clock.seconds() - began > WITHIN_SECONDS:
            return None
        await asyncio.sleep(_LOOK_SECONDS)
    return clock.seconds() - began


async def check_agent(line: Line, *, clock: Clock, room: str, agent_name: str) -> Finding:
    """Send for an agent, see it in the room, delete the room."""
    what = f"agent {agent_name}"
    began = clock.seconds()
    try:
        await line.make_room(room, empty_timeout=_EMPTY, agent=AgentDispatch(agent_name=agent_name, metadata="{}"))
        while clock.seconds() - began <= WITHIN_SECONDS:
            if (await line.look({room: ""}))[room].agents:
                return ok(what, f"came into its room after {clock.seconds() - began:.1f} s")
            await asyncio.sleep(_LOOK_SECONDS)
    except LineUnavailable as fault:
        return error(what, f"LiveKit could not be asked: {fault}", "see what is said of LiveKit above")
    finally:
        await _delete(line, room)
    return error(
        what,
        f"did not come within {WITHIN_SECONDS:.0f} s: nobody serves this name, or it crashes at its start",
        f"start the worker that registers as {agent_name!r}, and read its log",
    )


async def _delete(line: Line, room: str) -> None:
    with suppress(LineUnavailable):  # its empty_timeout closes it
        await line.delete_room(room)
