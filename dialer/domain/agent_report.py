"""What a voice agent reports about its call, read and checked.  Pure.  The contract is ``docs/agents.md``.

An agent sets attributes of its own participant, or writes the same keys into the room's metadata as JSON.  Whatever
came is kept as it was; what cannot be understood does not act and is named.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

PREFIX: Final = "dialer."
DISPOSITION: Final = "dialer.disposition"
CALLBACK_AT: Final = "dialer.callback_at"
DO_NOT_CALL: Final = "dialer.do_not_call"
AMD: Final = "dialer.amd"
KEYS: Final = (DISPOSITION, CALLBACK_AT, DO_NOT_CALL, AMD)

LONGEST_VALUE = 1024  #: characters of one value that are kept; attributes may hold 64 KiB
LONGEST_DISPOSITION = 64  #: characters
LATEST_CALLBACK = timedelta(days=30)
PAST_BY = timedelta(minutes=1)  #: a call back "now" reaches us a little later


class Amd(StrEnum):
    """Who picked up, in the categories of livekit-agents' answering machine detection."""

    HUMAN = "human"
    MACHINE_IVR = "machine-ivr"
    MACHINE_VM = "machine-vm"
    MACHINE_UNAVAILABLE = "machine-unavailable"
    UNCERTAIN = "uncertain"

    @property
    def is_machine(self) -> bool:
        """A person who is sure to be none."""
        return self.value.startswith("machine-")


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentReport:
    """What the agent said, as far as it can be understood.

    Attributes:
        callback_at: aware; from a minute ago to ``LATEST_CALLBACK`` ahead.
        problems: what does not act, and why: one sentence each.
    """

    disposition: str | None = None
    callback_at: datetime | None = None
    do_not_call: bool = False
    amd: Amd | None = None
    problems: tuple[str, ...] = field(default=())


NOTHING = AgentReport()


def reported(agents: Iterable[Mapping[str, str]], room_metadata: str = "") -> dict[str, str]:
    """Our keys among the attributes of a room's agents, else in the room's metadata; values cut to a sane length."""
    found = _from_metadata(room_metadata)
    for attributes in agents:
        found |= {key: value for key, value in attributes.items() if key in KEYS and value}
    return {key: value[:LONGEST_VALUE] for key, value in found.items()}


def _from_metadata(text: str) -> dict[str, str]:
    if PREFIX not in text:
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {key: _as_text(said[key]) for key in KEYS if said.get(key) not in (None, "")}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def parse_report(raw: Mapping[str, str], *, now: datetime) -> AgentReport:
    """Understand a report that was read at ``now`` (aware)."""
    problems: list[str] = []
    return AgentReport(
        disposition=raw.get(DISPOSITION, "")[:LONGEST_DISPOSITION] or None,
        callback_at=_callback(raw.get(CALLBACK_AT, ""), now, problems),
        do_not_call=_yes(raw.get(DO_NOT_CALL, ""), problems),
        amd=_amd(raw.get(AMD, ""), problems),
        problems=tuple(problems),
    )


def _callback(text: str, now: datetime, problems: list[str]) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        problems.append(f"{CALLBACK_AT} {text[:60]!r} is not a time (RFC 3339, as 2026-12-01T09:30:00+01:00)")
        return None
    if moment.utcoffset() is None:
        problems.append(f"{CALLBACK_AT} {text[:60]!r} has no offset: nobody knows whose clock it is")
        return None
    return _in_reach(moment, now, problems)


def _in_reach(moment: datetime, now: datetime, problems: list[str]) -> datetime | None:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC)
    if moment < now - PAST_BY:
        problems.append(f"{CALLBACK_AT} {moment.isoformat()} is in the past")
    elif moment > now + LATEST_CALLBACK:
        problems.append(f"{CALLBACK_AT} {moment.isoformat()} is more than {LATEST_CALLBACK.days} days ahead")
    else:
        return max(moment, now)
    return None


def _yes(text: str, problems: list[str]) -> bool:
    """A wish not to be called is understood generously; everything else that is not a "no" is named."""
    word = text.strip().casefold()
    if word in {"true", "1", "yes"}:
        return True
    if word not in {"", "false", "0", "no"}:
        problems.append(f"{DO_NOT_CALL} {text[:60]!r} is neither true nor false")
    return False


def _amd(text: str, problems: list[str]) -> Amd | None:
    if not text:
        return None
    try:
        return Amd(text.strip().casefold())
    except ValueError:
        problems.append(f"{AMD} {text[:60]!r} is none of {', '.join(Amd)}")
        return None
