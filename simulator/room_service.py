"""livekit.RoomService: rooms and who is in them."""

from typing import Final

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
    UpdateRoomMetadataRequest,
)

from simulator.agents import Agents
from simulator.arrivals import Arrivals
from simulator.clock import Clock
from simulator.messages import participant_message, room_message
from simulator.methods import Answer, Asker, Method
from simulator.rooms import (
    DEFAULT_DEPARTURE_TIMEOUT_SECONDS,
    DEFAULT_EMPTY_TIMEOUT_SECONDS,
    Participant,
    Room,
    Rooms,
)
from simulator.sip_errors import FROM_NODE
from simulator.twirp import Failure, Refused, refused

MOST_METADATA_BYTES: Final = 512 * 1024  #: of a room, and of an agent that is sent for
LONGEST_NAME: Final = 256


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
            f"{service}/UpdateRoomMetadata": Method.of(UpdateRoomMetadataRequest, self.update_room_metadata),
        }

    async def create_room(self, request: CreateRoomRequest, asker: Asker) -> Answer:
        """CreateRoom.  A room that is there already is given back as it is, and nobody is sent for again."""
        asker.grants.need_room_create()
        _check_room(request)
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
        return room_message(room)

    async def list_rooms(self, request: ListRoomsRequest, asker: Asker) -> Answer:
        """ListRooms: all, or those of the names that there are."""
        asker.grants.need_room_list()
        if request.names:
            found = [room for name in request.names if (room := self._rooms.get(name))]
        else:
            found = list(self._rooms.all())
        return ListRoomsResponse(rooms=[room_message(room) for room in found])

    async def delete_room(self, request: DeleteRoomRequest, asker: Asker) -> Answer:
        """DeleteRoom: everybody is thrown out, ringing calls are cancelled.  One dialed just now may escape."""
        asker.grants.need_room_create()
        self._arrivals.kill(request.room)
        room = self._room(request.room)
        self._rooms.delete(room, DisconnectReason.ROOM_DELETED)
        return DeleteRoomResponse()

    async def list_participants(self, request: ListParticipantsRequest, asker: Asker) -> Answer:
        """ListParticipants.  A room that does not exist has none."""
        asker.grants.need_room_admin(request.room)
        room = self._rooms.get(request.room)
        inside = room.participants.values() if room else ()
        return ListParticipantsResponse(participants=[participant_message(one) for one in inside])

    async def get_participant(self, request: RoomParticipantIdentity, asker: Asker) -> Answer:
        """GetParticipant."""
        asker.grants.need_room_admin(request.room)
        _, participant = self._find(request)
        return participant_message(participant)

    async def remove_participant(self, request: RoomParticipantIdentity, asker: Asker) -> Answer:
        """RemoveParticipant: hangs up, or cancels the ringing."""
        asker.grants.need_room_admin(request.room)
        room, participant = self._find(request)
        self._rooms.remove(room, participant, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    async def update_room_metadata(self, request: UpdateRoomMetadataRequest, asker: Asker) -> Answer:
        """UpdateRoomMetadata: whoever hears of the room from now on sees it."""
        asker.grants.need_room_admin(request.room)
        _check_size(request.metadata)
        room = self._room(request.room)
        room.metadata = request.metadata
        return room_message(room)

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            raise refused("not_found", f"{FROM_NODE}requested room does not exist")
        return room

    def _find(self, request: RoomParticipantIdentity) -> tuple[Room, Participant]:
        room = self._rooms.get(request.room)
        participant = room.participants.get(request.identity) if room else None
        if room is None or participant is None:
            raise _no_participant()
        return room, participant


def _check_room(wanted: CreateRoomRequest) -> None:
    if len(wanted.name) > LONGEST_NAME:
        raise refused("invalid_argument", f"{FROM_NODE}room name length exceeds limits: max length {LONGEST_NAME}")
    for metadata in (wanted.metadata, *(agent.metadata for agent in wanted.agents)):
        _check_size(metadata)


def _check_size(metadata: str) -> None:
    if len(metadata.encode()) > MOST_METADATA_BYTES:
        problem = "metadata size exceeds limits"
        raise Refused(Failure("invalid_argument", f"{problem} {MOST_METADATA_BYTES}", {"argument": problem}))


def _no_participant() -> Refused:
    return refused("not_found", f"{FROM_NODE}participant does not exist")
