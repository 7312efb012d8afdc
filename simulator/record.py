"""The carrier's own record of every INVITE: the witness of how fast and how often somebody dialed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from simulator.busiest_window import BusiestWindow

#: whose INVITEs or calls are counted together: a group (``trunks``, ``accounts`` or ``carrier``) and a name in it
Scope = tuple[str, str]
WHOLE_CARRIER: Final[Scope] = ("carrier", "")


@dataclass(kw_only=True, slots=True)
class Invite:
    """One INVITE as the carrier saw it, and the end of its call.

    Attributes:
        at: unix seconds of this machine, taken when the request's bytes came off the socket.
        trunk: the id of a stored trunk; ``inline:`` and the host of one that came with the request.
        ended_at: on the same clock, when both legs were down; None: the call is still up.  One that a limit refused
            was never up: it ended when it came.
        refused: ``cps`` or ``channels`` for the limit that did not let it in, ``outage`` for one that met an outage;
            None: the carrier took it.
        is_challenged: the carrier only asked for credentials; the INVITE that has them comes a moment later.
    """

    at: float
    trunk: str
    number: str
    room: str
    ended_at: float | None = None
    refused: str | None = None
    is_challenged: bool = False


@dataclass(slots=True)
class Summary:
    """What the INVITEs of one scope come to."""

    second: BusiestWindow = field(default_factory=BusiestWindow)
    most_calls: int = 0
    invites: int = 0
    refused: Counter[str] = field(default_factory=Counter)  #: by what refused them

    def add(self, invite: Invite) -> None:
        """Count one INVITE."""
        self.invites += 1
        self.second.add(invite.at)
        if invite.refused is not None:
            self.refused[invite.refused] += 1


class Record:
    """Every INVITE there was, and its sums for the whole carrier and for every trunk and account."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything so far."""
        self._invites: list[Invite] = []
        self._summaries: dict[Scope, Summary] = {WHOLE_CARRIER: Summary()}

    def add(self, invite: Invite, scopes: Iterable[Scope]) -> None:
        """Write down one INVITE, whether or not it was taken, under every scope it belongs to."""
        self._invites.append(invite)
        for scope in scopes:
            self._summaries.setdefault(scope, Summary()).add(invite)

    def note_calls(self, scope: Scope, calls: int) -> None:
        """So many calls of this scope are up now."""
        summary = self._summaries.setdefault(scope, Summary())
        summary.most_calls = max(summary.most_calls, calls)

    def invites(self) -> list[Invite]:
        """All INVITEs so far, in the order in which the carrier looked at them."""
        return self._invites[:]

    def summaries(self, group: str) -> dict[str, Summary]:
        """The sums of every trunk or account, by name."""
        return {scope[1]: summary for scope, summary in self._summaries.items() if scope[0] == group}

    @property
    def worst_second(self) -> int:
        """The most INVITEs in any sliding second."""
        return self._summaries[WHOLE_CARRIER].second.most

    @property
    def most_calls(self) -> int:
        """The most calls that were up at once."""
        return self._summaries[WHOLE_CARRIER].most_calls

    def worst_second_by_trunk(self) -> dict[str, int]:
        """The most INVITEs in any sliding second of each trunk by itself."""
        return {trunk: summary.second.most for trunk, summary in self.summaries("trunks").items()}
