"""What many calls ask of the desk at once is one question to Redis."""

import asyncio

import pytest

from dialer.actions.desk import Desk
from dialer.actions.place_call import look
from dialer.app import Dialer
from dialer.limits.buckets import of_trunk
from tests.factories import make_campaign, make_tickets, make_trunk, open_epoch

pytestmark = pytest.mark.ledger


async def test_a_hundred_calls_give_their_slots_back_at_once(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, max_concurrent_calls=200)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=100)
    await open_epoch(dialer)
    desk = Desk(dialer)
    jobs = [await look(desk, ticket) for ticket in await make_tickets(dialer, campaign)]
    held = await asyncio.gather(*(desk.hold(job) for job in jobs if job))
    assert held == [True] * 100

    await asyncio.gather(*(desk.free_slots(job) for job in jobs if job))

    assert await dialer.slots.in_use(of_trunk(trunk.id)) == 0
