"""``dialer trunk probe``."""

import asyncio
import sys
from dataclasses import dataclass

import typer

from console.commands.trunk.flags import Name
from console.errors import ExitCode
from console.open_slots import open_redis
from console.session import Session, run
from console.terminal import Json, put_json, say
from dialer.actions.look_at_trunk import TrunkStanding, look_at_trunk
from dialer.actions.try_trunk import ask_for_probe, shut_of, what_is_shut
from dialer.domain.breaker import BreakerState
from dialer.domain.machinery import line_trouble, missing_processes
from dialer.domain.trunk_standing import without_breaker
from dialer.domain.trunk_state import Health
from dialer.ledger.health import Scope
from dialer.limits.call_slots import CallSlots

PATIENCE_SECONDS = 30
LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Tried:
    """How it ended, in words."""

    is_well: bool
    words: str


def probe(name: Name, as_json: Json = False) -> None:
    """Try with one call whether a trunk that failed, or is held, is well again; also for what its account is held for.

    The next person who is due through it is called. Ends with 0 when it is well, with 5 when it is not, or when
    nobody could try it within 30 seconds.
    """
    tried = run(lambda session: try_it(session, name))
    say(tried.words)
    if as_json:
        put_json({"trunk": name, "is_well": tried.is_well, "reason": tried.words})
    if not tried.is_well:
        raise typer.Exit(ExitCode.NOT_ANSWERED)


async def try_it(session: Session, name: str) -> Tried:
    """Ask for a probe and wait for what comes of it."""
    found = await what_is_shut(session.ledger, name)
    if not found:
        return Tried(True, f"trunk {name} is well: nothing is held. `dialer trunk show` says what else holds it back.")
    async with open_redis(session) as redis:
        asked = {shut.scope: await ask_for_probe(session.ledger, redis, shut) for shut in found}
        return await _follow(session, CallSlots(redis), name, asked)


async def _follow(session: Session, slots: CallSlots, name: str, asked: dict[Scope, Health]) -> Tried:
    progress = _Progress()
    for look in range(round(PATIENCE_SECONDS / LOOK_EVERY_SECONDS)):
        standing = await look_at_trunk(session.ledger, slots, name, silence=session.silence)
        if (tried := judge(standing, asked)) is not None:
            progress.end()
            return tried
        progress.at(round(look * LOOK_EVERY_SECONDS), _doing(standing))
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    progress.end()
    return Tried(
        False, f"{_why_nobody_tries(standing)}; the probe stays asked for, and the next person who is due is it"
    )


def judge(standing: TrunkStanding, asked: dict[Scope, Health]) -> Tried | None:
    """What has come of the probes that were asked for; None: nothing yet."""
    name, now = standing.name, standing.facts.now
    shut = shut_of(standing.state)
    if not shut:
        return Tried(True, f"trunk {name} is well: the call got through. Calls go out again, slowly at first.")
    if missing := missing_processes(standing.facts.machinery) or line_trouble(standing.facts.machinery):
        return Tried(False, f"{missing}; the probe goes out as soon as somebody can make it")
    for one in shut:
        waits = one.breaker.probe_at is not None and one.breaker.probe_at <= now
        is_judged = one.health.version > asked[one.scope].version if one.scope in asked else False
        if is_judged and one.breaker.state is not BreakerState.HALF_OPEN and not waits:
            return Tried(False, f"{one.whose} is not well: {one.breaker.reason}")
    return None


def _doing(standing: TrunkStanding) -> str:
    is_tried = any(one.breaker.state is BreakerState.HALF_OPEN for one in shut_of(standing.state))
    return "one call is trying it" if is_tried else "waiting for somebody who is due"


def _why_nobody_tries(standing: TrunkStanding) -> str:
    shut = shut_of(standing.state)
    if any(one.breaker.state is BreakerState.HALF_OPEN for one in shut):
        return f"the call that tries it has got no answer in {PATIENCE_SECONDS} s"
    if len(shut) > 1:
        whose = " and ".join(one.whose for one in shut)
        return f"{whose} both hold it back, and one call cannot try both: `dialer trunk resume` lets them go"
    return f"nobody has tried it within {PATIENCE_SECONDS} s: {without_breaker(standing.facts).what}"


class _Progress:
    """What is going on, on stderr: one line that is renewed, or a line for each change where there is no terminal."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._shown = ""

    def at(self, seconds: int, what: str) -> None:
        line = f"{seconds} s: {what} ..." if self._on_terminal else f"{what} ..."
        if line == self._shown:
            return
        self._shown = line
        sys.stderr.write(f"\r\x1b[K{line}" if self._on_terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown and self._on_terminal:
            sys.stderr.write("\r\x1b[K")
