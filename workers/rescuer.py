"""The rescuer: puts back what was left lying, asks LiveKit about open attempts, keeps the limits' memory true.

Any number may run; one leads.  The others only step in when an epoch lies closed and nobody touches it.
"""

import asyncio

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.compare_slots import compare_slots
from dialer.actions.count_requests import EVERY_SECONDS, count_requests
from dialer.actions.follow_calls import follow_calls, next_round_in
from dialer.actions.rebuild_limits import EpochWatch, rebuild_limits
from dialer.actions.sweep_rooms import sweep_every, sweep_rooms
from dialer.actions.watch_trunks import watch_trunks
from dialer.app import Dialer
from dialer.config import Settings
from dialer.errors import StoreUnavailable
from dialer.ledger.call_jobs import put_back_lapsed
from workers.process import Stop, repeat, run_worker

log = structlog.get_logger()

LEAD_EVERY_SECONDS = 1.0
EPOCH_EVERY_SECONDS = 1.0
PUT_BACK_EVERY_SECONDS = 1.0
WATCH_EVERY_SECONDS = 0.5


async def rescue(dialer: Dialer, stop: Stop, settings: Settings) -> None:
    """Run a rescuer until it is told to stop."""
    while not stop.asked.is_set():
        try:
            async with dialer.ledger.leading("rescuer") as leading:
                if leading is None:
                    await stand_by(dialer, stop)
                else:
                    await lead(dialer, stop, leading.lost)
        except StoreUnavailable as error:
            log.warning("not_leading", error=str(error))
            await stop.rest(LEAD_EVERY_SECONDS)


async def stand_by(dialer: Dialer, stop: Stop) -> None:
    """Watch the epoch of a leader that may be frozen, then ask again who leads."""
    watch = EpochWatch(dialer)
    if (fault := await watch.fault()) == "closed":
        await rebuild_limits(dialer, why=fault)
    await stop.rest(LEAD_EVERY_SECONDS)


async def lead(dialer: Dialer, stop: Stop, lost: asyncio.Event) -> None:
    """Do the caretakers' rounds for as long as this process leads."""
    log.info("rescuer_leads", worker_id=str(dialer.worker_id))
    terms, watch = TermsBook(dialer), EpochWatch(dialer)

    async def keep_epoch() -> None:
        if fault := await watch.fault():
            await rebuild_limits(dialer, why=fault)

    async def put_back() -> None:
        if count := await put_back_lapsed(dialer.ledger):
            log.warning("lapsed_jobs_put_back", call_jobs=count)

    async def compare() -> None:
        await compare_slots(dialer)

    async def follow() -> None:
        await follow_calls(dialer, terms)

    async def sweep() -> None:
        await sweep_rooms(dialer)

    async def watch_health() -> None:
        await watch_trunks(dialer)

    async def count() -> None:
        await count_requests(dialer, terms)

    compare_every, follow_every = dialer.leases.compare.total_seconds(), next_round_in(dialer).total_seconds()
    leaving = asyncio.create_task(_first(stop.asked, lost))
    rounds = [
        asyncio.create_task(repeat(keep_epoch, stop, every=EPOCH_EVERY_SECONDS, name="keep_epoch")),
        asyncio.create_task(repeat(put_back, stop, every=PUT_BACK_EVERY_SECONDS, name="put_back")),
        asyncio.create_task(repeat(compare, stop, every=compare_every, name="compare_slots")),
        asyncio.create_task(repeat(sweep, stop, every=sweep_every(dialer.fence.agent_room), name="sweep_rooms")),
        asyncio.create_task(repeat(watch_health, stop, every=WATCH_EVERY_SECONDS, name="watch_trunks")),
        asyncio.create_task(repeat(count, stop, every=EVERY_SECONDS, name="count_requests")),
        asyncio.create_task(repeat(follow, stop, every=follow_every, name="follow_calls")),
    ]
    await leaving
    for task in rounds:
        task.cancel()
    await asyncio.gather(*rounds, return_exceptions=True)


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


if __name__ == "__main__":
    run_worker("rescuer", rescue)
