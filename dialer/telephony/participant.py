"""The CreateSIPParticipant request of one dial (``livekit_sip.proto``).  What is in it was checked long before."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from livekit.protocol.sip import (
    CreateSIPParticipantRequest,
    SIPHeaderOptions,
    SIPMediaEncryption,
    SIPOutboundConfig,
    SIPTransport,
)

from dialer.domain.trunk import InlineTrunk
from dialer.telephony.line import DialRequest

_ENCRYPTION = {
    "disable": SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
    "allow": SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW,
    "require": SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE,
}
_TRANSPORTS = {
    "auto": SIPTransport.SIP_TRANSPORT_AUTO,
    "udp": SIPTransport.SIP_TRANSPORT_UDP,
    "tcp": SIPTransport.SIP_TRANSPORT_TCP,
    "tls": SIPTransport.SIP_TRANSPORT_TLS,
}
_INCLUDE_HEADERS = {
    "none": SIPHeaderOptions.SIP_NO_HEADERS,
    "x": SIPHeaderOptions.SIP_X_HEADERS,
    "all": SIPHeaderOptions.SIP_ALL_HEADERS,
}


def participant_of(request: DialRequest) -> CreateSIPParticipantRequest:
    """The request that dials: it waits for the answer, and LiveKit ends the ringing and the call by itself."""
    options = request.options
    participant = CreateSIPParticipantRequest(
        sip_trunk_id=request.livekit_trunk_id or "",
        sip_call_to=request.number,
        sip_number=request.caller_id or "",
        room_name=request.room_name,
        participant_identity=request.identity,
        ringing_timeout=_duration(request.ringing_timeout),
        # LiveKit counts max_call_duration from the dial, ringing included.
        max_call_duration=_duration(request.talk_limit + request.ringing_timeout),
        wait_until_answered=True,
        participant_name=options.participant_name or "",
        participant_metadata=options.participant_metadata or "",
        participant_attributes=dict(options.attributes),
        headers=dict(options.headers),
        dtmf=options.dtmf or "",
        play_dialtone=options.play_dialtone,
        hide_phone_number=options.hide_phone_number,
        krisp_enabled=options.noise_cancelling,
    )
    if request.inline is not None:
        participant.trunk.CopyFrom(_inline(request.inline))
    if options.display_name is not None:
        participant.display_name = options.display_name
    if options.media_encryption is not None:
        participant.media_encryption = _ENCRYPTION[options.media_encryption]
    if options.include_headers is not None:
        participant.include_headers = _INCLUDE_HEADERS[options.include_headers]
    return participant


def _inline(trunk: InlineTrunk) -> SIPOutboundConfig:
    return SIPOutboundConfig(
        hostname=trunk.hostname,
        transport=_TRANSPORTS[trunk.transport],
        auth_username=trunk.auth_username or "",
        auth_password=trunk.auth_password or "",
        destination_country=trunk.destination_country or "",
    )


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration
