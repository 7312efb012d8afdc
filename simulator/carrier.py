"""The carrier: what it makes of each INVITE, and who holds a channel."""

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from simulator import carrier_limits, numbers
from simulator.carrier_limits import Gate, Gates
from simulator.consumers import draw_fate
from simulator.numbers import Fate
from simulator.outages import Outage, Outages
from simulator.record import Invite, Record
from simulator.settings import DEFAULT_WISHES, CarrierLimits, Wishes

#: from an INVITE that is asked for credentials to the one that has them
CHALLENGE_SECONDS: Final = 0.005


class Carrier:
    """Takes INVITEs.  A call holds a channel from its INVITE to its end, ringing included."""

    def __init__(
        self,
        *,
        seed: int,
        limits: CarrierLimits,
        everyone: Sequence[int] = (),
        wishes: Wishes = DEFAULT_WISHES,
        outages: Iterable[Outage] = (),
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
        self.strike(outages)

    def limit(self, limits: CarrierLimits) -> None:
        """Go by these limits from now on.  What went through earlier is forgotten; the calls that are up are not."""
        self._gates = Gates(limits)
        for invite in self._calls.values():
            for gate in self._gates.of(invite.trunk):
                gate.calls += 1

    def strike(self, outages: Iterable[Outage]) -> None:
        """Let these outages come, counted from now, and no others any more."""
        self.outages = Outages(outages, started_at=self._now())

    @property
    def limits(self) -> CarrierLimits:
        """The limits it goes by."""
        return self._gates.limits

    @property
    def calls(self) -> int:
        """Calls that hold a channel at this moment."""
        return len(self._calls)

    def invite(self, invite: Invite, *, call: Hashable, has_credentials: bool = False) -> Fate:
        """Take or refuse an INVITE; ``refused`` of it says which.

        One that no limit refuses holds a channel until ``hang_up(call)``, in an outage, too.
        """
        gates = self._gates.of(invite.trunk)
        fate = self._outage(invite, gates)
        if fate is None:
            if has_credentials and self.limits.counts_challenges:
                self._challenge(invite, gates)
            refusal = carrier_limits.refusal(gates, invite.at)
            if refusal is not None:
                invite.refused, invite.ended_at = refusal.reason, invite.at
                self._write(invite, gates)
                return refusal.fate
            fate = self._fate(invite.number)
        self._write(invite, gates)
        self._hold(invite, gates, call)
        return fate

    def _outage(self, invite: Invite, gates: Sequence[Gate]) -> Fate | None:
        accounts = [name for group, name in (gate.scope for gate in gates) if group == "accounts"]
        fate = self.outages.meet(invite.trunk, accounts, at=invite.at)
        if fate is not None:
            invite.refused = "outage"
        return fate

    def _challenge(self, invite: Invite, gates: Sequence[Gate]) -> None:
        """An INVITE without credentials is asked for them, unless it is too much already: then it is the only one."""
        if carrier_limits.refusal(gates, invite.at) is None:
            self._write(replace(invite, ended_at=invite.at, is_challenged=True), gates)
            invite.at += CHALLENGE_SECONDS

    def _write(self, invite: Invite, gates: Sequence[Gate]) -> None:
        self.record.add(invite, [gate.scope for gate in gates])
        if invite.refused is None:
            for gate in gates:
                gate.count(invite.at)

    def _hold(self, invite: Invite, gates: Sequence[Gate], call: Hashable) -> None:
        self._calls[call] = invite
        for gate in gates:
            gate.calls += 1
            self.record.note_calls(gate.scope, gate.calls)

    def hang_up(self, call: Hashable) -> None:
        """Both legs are down: give the call's channel back, if it holds one, and write down when."""
        invite = self._calls.pop(call, None)
        if invite is None:
            return
        invite.ended_at = self._now()
        for gate in self._gates.of(invite.trunk):
            gate.calls -= 1

    def _fate(self, number: str) -> Fate:
        if not numbers.is_dialable(number):
            return numbers.NOT_A_NUMBER
        scripted = numbers.scripted_fate(number)
        if scripted is None and self._everyone:
            scripted = numbers.fate_of_digits(self._everyone[int(number[-6:]) % len(self._everyone)])
        if scripted is not None:
            return scripted
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        return draw_fate(number, seed=self._seed, attempt=attempt, wishes=self._wishes)
