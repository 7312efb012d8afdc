"""What is asked of LiveKit besides dialing goes out at once, and takes its part of the quota before any dial."""

import pytest

from dialer.actions.call_terms import TermsBook
from dialer.actions.count_requests import count_requests
from dialer.app import Dialer
from dialer.limits.buckets import LIVEKIT, PACE
from dialer.limits.requests import requests_of_last_minute
from tests.factories import make_trunk
from tests.fakes import ScriptedLine

pytestmark = pytest.mark.ledger


async def next_turn(dialer: Dialer) -> float:
    """When LiveKit's bucket has its next turn, in seconds of Redis's clock; 0: nothing was taken from it."""
    return int(await dialer.redis.client.get(dialer.rate.key(LIVEKIT)) or 0) / 1e6


async def test_dials_and_others_are_counted_together_and_once(dialer: Dialer, line: ScriptedLine) -> None:
    await make_trunk(dialer.ledger)
    line.requests.dials, line.requests.others = 3, 4

    for _ in range(2):
        await count_requests(dialer, TermsBook(dialer))

    assert await requests_of_last_minute(dialer.redis) == 7


async def test_only_what_had_no_turn_takes_its_part_of_the_quota(dialer: Dialer, line: ScriptedLine) -> None:
    await make_trunk(dialer.ledger)
    await dialer.ledger.changed("UPDATE line_status SET requests_per_minute = 60")
    line.requests.dials, line.requests.others = 50, 4
    now = await dialer.redis.time()

    await count_requests(dialer, TermsBook(dialer))

    assert await next_turn(dialer) - now == pytest.approx(4 / PACE, abs=0.2)


@pytest.mark.parametrize(
    ("dials", "others", "quota"),
    [pytest.param(5, 0, 60, id="dials had their turns"), pytest.param(5, 5, None, id="LiveKit has no quota")],
)
async def test_nothing_is_taken_when(
    dialer: Dialer, line: ScriptedLine, dials: int, others: int, quota: int | None
) -> None:
    await make_trunk(dialer.ledger)
    await dialer.ledger.changed("UPDATE line_status SET requests_per_minute = %(quota)s", {"quota": quota})
    line.requests.dials, line.requests.others = dials, others

    await count_requests(dialer, TermsBook(dialer))

    assert await next_turn(dialer) == 0


async def test_a_minute_after_it_was_asked_a_request_is_not_counted(dialer: Dialer) -> None:
    second = int(await dialer.redis.time())
    for age, count in ((0, 1), (59, 10), (60, 100), (61, 1000)):
        await dialer.redis.client.set(dialer.redis.key(f"requests:{second - age}"), count)

    assert await requests_of_last_minute(dialer.redis) in (11, 111)
