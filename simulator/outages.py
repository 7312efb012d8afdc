"""Times in which the carrier, an account or a trunk does not work, by a script.

When an outage begins and how long it lasts are real seconds; what a call meets takes seconds of life, as everything in
a call does.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from simulator import numbers
from simulator.numbers import Fate

#: what an INVITE meets, by the kind of outage
KINDS: Final = ("code", "slow", "silence", "refused", "login", "no_funds", "decline")
_FAST_SECONDS: Final = 0.05
_SLOW_SECONDS: Final = 10.0
_NEED_CODE: Final = ("code",)
_MAY_HAVE_CODE: Final = ("code", "slow")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """One outage.

    Attributes:
        kind: ``code``: the final response ``code``, fast; ``slow``: the same (503 unless given) after a while;
            ``silence``: no response at all; ``refused``: the connection is; ``login``: the credentials do not do;
            ``no_funds``: 402; ``decline``: 603 before any ringing.
        at_seconds: real seconds from the moment the script is given to the beginning.
        for_seconds: real seconds; None: until the script is taken back.
        trunk: the id of the only trunk that is hit; None: all of them, or those of ``account``.
        account: the name of the only account that is hit.
        share: of the INVITEs, evenly spread, that meet it; the others go through.
        code: 300 to 699.
        phrase: what is said with the code; empty: what customarily is.
        after_seconds: of life, from the INVITE to the final response; None: 0.05, and 10 for ``slow``.
    """

    kind: str
    at_seconds: float = 0.0
    for_seconds: float | None = None
    trunk: str | None = None
    account: str | None = None
    share: float = 1.0
    code: int | None = None
    phrase: str = ""
    after_seconds: float | None = None

    def __post_init__(self) -> None:
        """What cannot be is a mistake: ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"the kind of an outage must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.code is None and self.kind in _NEED_CODE:
            raise ValueError("an outage of kind code needs a code")
        if self.code is not None and (self.kind not in _MAY_HAVE_CODE or not 300 <= self.code <= 699):
            raise ValueError(f"the code of an outage must be from 300 to 699, and its kind code or slow: {self.code}")
        for name in ("at_seconds", "for_seconds", "after_seconds"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 <= seconds < math.inf:
                raise ValueError(f"{name} of an outage must be at least 0, not {seconds}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share of an outage must be above 0 and at most 1, not {self.share}")

    def covers(self, trunk: str, accounts: Collection[str]) -> bool:
        """Whether it hits a trunk that belongs to these accounts."""
        return self.trunk in (None, trunk) and (self.account is None or self.account in accounts)

    def fate(self) -> Fate:
        """What an INVITE meets."""
        match self.kind:
            case "silence":
                return numbers.SILENCE
            case "refused":
                return Fate(connects=False)
            case "login":
                return self._final(407)
            case "no_funds":
                return self._final(402, "Payment Required")
            case "decline":
                return self._final(603)
            case _:
                return self._final(self.code or 503)

    def _final(self, code: int, phrase: str = "") -> Fate:
        after_seconds = self.after_seconds
        if after_seconds is None:
            after_seconds = _SLOW_SECONDS if self.kind == "slow" else _FAST_SECONDS
        return numbers.final(code, self.phrase or phrase, after_seconds=after_seconds)


class Running:
    """One outage of a script whose clock runs."""

    def __init__(self, outage: Outage, started_at: float) -> None:
        self.outage = outage
        self.begins_at = started_at + outage.at_seconds  #: unix seconds
        self.ends_at = None if outage.for_seconds is None else self.begins_at + outage.for_seconds
        self.met = 0  #: INVITEs that met it
        self._seen = 0

    def is_on(self, at: float) -> bool:
        """Whether it has begun and is not over."""
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)

    def hits(self) -> bool:
        """Whether the next INVITE is among the share that meets it."""
        self._seen += 1
        is_hit = math.floor(self._seen * self.outage.share) > math.floor((self._seen - 1) * self.outage.share)
        self.met += is_hit
        return is_hit


class Outages:
    """A script of outages.  Of two at once the one named first is met."""

    def __init__(self, script: Iterable[Outage], *, started_at: float) -> None:
        self.running = [Running(outage, started_at) for outage in script]

    def meet(self, trunk: str, accounts: Collection[str], *, at: float) -> Fate | None:
        """What an INVITE meets; None: no outage."""
        for one in self.running:
            if one.is_on(at) and one.outage.covers(trunk, accounts) and one.hits():
                return one.outage.fate()
        return None
