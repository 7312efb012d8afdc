"""Which call jobs are released: due, open, of a campaign that has begun, not suppressed; promised ones first."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from dialer.app import Dialer
from dialer.ledger.call_jobs import release_jobs
from dialer.ledger.campaigns import Campaign
from tests.factories import NUMBERS, make_campaign, make_trunk

pytestmark = pytest.mark.ledger

MINUTE = timedelta(minutes=1)


async def numbers_released(dialer: Dialer, *campaigns: Campaign, most: int = 100, size: int = 20) -> list[list[str]]:
    """The numbers of each message."""
    releases = await release_jobs(
        dialer.ledger,
        [campaign.id for campaign in campaigns],
        most=most,
        lease=MINUTE,
        release_ids=[uuid4() for _ in range(-(-most // size))],
        size=size,
    )
    rows = await dialer.ledger.rows("SELECT id, number FROM call_jobs")
    numbers = {row["id"]: row["number"] for row in rows}
    return [sorted(numbers[job] for job in ids) for _, ids in releases]


async def set_jobs(dialer: Dialer, assignments: str, *numbers: str) -> None:
    assert await dialer.ledger.changed(
        f"UPDATE call_jobs SET {assignments} WHERE number = ANY (%(numbers)s)",
        {"numbers": list(numbers)},
    ) == len(numbers)


async def reasons(dialer: Dialer) -> dict[str, tuple[str, str | None]]:
    rows = await dialer.ledger.rows("SELECT number, state, finish_reason FROM call_jobs")
    return {row["number"]: (row["state"], row["finish_reason"]) for row in rows}


async def suppress(dialer: Dialer, pattern: str, *, prefix: bool = False, campaign: int | None = None) -> None:
    await dialer.ledger.changed(
        """INSERT INTO suppressions (pattern, is_prefix, campaign_id, source)
        VALUES (%(pattern)s, %(prefix)s, %(campaign)s, 'operator')""",
        {"pattern": pattern, "prefix": prefix, "campaign": campaign},
    )


async def test_only_who_is_due_and_open_is_released(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=5)
    late, closed, still_open, never_closes, other = NUMBERS[:5]
    await set_jobs(dialer, "due_at = now() + interval '1 hour'", late)
    await set_jobs(dialer, "open_until = now()", closed)
    await set_jobs(dialer, "open_until = now() + interval '1 minute'", still_open)
    assert await numbers_released(dialer, campaign) == [sorted([still_open, never_closes, other])]


async def test_promised_ones_come_first(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=5)
    await set_jobs(dialer, "promised = true, due_at = now() - interval '1 s'", NUMBERS[4])
    await set_jobs(dialer, "due_at = now() - interval '1 day'", *NUMBERS[:4])
    assert await numbers_released(dialer, campaign, most=1) == [[NUMBERS[4]]]
    assert await numbers_released(dialer, campaign) == [sorted(NUMBERS[:4])]


async def test_a_promised_one_waits_for_its_hours_too(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await set_jobs(dialer, "promised = true, open_until = now()", NUMBERS[0])
    assert await numbers_released(dialer, campaign) == []


async def test_campaigns_take_turns(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    first = await make_campaign(dialer.ledger, trunk, name="first", numbers=NUMBERS[:10])
    second = await make_campaign(dialer.ledger, trunk, name="second", numbers=NUMBERS[10:20])
    released = await numbers_released(dialer, first, second, most=4, size=4)
    assert released == [sorted([*NUMBERS[:2], *NUMBERS[10:12]])]


async def test_the_suppressed_are_finished_and_not_queued(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=["+12125550100", "+12125550101", "+14155550102"])
    other = await make_campaign(dialer.ledger, trunk, name="other", numbers=["+12125550101"])
    await suppress(dialer, "+12125550100")
    await suppress(dialer, "+1415", prefix=True)
    await suppress(dialer, "+12125550101", campaign=other.id)
    assert await numbers_released(dialer, campaign) == [["+12125550101"]]
    assert await numbers_released(dialer, other) == []
    row = await dialer.ledger.row(
        "SELECT count(*) AS n FROM call_jobs WHERE finish_reason = 'suppressed' AND lease_token IS NULL"
    )
    assert row == {"n": 3}


@pytest.mark.parametrize("promised", [False, True])
async def test_who_is_being_finished_at_this_moment_is_passed_over_and_not_waited_for(
    dialer: Dialer, database_url: str, promised: bool
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=2)
    await set_jobs(dialer, f"promised = {promised}", *NUMBERS[:2])
    async with await psycopg.AsyncConnection.connect(database_url) as suppressing:
        await suppressing.execute(
            "UPDATE call_jobs SET state = 'finished', finish_reason = 'suppressed' WHERE number = %s", (NUMBERS[0],)
        )
        assert await numbers_released(dialer, campaign) == [[NUMBERS[1]]]

    assert await reasons(dialer) == {NUMBERS[0]: ("finished", "suppressed"), NUMBERS[1]: ("queued", None)}


async def test_who_is_suppressed_does_not_leave_messages_short(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=6)
    for number in NUMBERS[0:6:2]:
        await suppress(dialer, number)
    assert [len(message) for message in await numbers_released(dialer, campaign, most=6, size=2)] in ([2, 1], [1, 2])


@pytest.mark.parametrize(
    ("start", "end", "released"),
    [
        pytest.param(MINUTE, None, 0, id="not begun"),
        pytest.param(-MINUTE, None, 1, id="begun"),
        pytest.param(None, -MINUTE, 0, id="over"),
        pytest.param(None, MINUTE, 1, id="not over"),
    ],
)
async def test_start_and_end(dialer: Dialer, start: timedelta | None, end: timedelta | None, released: int) -> None:
    now = await dialer.ledger.now()
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await dialer.ledger.changed(
        "UPDATE campaigns SET start_at = %(start)s, end_at = %(end)s",
        {"start": start and now + start, "end": end and now + end},
    )
    assert len(await numbers_released(dialer, campaign)) == released
