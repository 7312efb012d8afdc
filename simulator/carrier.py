"""The carrier: its limits, what it makes of each INVITE, and its own record of all of them."""

import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from simulator import numbers
from simulator.consumers import draw_fate
from simulator.numbers import Fate
from simulator.settings import DEFAULT_WISHES, CarrierLimits, Wishes

_SECOND: Final = 1.0


class BusiestWindow:
    """How many events a sliding window holds, and the most it ever held.

    An event exactly one window ago no longer counts.
    """

    def __init__(self, window_seconds: float = _SECOND) -> None:
        self._window_seconds = window_seconds
        self._moments: deque[float] = deque()
        self.most = 0

    def add(self, at: float) -> None:
        """Count one event."""
        self._moments.append(at)
        self.most = max(self.most, self.count(at))

    def count(self, at: float) -> int:
        """How many events the window that ends at ``at`` holds."""
        while self._moments and self._moments[0] <= at - self._window_seconds:
            self._moments.popleft()
        return len(self._moments)


@dataclass(kw_only=True, slots=True)
class Invite:
    """One INVITE as the carrier saw it, and the end of its call.

    Attributes:
        at: unix seconds of this machine, taken when the request's bytes came off the socket.
        ended_at: on the same clock, when both legs were down; None: the call is still up.  One that was refused at
            once was never up: it ended when it came.
    """

    at: float
    trunk: str
    number: str
    room: str
    ended_at: float | None = None


class Record:
    """Every INVITE there was; the witness of how fast and how often somebody dialed."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything so far."""
        self._invites: list[Invite] = []
        self._second = BusiestWindow()
        self._trunk_seconds: dict[str, BusiestWindow] = {}
        self.most_calls = 0

    def add(self, invite: Invite) -> None:
        """Write down one INVITE, whether or not it is accepted."""
        self._invites.append(invite)
        self._second.add(invite.at)
        self._trunk_seconds.setdefault(invite.trunk, BusiestWindow()).add(invite.at)

    def invites(self) -> list[Invite]:
        """All INVITEs so far, in the order in which they came."""
        return self._invites[:]

    @property
    def worst_second(self) -> int:
        """The most INVITEs in any sliding second."""
        return self._second.most

    def worst_second_by_trunk(self) -> dict[str, int]:
        """The same for each trunk by itself."""
        return {trunk: window.most for trunk, window in self._trunk_seconds.items()}


class Carrier:
    """Takes INVITEs.  A call holds a channel from its INVITE to its end."""

    def __init__(
        self,
        *,
        seed: int,
        limits: CarrierLimits,
        everyone: int | None = None,
        wishes: Wishes = DEFAULT_WISHES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._seed = seed
        self._wishes = wishes
        self._everyone = everyone
        self._now = now  # the machine's clock, also when the server's is set off: the ledger goes by it
        self._attempts: dict[str, int] = {}
        self._calls: dict[Hashable, Invite] = {}
        self.record = Record()
        self.limit(limits)

    def limit(self, limits: CarrierLimits) -> None:
        """Go by these limits from now on."""
        per_second = limits.calls_per_second
        # Less than one a second is one in a longer window; evenly paced calls at any rate are always taken.
        self._calls_a_window = math.inf if per_second is None else math.ceil(max(per_second, 1.0))
        window_seconds = _SECOND / per_second if per_second and per_second < 1 else _SECOND
        self._accepted = BusiestWindow(window_seconds)
        self._max_calls = limits.max_concurrent_calls
        self.limits = limits

    @property
    def calls(self) -> int:
        """Calls that hold a channel at this moment."""
        return len(self._calls)

    def invite(self, invite: Invite, *, call: Hashable) -> Fate:
        """Take or refuse an INVITE.  One that is taken holds a channel until ``hang_up(call)``."""
        self.record.add(invite)
        refusal = self._refusal(invite)
        if refusal is not None:
            invite.ended_at = invite.at
            return refusal
        self._accepted.add(invite.at)
        self._calls[call] = invite
        self.record.most_calls = max(self.record.most_calls, len(self._calls))
        return self._fate(invite.number)

    def _refusal(self, invite: Invite) -> Fate | None:
        if self._accepted.count(invite.at) >= self._calls_a_window:
            return numbers.CPS_LIMIT
        if self._max_calls is not None and len(self._calls) >= self._max_calls:
            return numbers.CHANNEL_LIMIT
        return None

    def hang_up(self, call: Hashable) -> None:
        """Both legs are down: give the call's channel back, if it holds one, and write down when."""
        invite = self._calls.pop(call, None)
        if invite is not None:
            invite.ended_at = self._now()

    def _fate(self, number: str) -> Fate:
        if not numbers.is_dialable(number):
            return numbers.NOT_A_NUMBER
        scripted = numbers.scripted_fate(number)
        if scripted is None and self._everyone is not None:
            scripted = numbers.fate_of_digits(self._everyone)
        if scripted is not None:
            return scripted
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        return draw_fate(number, seed=self._seed, attempt=attempt, wishes=self._wishes)
