"""Every bound of the protocol of one attempt, as two values.  Pure.

The fence says until when LiveKit may take a POST and how long an empty room must stay empty before it proves
anything; the leases say who owns what until when.  Both are real time, whatever ``time_scale`` says.
"""

import math
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TypeVar

_T = TypeVar("_T", "Fence", "Leases")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """How long a POST may be taken, and how long doubt lasts."""

    gate: timedelta = timedelta(seconds=5)  #: from before the claim was begun to the socket write, at most
    token: timedelta = timedelta(seconds=15)  #: the dial token ends this long after ``claimed_at``
    leeway: timedelta = timedelta(seconds=60)  #: LiveKit accepts a token this long after its end
    clocks: timedelta = timedelta(seconds=10)  #: LiveKit's clock and the ledger's may be apart by this much, no more
    join: timedelta = timedelta(seconds=11)  #: an accepted call is in its room by then (node 1 s, join 10 s)
    answer: timedelta = timedelta(seconds=15)  #: LiveKit answers this long after the ringing timeout, at most
    hold: timedelta = timedelta(seconds=240)  #: a room must be found empty for this long before doubt ends
    look: timedelta = timedelta(seconds=10)  #: looks into a room are at most this far apart
    gone: timedelta = timedelta(seconds=5)  #: an answered call gone at two looks this far apart is over
    ghost: timedelta = timedelta(seconds=171)  #: a call listed this long after its longest possible end is a ghost

    agent: timedelta = timedelta(seconds=10)  #: an agent has this long to come into its room
    agent_room: timedelta = timedelta(seconds=60)  #: a room in which nobody is called is closed after this

    @property
    def accepted_until(self) -> timedelta:
        """After ``claimed_at`` + this, LiveKit refuses the POST, whatever stood still meanwhile."""
        return self.token + self.leeway + self.clocks

    @property
    def visible_after(self) -> timedelta:
        """After ``claimed_at`` + this, a call that was accepted shows in its room, or is over."""
        return self.accepted_until + self.join

    def token_end(self, claimed_at: datetime) -> int:
        """``exp`` of the dial token, in Unix seconds: the ledger's whole second of the claim plus ``token``."""
        return int(claimed_at.timestamp()) + math.ceil(self.token.total_seconds())


@dataclass(frozen=True, kw_only=True, slots=True)
class Leases:
    """Who owns what until when."""

    call_job: timedelta = timedelta(seconds=60)  #: a queued call job belongs to its release; a caller renews it
    slot: timedelta = timedelta(seconds=30)  #: an unconfirmed call slot lapses after this
    slot_rest: timedelta = timedelta(seconds=6)  #: a turn lies at least this long before its slot's lease ends
    owner: timedelta = timedelta(seconds=30)  #: a worker whose heartbeat is older than this is gone
    compare: timedelta = timedelta(seconds=10)  #: how often slots and open attempts are compared
    epoch: timedelta = timedelta(seconds=5)  #: a closed epoch untouched for this long may be rebuilt by anybody


def scaled(bounds: _T, factor: float) -> _T:
    """The same bounds, each ``factor`` times as long.  Tests only."""
    return replace(bounds, **{field.name: getattr(bounds, field.name) * factor for field in fields(bounds)})
