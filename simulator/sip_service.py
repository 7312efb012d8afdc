"""livekit.SIP: dialing, and the outbound trunks.  Inbound trunks, dispatch rules and transfer are not here yet."""

import random
from dataclasses import dataclass
from functools import partial
from typing import Final

from livekit.protocol.models import DisconnectReason
from livekit.protocol.sip import (
    CreateSIPOutboundTrunkRequest,
    CreateSIPParticipantRequest,
    DeleteSIPTrunkRequest,
    ListSIPOutboundTrunkRequest,
    ListSIPOutboundTrunkResponse,
    SIPOutboundTrunkInfo,
    SIPParticipantInfo,
    SIPTransport,
    SIPTrunkInfo,
    UpdateSIPOutboundTrunkRequest,
)

from simulator import numbers, sip_errors, sip_validation, timeline, trunks
from simulator.arrivals import Arrival, Arrivals
from simulator.calls import Call
from simulator.carrier import Carrier
from simulator.clock import Clock
from simulator.methods import Answer, Asker, Method
from simulator.numbers import Fate
from simulator.record import Invite
from simulator.rooms import Participant, Rooms
from simulator.timeline import Step, Terms
from simulator.trunks import Trunks
from simulator.twirp import refused

_LONGEST_ROOM_NAME: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    """How a call leaves the house: over a stored trunk or one given with the request."""

    trunk_id: str  #: empty for one that came with the request
    address: str
    transport: SIPTransport
    caller_id: str
    has_credentials: bool

    @property
    def trunk(self) -> str:
        """How the carrier names the trunk."""
        return self.trunk_id or f"inline:{self.address}"


class SipService:
    """The methods of livekit.SIP."""

    def __init__(self, *, rooms: Rooms, arrivals: Arrivals, trunks: Trunks, carrier: Carrier, clock: Clock) -> None:
        self._rooms = rooms
        self._arrivals = arrivals
        self._trunks = trunks
        self._carrier = carrier
        self._clock = clock

    def methods(self) -> dict[str, Method]:
        """Every method by its path under ``/twirp``."""
        return {
            "livekit.SIP/CreateSIPParticipant": Method.of(CreateSIPParticipantRequest, self.dial),
            "livekit.SIP/CreateSIPOutboundTrunk": Method.of(CreateSIPOutboundTrunkRequest, self.create_trunk),
            "livekit.SIP/ListSIPOutboundTrunk": Method.of(ListSIPOutboundTrunkRequest, self.list_trunks),
            "livekit.SIP/UpdateSIPOutboundTrunk": Method.of(UpdateSIPOutboundTrunkRequest, self.update_trunk),
            "livekit.SIP/DeleteSIPTrunk": Method.of(DeleteSIPTrunkRequest, self.delete_trunk),
        }

    async def dial(self, request: CreateSIPParticipantRequest, asker: Asker) -> Answer:
        """CreateSIPParticipant: put a SIP participant into the room and call the number."""
        asker.grants.need_sip_call()
        sip_validation.check_dial(request)
        route = self._route(request)
        if len(request.room_name) > _LONGEST_ROOM_NAME:
            problem = f"room name length exceeds limits: max length {_LONGEST_ROOM_NAME}"
            raise refused("internal", f"{sip_errors.FROM_NODE}update room failed: {problem}")
        call, participant = self._start(request, route, asker)
        if failure := await call.reply():
            return failure
        return SIPParticipantInfo(
            participant_id=participant.sid,
            participant_identity=participant.identity,
            room_name=request.room_name,
            sip_call_id=call.id,
        )

    def _route(self, request: CreateSIPParticipantRequest) -> _Route:
        # A stored trunk wins over the one that comes with the request.
        if request.sip_trunk_id or not request.HasField("trunk"):
            stored = self._trunks.get(request.sip_trunk_id)
            address, transport, known = stored.address, stored.transport, list(stored.numbers)
            has_credentials = bool(stored.auth_username and stored.auth_password)
        else:
            inline = request.trunk
            address, transport, known = inline.hostname, inline.transport, []
            has_credentials = bool(inline.auth_username and inline.auth_password)
        if not request.sip_number and not known:
            problem = f"{sip_errors.FROM_NODE}no numbers on outbound trunk"
            raise refused("failed_precondition", problem)
        return _Route(
            trunk_id=request.sip_trunk_id,
            address=address,
            transport=transport,
            caller_id=request.sip_number or random.choice(known),  # noqa: S311
            has_credentials=has_credentials,
        )

    def _start(self, request: CreateSIPParticipantRequest, route: _Route, asker: Asker) -> tuple[Call, Participant]:
        call = Call(rooms=self._rooms, clock=self._clock, ended=self._carrier.hang_up)
        participant = _participant(request, route, call)
        enter = partial(self._enter, request, route, asker, call=call, participant=participant)
        self._arrivals.expect(
            Arrival(room=request.room_name, participant=participant, enter=enter, killed=call.never_joined)
        )
        return call, participant

    def _enter(
        self,
        request: CreateSIPParticipantRequest,
        route: _Route,
        asker: Asker,
        *,
        call: Call,
        participant: Participant,
    ) -> None:
        """The SIP node is in the room.  The INVITE goes out, unless nothing can take it."""
        room = self._rooms.open_for_dial(request.room_name)
        self._rooms.join(room, participant)
        if not request.wait_until_answered:
            call.answer(None)
        steps = self._failure(request, route)
        if steps is None:
            fate = self._fate(request, route, call, asker)
            participant.says = fate.says
            steps = _course(fate, request, route)
        call.start(room, participant, steps)

    def _failure(self, request: CreateSIPParticipantRequest, route: _Route) -> list[Step] | None:
        """The steps of a call that no carrier ever hears of."""
        host, _, _ = route.address.partition(":")
        if host.endswith(trunks.UNKNOWN_HOSTS):
            return timeline.failing(sip_errors.host_unknown(host), DisconnectReason.CLIENT_INITIATED)
        if route.address == trunks.NOBODY and route.transport == SIPTransport.SIP_TRANSPORT_TCP:
            return _refused_connection(route)
        if route.address == trunks.NOBODY or sip_validation.breaks_the_call(request):
            return timeline.plan(numbers.SILENCE, _terms(request, route))
        return None

    def _fate(self, request: CreateSIPParticipantRequest, route: _Route, call: Call, asker: Asker) -> Fate:
        # Stamped when its request came: nobody dialed faster because two joins took a different time.
        invite = Invite(at=asker.at, trunk=route.trunk, number=request.sip_call_to, room=request.room_name)
        fate = self._carrier.invite(invite, call=call, has_credentials=route.has_credentials)
        if invite.refused is None and route.address == trunks.CARRIER_WITH_AUTH and not route.has_credentials:
            return numbers.final(407)
        return fate

    async def create_trunk(self, request: CreateSIPOutboundTrunkRequest, asker: Asker) -> Answer:
        """CreateSIPOutboundTrunk."""
        asker.grants.need_sip_admin()
        if not request.HasField("trunk"):
            raise refused("invalid_argument", "missing trunk")
        return self._trunks.add(request.trunk)

    async def list_trunks(self, request: ListSIPOutboundTrunkRequest, asker: Asker) -> Answer:
        """ListSIPOutboundTrunk.  The page is cut before the other filters look at it, as LiveKit does."""
        asker.grants.need_sip_admin()
        page = self._trunks.list(after_id=request.page.after_id, limit=request.page.limit)
        return ListSIPOutboundTrunkResponse(items=[trunk for trunk in page if _is_asked_for(trunk, request)])

    async def update_trunk(self, request: UpdateSIPOutboundTrunkRequest, asker: Asker) -> Answer:
        """UpdateSIPOutboundTrunk: some fields, or the whole trunk."""
        asker.grants.need_sip_admin()
        match request.WhichOneof("action"):
            case "update":
                return self._trunks.update(request.sip_trunk_id, request.update)
            case "replace":
                return self._trunks.replace(request.sip_trunk_id, request.replace)
        raise refused("invalid_argument", "missing or unsupported action")

    async def delete_trunk(self, request: DeleteSIPTrunkRequest, asker: Asker) -> Answer:
        """DeleteSIPTrunk: says yes to an unknown one, too."""
        asker.grants.need_sip_admin()
        self._trunks.remove(request.sip_trunk_id)
        return SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)


def _is_asked_for(trunk: SIPOutboundTrunkInfo, request: ListSIPOutboundTrunkRequest) -> bool:
    if request.trunk_ids and trunk.sip_trunk_id not in request.trunk_ids:
        return False
    return not request.numbers or any(number in request.numbers for number in trunk.numbers)


def _course(fate: Fate, request: CreateSIPParticipantRequest, route: _Route) -> list[Step]:
    return timeline.plan(fate, _terms(request, route)) if fate.connects else _refused_connection(route)


def _refused_connection(route: _Route) -> list[Step]:
    failure = sip_errors.connection_refused(route.address)
    return timeline.failing(failure, DisconnectReason.CLIENT_INITIATED)


def _terms(request: CreateSIPParticipantRequest, route: _Route) -> Terms:
    return Terms(
        ringing_timeout_seconds=request.ringing_timeout.ToNanoseconds() / 1e9,
        max_call_seconds=request.max_call_duration.ToNanoseconds() / 1e9,
        dtmf=request.dtmf,
        waits_for_answer=request.wait_until_answered,
        has_credentials=route.has_credentials,
    )


def _participant(request: CreateSIPParticipantRequest, route: _Route, call: Call) -> Participant:
    attributes = dict(request.participant_attributes)
    attributes |= {"sip.callID": call.id, "sip.callStatus": "dialing", "sip.trunkID": route.trunk_id}
    if not request.hide_phone_number:
        attributes |= {
            "sip.hostname": route.address,
            "sip.phoneNumber": request.sip_call_to,
            "sip.trunkPhoneNumber": route.caller_id,
        }
    return Participant(
        identity=request.participant_identity or f"sip_{request.sip_call_to}",
        name=request.participant_name,
        metadata=request.participant_metadata,
        attributes=attributes,
        removed=call.removed,
    )
