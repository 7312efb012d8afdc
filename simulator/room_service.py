"""livekit.RoomService: rooms and who is in them."""

from livekit.protocol import models
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    DeleteRoomResponse,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
)

from simulator.agents import Agents
from simulator.arrivals import Arrivals
from simulator.clock import Clock
from simulator.methods import Answer, Asker, Method
from simulator.rooms import (
    DEFAULT_DEPARTURE_TIMEOUT_SECONDS,
    DEFAULT_EMPTY_TIMEOUT_SECONDS,
    Participant,
    Room,
    Rooms,
)
from simulator.sip_errors import FROM_NODE
from simulator.twirp import Refused, refused


class RoomService:
    """The methods of livekit.RoomService."""

    def __init__(self, *, rooms: Rooms, arrivals: Arrivals, agents: Agents, clock: Clock) -> None:
        self._rooms = rooms
        self._arrivals = arrivals
        self._agents = agents
        self._clock = clock

    def methods(self) -> dict[str, Method]:
        """Every method by its path under ``/twirp``."""
        service = "livekit.RoomService"
        return {
            f"{service}/CreateRoom": Method.of(CreateRoomRequest, self.create_room),
            f"{service}/ListRooms": Method.of(ListRoomsRequest, self.list_rooms),
            f"{service}/DeleteRoom": Method.of(DeleteRoomRequest, self.delete_room),
            f"{service}/ListParticipants": Method.of(ListParticipantsRequest, self.list_participants),
            f"{service}/GetParticipant": Method.of(RoomParticipantIdentity, self.get_participant),
            f"{service}/RemoveParticipant": Method.of(RoomParticipantIdentity, self.remove_participant),
        }

    async def create_room(self, request: CreateRoomRequest, asker: Asker) -> Answer:
        """CreateRoom.  A room that is there already is given back as it is, and nobody is sent for again."""
        asker.grants.need_room_create()
        room = self._rooms.get(request.name)
        if room is None:
            room = Room(
                name=request.name,
                created_at=self._clock.now(),
                metadata=request.metadata,
                empty_timeout_seconds=request.empty_timeout or DEFAULT_EMPTY_TIMEOUT_SECONDS,
                departure_timeout_seconds=request.departure_timeout or DEFAULT_DEPARTURE_TIMEOUT_SECONDS,
                max_participants=request.max_participants,
            )
            self._rooms.open(room)
            for wanted in request.agents:
                self._agents.dispatch(room, agent_name=wanted.agent_name, metadata=wanted.metadata)
        return _room_message(room)

    async def list_rooms(self, request: ListRoomsRequest, asker: Asker) -> Answer:
        """ListRooms: all, or those of the names that there are."""
        asker.grants.need_room_list()
        if request.names:
            found = [room for name in request.names if (room := self._rooms.get(name))]
        else:
            found = list(self._rooms.all())
        return ListRoomsResponse(rooms=[_room_message(room) for room in found])

    async def delete_room(self, request: DeleteRoomRequest, asker: Asker) -> Answer:
        """DeleteRoom: everybody is thrown out, ringing calls are cancelled.  One dialed just now may escape."""
        asker.grants.need_room_create()
        self._arrivals.kill(request.room)
        room = self._rooms.get(request.room)
        if room is None:
            raise refused("not_found", f"{FROM_NODE}requested room does not exist")
        self._rooms.delete(room, DisconnectReason.ROOM_DELETED)
        return DeleteRoomResponse()

    async def list_participants(self, request: ListParticipantsRequest, asker: Asker) -> Answer:
        """ListParticipants.  A room that does not exist has none."""
        asker.grants.need_room_admin(request.room)
        room = self._rooms.get(request.room)
        inside = room.participants.values() if room else ()
        return ListParticipantsResponse(participants=[_participant_message(one) for one in inside])

    async def get_participant(self, request: RoomParticipantIdentity, asker: Asker) -> Answer:
        """GetParticipant."""
        asker.grants.need_room_admin(request.room)
        _, participant = self._find(request)
        return _participant_message(participant)

    async def remove_participant(self, request: RoomParticipantIdentity, asker: Asker) -> Answer:
        """RemoveParticipant: hangs up, or cancels the ringing."""
        asker.grants.need_room_admin(request.room)
        room, participant = self._find(request)
        self._rooms.remove(room, participant, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    def _find(self, request: RoomParticipantIdentity) -> tuple[Room, Participant]:
        room = self._rooms.get(request.room)
        participant = room.participants.get(request.identity) if room else None
        if room is None or participant is None:
            raise _no_participant()
        return room, participant


def _no_participant() -> Refused:
    return refused("not_found", f"{FROM_NODE}participant does not exist")


def _room_message(room: Room) -> models.Room:
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
        num_participants=len(room.participants),
        num_publishers=sum(_is_publisher(inside) for inside in room.participants.values()),
    )


def _is_publisher(participant: Participant) -> bool:
    return participant.kind == models.ParticipantInfo.Kind.SIP


def _participant_message(participant: Participant) -> models.ParticipantInfo:
    is_publisher = _is_publisher(participant)
    return models.ParticipantInfo(
        sid=participant.sid,
        identity=participant.identity,
        state=models.ParticipantInfo.State.ACTIVE,
        tracks=[_voice_track(participant)] if is_publisher else [],
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
        is_publisher=is_publisher,
        kind=participant.kind,
        attributes=participant.attributes,
    )


def _voice_track(participant: Participant) -> models.TrackInfo:
    return models.TrackInfo(
        sid=participant.track_sid,
        type=models.TrackType.AUDIO,
        name=participant.identity,
        source=models.TrackSource.MICROPHONE,
        mime_type="audio/opus",
        mid="0",
        stream="camera",
        backup_codec_policy=models.BackupCodecPolicy.SIMULCAST,
        version=models.TimedVersion(unix_micro=int(participant.joined_at * 1e6)),
    )
