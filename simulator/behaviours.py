"""What each agent does, by its name.  Pure.

======================= ===============================================================================
``sim-ready``           comes after 0.3 s, reports what the called person says, ends a call to a machine
``sim-slow-8``          the same, but comes after 8 s
``sim-crash``           its job runs, and it never comes
``sim-leaves-5``        leaves 5 s after the answer; the callee stays
``sim-reports-booked``  reports the disposition "booked" and a human, then deletes the room
``sim-callback-60``     reports a wish to be called back 60 real seconds later, then deletes the room
``sim-callback-at-T``   reports T as the moment of the call back, whatever T is, then deletes the room
``sim-long-65536``      reports a disposition of 65536 characters, then deletes the room
``sim-dnc``             reports a wish never to be called again, then deletes the room
``sim-machine``         reports a machine, then deletes the room
``sim-metadata-booked`` reports the disposition "booked" in the room's metadata, and stays
any other name          nobody comes
======================= ===============================================================================

All times but that of a call back are seconds of life, before ``--speed``, as recorded in ``agents.json``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.says import HUMAN, MACHINE, Says

JOB_SECONDS: Final = 0.2  #: from the dispatch to a worker that has taken the job; until then no job is listed
JOIN_SECONDS: Final = 0.3  #: from the dispatch to the agent in the room
ACTIVE_SECONDS: Final = 0.04  #: how long an agent is in the room before it can hear; it counts in the time to join
DISMISSED_SECONDS: Final = (
    3.0  #: how long LiveKit waits for an agent whose dispatch was deleted before it throws it out
)
REPORT_SECONDS: Final = 0.9  #: from the answer to the report; nobody hangs up earlier than after 1 s
LEAVE_SECONDS: Final = 2.1  #: from the answer to the end of a call that the agent ends
MESSAGE_SECONDS: Final = 5.0  #: from the answer to the end of a message on a machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """What an agent does of itself.

    Attributes:
        joins_after_seconds: from the dispatch; None: it runs, and never gets into the room.
        listens: it reports what the called person says, and ends a call with a machine.
        says: what it reports whoever was called; None: nothing.
        says_in_metadata: it reports in the room's metadata instead of its own attributes.
        leaves_after_seconds: from the answer to its going, which leaves the callee alone; None: it stays.
        deletes_after_seconds: from the answer to its DeleteRoom; None: it never does.
    """

    joins_after_seconds: float | None = JOIN_SECONDS
    listens: bool = False
    says: Says | None = None
    says_in_metadata: bool = False
    leaves_after_seconds: float | None = None
    deletes_after_seconds: float | None = None


def behaviour_of(agent_name: str) -> Behaviour | None:
    """What the agent of this name does; None: nobody serves the name."""
    for pattern, behaviour in _BY_NAME.items():
        if match := pattern.fullmatch(agent_name):
            return behaviour(*match.groups())
    return None


def _ready() -> Behaviour:
    return Behaviour(listens=True)


def _slow(seconds: str) -> Behaviour:
    return Behaviour(listens=True, joins_after_seconds=float(seconds))


def _crash() -> Behaviour:
    return Behaviour(joins_after_seconds=None)


def _leaves(seconds: str) -> Behaviour:
    return Behaviour(leaves_after_seconds=float(seconds))


def _reports(disposition: str) -> Behaviour:
    return _ends_with(Says(amd=HUMAN, disposition=disposition))


def _callback(seconds: str) -> Behaviour:
    return _ends_with(Says(callback_after_seconds=float(seconds)))


def _callback_at(text: str) -> Behaviour:
    return _ends_with(Says(callback_at=text))


def _long(characters: str) -> Behaviour:
    return _ends_with(Says(disposition="x" * int(characters)))


def _do_not_call() -> Behaviour:
    return _ends_with(Says(do_not_call=True))


def _machine() -> Behaviour:
    return _ends_with(Says(amd=MACHINE))


def _metadata(disposition: str) -> Behaviour:
    return Behaviour(says=Says(disposition=disposition), says_in_metadata=True)


def _ends_with(says: Says) -> Behaviour:
    return Behaviour(says=says, deletes_after_seconds=LEAVE_SECONDS)


_SECONDS: Final = r"(\d+(?:\.\d+)?)"
_BY_NAME: Final[dict[re.Pattern[str], Callable[..., Behaviour]]] = {
    re.compile("sim-ready"): _ready,
    re.compile(f"sim-slow-{_SECONDS}"): _slow,
    re.compile("sim-crash"): _crash,
    re.compile(f"sim-leaves-{_SECONDS}"): _leaves,
    re.compile("sim-reports-(.+)"): _reports,
    re.compile(f"sim-callback-{_SECONDS}"): _callback,
    re.compile("sim-callback-at-(.+)"): _callback_at,
    re.compile(r"sim-long-(\d+)"): _long,
    re.compile("sim-dnc"): _do_not_call,
    re.compile("sim-machine"): _machine,
    re.compile("sim-metadata-(.+)"): _metadata,
}
