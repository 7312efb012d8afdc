"""What the called person says once the call is up, and how an agent reports it.  Pure.

The keys are the dialer's contract with voice agents; real agents set them as attributes of their own participant.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HUMAN: Final = "human"
MACHINE: Final = "machine-vm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Says:
    """What an agent learns from whoever picked up; empty: nothing of the kind.

    Attributes:
        amd: who it was, in the words of livekit-agents' answering machine detection.
        disposition: what the conversation yielded.
        callback_after_seconds: in how many real seconds the person wants to be called back.
        callback_at: the moment in the agent's own words instead, right or wrong.
    """

    amd: str = ""
    disposition: str = ""
    callback_after_seconds: float | None = None
    callback_at: str = ""
    do_not_call: bool = False

    def report(self, now: datetime) -> dict[str, str]:
        """The attributes an agent sets at ``now`` (aware)."""
        attributes = {"dialer.amd": self.amd, "dialer.disposition": self.disposition}
        attributes["dialer.callback_at"] = self.callback_at
        if self.callback_after_seconds is not None:
            callback_at = now + timedelta(seconds=self.callback_after_seconds)
            attributes["dialer.callback_at"] = callback_at.isoformat(timespec="milliseconds")
        if self.do_not_call:
            attributes["dialer.do_not_call"] = "true"
        return {key: value for key, value in attributes.items() if value}


NOTHING: Final = Says(amd=HUMAN)  #: a person who wants nothing in particular
VOICEMAIL: Final = Says(amd=MACHINE)


def as_metadata(report: Mapping[str, str]) -> str:
    """The same report as a room's metadata."""
    return json.dumps(dict(report))
