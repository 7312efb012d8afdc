"""The bodies of LiveKit's webhooks (``samples.json``, ``livekit.md`` 4.1), by hand: protobuf's JSON writer is slow.

Protojson: lowerCamelCase, 64-bit numbers as strings, zero values left out, fields in the order of their declaration.
"""

import json
from typing import Any, Protocol

from livekit.protocol.models import DisconnectReason, ParticipantInfo

from simulator.clock import Clock
from simulator.ids import new_id
from simulator.rooms import Participant, Room, RoomWatcher

_PERMISSION = {"canSubscribe": True, "canPublish": True, "canPublishData": True, "canUpdateMetadata": True}
_AGENT = ParticipantInfo.Kind.AGENT

Body = dict[str, Any]  # Any: JSON


class Post(Protocol):
    """Where the events go."""

    def put(self, room: str, body: bytes) -> None:
        """Take one event of a room; it must not take long."""


class Announcer(RoomWatcher):
    """Writes an event for everything that happens in a room."""

    def __init__(self, post: Post, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    def room_started(self, room: Room) -> None:
        """``room_started``."""
        self._announce("room_started", room, room=room_body(room))

    def participant_joined(self, room: Room, participant: Participant) -> None:
        """``participant_joined``: before anything rings.  Callees and agents publish their voice at once."""
        self._announce("participant_joined", room, room=room_body(room), participant=participant_body(participant))
        self._announce_track("track_published", room, participant)

    def participant_left(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """``participant_left``, with the last attributes."""
        self._announce_track("track_unpublished", room, participant)
        gone = participant_body(participant, reason=reason)
        self._announce("participant_left", room, room=room_body(room), participant=gone)

    def participant_aborted(self, room: Room, participant: Participant, reason: DisconnectReason) -> None:
        """``participant_connection_aborted``: instead of ``participant_left`` when it never got in."""
        gone = participant_body(participant, reason=reason, was_in=False)
        self._announce("participant_connection_aborted", room, room=room_body(room), participant=gone)

    def room_finished(self, room: Room) -> None:
        """``room_finished``."""
        self._announce("room_finished", room, room=room_body(room))

    def _announce_track(self, event: str, room: Room, participant: Participant) -> None:
        who = {"sid": participant.sid, "identity": participant.identity}
        where = {"sid": room.sid, "name": room.name}
        self._announce(event, room, room=where, participant=who, track=_track_body(participant))

    def _announce(self, event: str, where: Room, **parts: Body) -> None:
        body = {"event": event, **parts, "id": new_id("EV"), "createdAt": str(int(self._clock.now()))}
        self._post.put(where.name, json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def room_body(room: Room) -> Body:
    """A room as webhooks show it: without its number of participants."""
    body: Body = {
        "sid": room.sid,
        "name": room.name,
        "emptyTimeout": room.empty_timeout_seconds,
        "departureTimeout": room.departure_timeout_seconds,
    }
    if room.max_participants:
        body["maxParticipants"] = room.max_participants
    body["creationTime"] = str(int(room.created_at))
    body["creationTimeMs"] = str(int(room.created_at * 1000))
    body["turnPassword"] = room.turn_password
    if room.metadata:
        body["metadata"] = room.metadata
    return body


def participant_body(participant: Participant, *, reason: DisconnectReason | None = None, was_in: bool = True) -> Body:
    """A participant as webhooks show it; with a ``reason`` it has gone."""
    body: Body = {
        "sid": participant.sid,
        "identity": participant.identity,
        "state": "ACTIVE" if reason is None else "DISCONNECTED",
    }
    if participant.metadata:
        body["metadata"] = participant.metadata
    if participant.joined_at:
        body["joinedAt"] = str(int(participant.joined_at))
        body["joinedAtMs"] = str(int(participant.joined_at * 1000))
    if participant.name:
        body["name"] = participant.name
    body["version"] = participant.version
    body["permission"] = _PERMISSION | {"agent": True} if participant.kind == _AGENT else _PERMISSION
    if reason is not None and was_in:
        body["isPublisher"] = True
    body["kind"] = ParticipantInfo.Kind.Name(participant.kind)
    body["attributes"] = dict(sorted(participant.attributes.items()))
    if reason:
        body["disconnectReason"] = DisconnectReason.Name(reason)
    return body


def _track_body(participant: Participant) -> Body:
    return {
        "sid": participant.track_sid,
        "name": participant.track_name,
        "source": "MICROPHONE",
        "mimeType": "audio/opus",
        "mid": "1",
        "stream": "camera",
        "version": {"unixMicro": str(int(participant.joined_at * 1e6))},
        "backupCodecPolicy": "SIMULCAST",
    }
