"""Rooms and participants as LiveKit's answers show them."""

from livekit.protocol import models

from simulator.rooms import Participant, Room

State = models.ParticipantInfo.State


def room_message(room: Room) -> models.Room:
    """A room.  Agents are not counted among its participants, but among those who can be heard."""
    inside = room.participants.values()
    return models.Room(
        sid=room.sid,
        name=room.name,
        empty_timeout=room.empty_timeout_seconds,
        departure_timeout=room.departure_timeout_seconds,
        max_participants=room.max_participants,
        creation_time=int(room.created_at),
        creation_time_ms=int(room.created_at * 1000),
        turn_password=room.turn_password,
        metadata=room.metadata,
        num_participants=sum(one.keeps_room_open for one in inside),
        num_publishers=sum(one.is_active for one in inside),
    )


def participant_message(participant: Participant) -> models.ParticipantInfo:
    """A participant.  Whoever is active has published a voice."""
    is_active = participant.is_active
    return models.ParticipantInfo(
        sid=participant.sid,
        identity=participant.identity,
        state=State.ACTIVE if is_active else State.JOINED,
        tracks=[_voice_track(participant)] if is_active else [],
        metadata=participant.metadata,
        joined_at=int(participant.joined_at),
        joined_at_ms=int(participant.joined_at * 1000),
        name=participant.name,
        version=participant.version,
        permission=models.ParticipantPermission(
            can_subscribe=True,
            can_publish=True,
            can_publish_data=True,
            can_update_metadata=True,
            agent=participant.kind == models.ParticipantInfo.Kind.AGENT,
        ),
        is_publisher=is_active,
        kind=participant.kind,
        attributes=participant.attributes,
    )


def _voice_track(participant: Participant) -> models.TrackInfo:
    return models.TrackInfo(
        sid=participant.track_sid,
        type=models.TrackType.AUDIO,
        name=participant.track_name,
        source=models.TrackSource.MICROPHONE,
        mime_type="audio/opus",
        mid="0",
        stream="camera",
        backup_codec_policy=models.BackupCodecPolicy.SIMULCAST,
        version=models.TimedVersion(unix_micro=int(participant.joined_at * 1e6)),
    )
