"""Outbound trunks: the ones there from the start, and what can be done with them."""

from typing import Final

from livekit.protocol.sip import SIPOutboundTrunkInfo, SIPOutboundTrunkUpdate, SIPTransport

from simulator.ids import new_id
from simulator.twirp import Refused, refused

#: where the simulated carrier listens
CARRIER: Final = "127.0.0.1:5080"
#: the same carrier, asking for credentials
CARRIER_WITH_AUTH: Final = "127.0.0.1:5081"
#: nobody listens there: refused over TCP, silence over UDP
NOBODY: Final = "127.0.0.1:5998"
#: hosts under this name are in no DNS
UNKNOWN_HOSTS: Final = ".invalid"

_SEEDS: Final = (
    SIPOutboundTrunkInfo(
        sip_trunk_id="ST_simulated",
        name="simulated",
        address=CARRIER,
        transport=SIPTransport.SIP_TRANSPORT_UDP,
        numbers=["+15550001000"],
    ),
    SIPOutboundTrunkInfo(
        sip_trunk_id="ST_wildcard",
        name="wildcard",
        address=CARRIER,
        transport=SIPTransport.SIP_TRANSPORT_UDP,
        numbers=["*"],
    ),
    SIPOutboundTrunkInfo(
        sip_trunk_id="ST_noauth",
        name="noauth",
        address=CARRIER_WITH_AUTH,
        transport=SIPTransport.SIP_TRANSPORT_UDP,
        numbers=["+15550001000"],
    ),
    SIPOutboundTrunkInfo(
        sip_trunk_id="ST_refused",
        name="refused",
        address=NOBODY,
        transport=SIPTransport.SIP_TRANSPORT_TCP,
        numbers=["+15550001000"],
    ),
)


def not_found() -> Refused:
    """LiveKit's answer to an unknown trunk."""
    return refused("not_found", "requested sip trunk does not exist")


class Trunks:
    """The outbound trunks by id."""

    def __init__(self, *, more: int = 0) -> None:
        """Begin with the seeds and so many ``more``, ST_trunk_1 and on."""
        seeds = [*_SEEDS, *(_numbered(number) for number in range(1, more + 1))]
        self._trunks = {trunk.sip_trunk_id: trunk for trunk in seeds}

    def get(self, trunk_id: str) -> SIPOutboundTrunkInfo:
        """The trunk of this id, or LiveKit's refusal."""
        trunk = self._trunks.get(trunk_id)
        if trunk is None:
            raise not_found()
        return trunk

    def list(self, *, after_id: str, limit: int) -> list[SIPOutboundTrunkInfo]:
        """Trunks in the order of their ids; ``limit`` 0 is all."""
        ids = sorted(trunk_id for trunk_id in self._trunks if trunk_id > after_id)
        return [self._trunks[trunk_id] for trunk_id in (ids[:limit] if limit > 0 else ids)]

    def add(self, trunk: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
        """Keep a new trunk under an id of its own."""
        _check(trunk)
        return self._put(new_id("ST"), trunk)

    def replace(self, trunk_id: str, trunk: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
        """Put another trunk in this one's place."""
        self.get(trunk_id)
        _check(trunk)
        return self._put(trunk_id, trunk)

    def update(self, trunk_id: str, update: SIPOutboundTrunkUpdate) -> SIPOutboundTrunkInfo:
        """Change what the update names and nothing else."""
        trunk = SIPOutboundTrunkInfo()
        trunk.CopyFrom(self.get(trunk_id))
        for described, value in update.ListFields():
            if described.name not in ("numbers", "media"):
                setattr(trunk, described.name, value)
        _update_numbers(trunk, update)
        trunk.media.MergeFrom(update.media)
        trunk.media.SetInParent()  # LiveKit gives an updated trunk a media section, asked for or not
        _check(trunk)
        return self._put(trunk_id, trunk)

    def remove(self, trunk_id: str) -> None:
        """Forget a trunk, known or not."""
        self._trunks.pop(trunk_id, None)

    def _put(self, trunk_id: str, trunk: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
        kept = SIPOutboundTrunkInfo()
        kept.CopyFrom(trunk)
        kept.sip_trunk_id = trunk_id
        self._trunks[trunk_id] = kept
        return kept


def _numbered(number: int) -> SIPOutboundTrunkInfo:
    return SIPOutboundTrunkInfo(
        sip_trunk_id=f"ST_trunk_{number}",
        name=f"trunk {number}",
        address=CARRIER,
        transport=SIPTransport.SIP_TRANSPORT_UDP,
        numbers=[f"+1555000{2000 + number}"],
    )


def _update_numbers(trunk: SIPOutboundTrunkInfo, update: SIPOutboundTrunkUpdate) -> None:
    wanted = update.numbers
    if not update.HasField("numbers"):
        return
    numbers = list(wanted.set) if wanted.set else [] if wanted.clear else list(trunk.numbers)
    numbers = [number for number in numbers if number not in wanted.remove]
    numbers += [number for number in wanted.add if number not in numbers]
    del trunk.numbers[:]
    trunk.numbers.extend(numbers)


def _check(trunk: SIPOutboundTrunkInfo) -> None:
    if not trunk.numbers:
        raise refused("invalid_argument", "no trunk numbers specified")
    if not trunk.address:
        raise refused("invalid_argument", "no outbound address specified")
    if "transport=" in trunk.address:
        raise refused("invalid_argument", "trunk address should not contain transport parameter")
    if trunk.address.startswith(("sip:", "sips:")) or any(sign in trunk.address for sign in "@;"):
        raise refused("invalid_argument", "trunk address should be a hostname or IP, not SIP URI")
