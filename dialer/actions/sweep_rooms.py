"""Deletes rooms of ours in which nobody talks: a caller that was killed leaves a paid agent behind."""

from datetime import UTC, timedelta
from uuid import UUID

import structlog

from dialer.app import Dialer
from dialer.errors import LineUnavailable
from dialer.ledger.attempts import open_places
from dialer.ledger.trunks import list_trunks
from dialer.limits.buckets import of_trunk

log = structlog.get_logger()


async def sweep_rooms(dialer: Dialer) -> int:
    """Delete rooms of this installation that are a while old, belong to no open attempt and no live lease, and hold
    nobody but agents.  Says how many.

    Rooms are listed first, then leases, then attempts: a call that begins meanwhile has its lease before its room, and
    its attempt before its lease is freed.
    """
    try:
        rooms = await _old_rooms(dialer)
        if not rooms:
            return 0
        idle = rooms.keys() - await _in_use(dialer)
        return await _delete(dialer, {rooms[attempt_id]: str(attempt_id) for attempt_id in idle})
    except LineUnavailable as error:
        log.warning("rooms_not_swept", error=str(error))
        return 0


async def _old_rooms(dialer: Dialer) -> dict[UUID, str]:
    """By attempt; a room younger than the time an agent has to come is somebody's."""
    listed = await dialer.line.open_rooms()
    oldest = dialer.clock.now().astimezone(UTC) - dialer.fence.agent_room
    return {
        attempt_id: room.name
        for room in listed
        if room.created_at < oldest and (attempt_id := attempt_of(room.name, dialer.installation))
    }


def attempt_of(room_name: str, installation: str) -> UUID | None:
    """The attempt whose room this is; None: another installation's, or no attempt's."""
    ours, _, rest = room_name.partition("-")
    if ours != installation:
        return None
    try:
        return UUID(rest)
    except ValueError:
        return None


async def _in_use(dialer: Dialer) -> set[UUID]:
    buckets = [of_trunk(trunk.id) for trunk in await list_trunks(dialer.ledger)]
    held = await dialer.slots.leases_in(buckets)
    leased = {attempt_id for leases in held.values() for attempt_id in leases}
    return leased | {place.attempt_id for place in await open_places(dialer.ledger)}


async def _delete(dialer: Dialer, rooms: dict[str, str]) -> int:
    looks = await dialer.line.look(rooms) if rooms else {}
    left = [name for name, look in looks.items() if not look.present and not look.others]
    for name in left:
        log.warning("room_swept", room=name, agents=looks[name].agents)
        await dialer.line.delete_room(name)
    return len(left)


def sweep_every(agent_room: timedelta) -> float:
    """Seconds between two sweeps."""
    return max(1.0, agent_room.total_seconds() / 2)
