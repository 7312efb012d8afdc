"""What the carrier lets through: of a trunk, of an account's trunks together, and of everybody together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from simulator import numbers
from simulator.busiest_window import SECOND, BusiestWindow
from simulator.numbers import Fate
from simulator.record import WHOLE_CARRIER, Scope
from simulator.settings import CarrierLimits, Limits


@dataclass(frozen=True, slots=True)
class Words:
    """How a carrier refuses an INVITE that is too much."""

    too_fast: Fate
    no_channel: Fate


#: by the name of the style.  ``plivo`` and ``bare`` say nothing that tells a limit from a callee or a fault
_WORDS: Final = {
    "mixed": Words(numbers.CPS_LIMIT, numbers.CHANNEL_LIMIT),
    "twilio": Words(numbers.CPS_LIMIT, numbers.final(500, "Trunk concurrent call limit exceeded")),
    "telnyx": Words(numbers.final(503, "CPS Limit reached P05"), numbers.CHANNEL_LIMIT),
    "plivo": Words(numbers.final(486), numbers.final(486)),
    "bare": Words(numbers.final(503), numbers.final(480)),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which limit an INVITE would break, as the record names it, and what it is answered."""

    reason: str
    fate: Fate


class Gate:
    """The limits of one scope, and what has gone through."""

    def __init__(self, scope: Scope, limits: Limits, words: Words) -> None:
        self.scope = scope
        self.words = words
        self.calls = 0  #: that hold a channel now, ringing included
        per_second = limits.calls_per_second
        # Less than one a second is one in a longer window; evenly paced calls at any rate are always taken.
        self._calls_a_window = math.inf if per_second is None else math.ceil(max(per_second, 1.0))
        self._accepted = BusiestWindow(SECOND / per_second if per_second and per_second < 1 else SECOND)
        self._max_calls = math.inf if limits.max_concurrent_calls is None else limits.max_concurrent_calls

    def is_too_fast(self, at: float) -> bool:
        """Whether one more INVITE at this moment would be one too many."""
        return self._accepted.count(at) >= self._calls_a_window

    @property
    def is_full(self) -> bool:
        """Whether every channel is held."""
        return self.calls >= self._max_calls

    def count(self, at: float) -> None:
        """An INVITE has gone through."""
        self._accepted.add(at)


class Gates:
    """Every gate there is; an INVITE has to get through all of its own, or counts in none."""

    def __init__(self, limits: CarrierLimits) -> None:
        self.limits = limits
        self._whole = self._gate(WHOLE_CARRIER, limits)
        self._accounts = [
            (account.trunks, self._gate(("accounts", name), account)) for name, account in limits.accounts.items()
        ]
        self._by_trunk: dict[str, tuple[Gate, ...]] = {}

    def of(self, trunk: str) -> tuple[Gate, ...]:
        """The gates on a trunk's way, its own first."""
        gates = self._by_trunk.get(trunk)
        if gates is None:
            own = self._gate(("trunks", trunk), self.limits.trunks.get(trunk, Limits()))
            accounts = (gate for trunks, gate in self._accounts if trunk in trunks)
            gates = self._by_trunk[trunk] = (own, *accounts, self._whole)
        return gates

    def _gate(self, scope: Scope, limits: Limits) -> Gate:
        return Gate(scope, limits, _WORDS[limits.style or self.limits.style or "mixed"])


def refusal(gates: Iterable[Gate], at: float) -> Refusal | None:
    """What an INVITE at this moment is refused for; None: it may go through all of these gates."""
    for gate in gates:
        if gate.is_too_fast(at):
            return Refusal("cps", gate.words.too_fast)
    for gate in gates:
        if gate.is_full:
            return Refusal("channels", gate.words.no_channel)
    return None
