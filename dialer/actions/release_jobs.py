"""Releases the call jobs that can be dialed in the next seconds: WAITING → QUEUED under a lease, trunk by trunk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from dialer.actions.note_holds import note_holds, note_standstill
from dialer.actions.release_round import look_round
from dialer.actions.send_probes import note_probe
from dialer.actions.trunk_health import tell_health
from dialer.app import Dialer
from dialer.domain.release_plan import Memory, Pick
from dialer.domain.trunk_holds import Hold, HoldMemory, HoldReason
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.releases import release_jobs
from dialer.ledger.session import Transaction
from dialer.ledger.workers import count_alive

JOBS_PER_MESSAGE = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Call jobs that go on the queue in one message.  ``release_id`` is the lease token of each."""

    release_id: UUID
    trunk_id: int
    call_job_ids: tuple[int, ...]


@dataclass(slots=True)
class FeederMemory:
    """What a feeder keeps from one round to the next."""

    plan: Memory = field(default_factory=Memory)
    holds: HoldMemory = field(default_factory=HoldMemory)


async def may_release(dialer: Dialer) -> bool:
    """Whether anybody could dial: LiveKit is there, the clocks agree, a caller is alive."""
    return await _standstill(dialer) is None


async def somebody_dials(dialer: Dialer, memory: FeederMemory) -> bool:
    """The same; when nobody could, that is noted as what holds every trunk back."""
    if (hold := await _standstill(dialer)) is None:
        return True
    await note_standstill(dialer, memory.holds, hold)
    return False


async def _standstill(dialer: Dialer) -> Hold | None:
    status = await read_line_status(dialer.ledger)
    if status.state is not LineState.OK:
        return Hold(HoldReason.LIVEKIT, status.detail)
    alive = await count_alive(dialer.ledger, silence=dialer.leases.owner)
    return None if alive.get("caller", 0) else Hold(HoldReason.NO_CALLERS)


async def note_callers_behind(dialer: Dialer, memory: FeederMemory) -> None:
    """More messages lie on the queue than the callers keep up with: nothing is released for now."""
    await note_standstill(dialer, memory.holds, Hold(HoldReason.NO_CALLERS, "the callers do not keep up"))


async def release_due(dialer: Dialer, memory: FeederMemory | None = None) -> list[Release]:
    """Release what is due on every trunk, in its limits.  The ledger first; the messages are the feeder's to send.

    A trunk whose breaker is not closed releases nothing but the one call that tries it, when it is due.
    """
    memory = memory or FeederMemory()
    async with dialer.ledger.transaction() as transaction:
        round_ = await look_round(dialer, transaction, memory.plan)
        releases: list[Release] = []
        for probe in round_.probes:
            for release in await _let_out(dialer, transaction, [probe.pick]):
                await note_probe(transaction, round_.states[release.trunk_id], probe, release.release_id)
                releases.append(release)
        is_told = bool(releases or round_.ramped)
        for wave in waves(round_.picks):
            releases += await _let_out(dialer, transaction, wave)
    if is_told:
        await tell_health(dialer)
    await note_holds(dialer, memory.holds, round_)
    return releases


def waves(picks: Iterable[Pick]) -> list[list[Pick]]:
    """Picks that one statement may make together: of no campaign through two trunks, it would pick the same ones."""
    found: list[dict[int, list[Pick]]] = []
    for pick in picks:
        for wave in found:
            own = wave.setdefault(pick.campaign_id, [])
            if not own or own[0].trunk_id == pick.trunk_id:
                own.append(pick)
                break
        else:
            found.append({pick.campaign_id: [pick]})
    return [[pick for own in wave.values() for pick in own] for wave in found]


async def _let_out(dialer: Dialer, transaction: Transaction, picks: Sequence[Pick]) -> list[Release]:
    jobs: dict[int, int] = {}
    for pick in picks:
        jobs[pick.trunk_id] = jobs.get(pick.trunk_id, 0) + pick.jobs
    ids = {
        trunk_id: [dialer.new_id() for _ in range(-(-count // JOBS_PER_MESSAGE))] for trunk_id, count in jobs.items()
    }
    trunk_of = {release_id: trunk_id for trunk_id, own in ids.items() for release_id in own}
    released = await release_jobs(transaction, picks, lease=dialer.leases.call_job, releases=ids, size=JOBS_PER_MESSAGE)
    return [
        Release(release_id=release_id, trunk_id=trunk_of[release_id], call_job_ids=tuple(call_job_ids))
        for release_id, call_job_ids in released.items()
    ]
