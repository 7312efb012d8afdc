"""What is found due and released: by class of numbers and kind, open, begun, not suppressed, not failed there."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dialer.app import Dialer
from dialer.domain.due_work import WorkKind
from dialer.domain.fair_share import Place
from dialer.domain.release_plan import Pick
from dialer.ledger import releases
from dialer.ledger.campaigns import Campaign
from dialer.ledger.release_turns import read_places, write_places
from dialer.ledger.releases import due_work, lock_trunks, queued_jobs, release_jobs
from tests.factories import NUMBERS, make_campaign, make_trunk

pytestmark = pytest.mark.ledger

MINUTE = timedelta(minutes=1)
PROMISED, RETRY, NEW, OLDEST = WorkKind.PROMISED, WorkKind.RETRY, WorkKind.NEW, WorkKind.OLDEST


def picks_of(
    *campaigns: Campaign,
    jobs: int = 100,
    kinds: Sequence[WorkKind] = (PROMISED, OLDEST),
    routes: tuple[str, ...] = ("",),
    trunk_id: int | None = None,
) -> list[Pick]:
    return [
        Pick(trunk_id=trunk_id or campaign.trunk_id or 0, campaign_id=campaign.id, kind=kind, routes=routes, jobs=jobs)
        for campaign in campaigns
        for kind in kinds
    ]


async def numbers_released(dialer: Dialer, *campaigns: Campaign, size: int = 20, **more: Any) -> list[list[str]]:
    """The numbers of each message."""
    picks = picks_of(*campaigns, **more)
    jobs = sum(pick.jobs for pick in picks)
    releases = {pick.trunk_id: [dialer.new_id() for _ in range(jobs)] for pick in picks}
    released = await release_jobs(dialer.ledger, picks, lease=MINUTE, releases=releases, size=size)
    rows = await dialer.ledger.rows("SELECT id, number FROM call_jobs")
    numbers = {row["id"]: row["number"] for row in rows}
    return [sorted(numbers[job] for job in released[release]) for release in sorted(released)]


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


async def test_promised_ones_lie_before_the_others_on_the_queue(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=5)
    await set_jobs(dialer, "promised = true, due_at = now() - interval '1 s'", NUMBERS[4])
    await set_jobs(dialer, "due_at = now() - interval '1 day'", *NUMBERS[:4])
    assert await numbers_released(dialer, campaign, size=1) == [[NUMBERS[4]], *([number] for number in NUMBERS[:4])]


@pytest.mark.parametrize(
    ("kind", "found"),
    [(PROMISED, [0]), (RETRY, [1, 2]), (NEW, [3, 4]), (OLDEST, [2, 4])],
    ids=lambda value: str(value) if isinstance(value, WorkKind) else "",
)
async def test_each_kind_is_found_by_itself_the_longest_due_first(
    dialer: Dialer, kind: WorkKind, found: list[int]
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=5)
    await set_jobs(dialer, "promised = true, tried = true", NUMBERS[0])
    await set_jobs(dialer, "tried = true", *NUMBERS[1:3])
    for minutes, place in enumerate([1, 3, 4, 2]):
        await set_jobs(dialer, f"due_at = now() - interval '{minutes} min'", NUMBERS[place])
    released = await numbers_released(dialer, campaign, kinds=[kind], jobs=2)
    assert released == [sorted(NUMBERS[place] for place in found)]


async def test_of_several_classes_of_numbers_those_that_are_due_the_longest_go_out(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=6)
    await set_jobs(dialer, "route = '+44'", *NUMBERS[2:4])
    await set_jobs(dialer, "route = '+33', due_at = now() - interval '1 day'", *NUMBERS[4:6])
    await set_jobs(dialer, "due_at = now() - interval '1 h'", NUMBERS[1], NUMBERS[2])
    assert await numbers_released(dialer, campaign, routes=("", "+44"), jobs=2, kinds=[NEW]) == [NUMBERS[1:3]]


async def test_who_failed_on_a_trunk_in_this_try_waits_for_another_one_for_a_minute(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    other = await make_trunk(dialer.ledger, name="other", livekit_trunk_id="ST_other")
    await set_jobs(dialer, f"tried = true, not_trunks = '{{{trunk.id}}}'", *NUMBERS[:2])
    await set_jobs(dialer, "due_at = now() - interval '61 s'", NUMBERS[1])

    found = await due_work(dialer.ledger, {campaign.id: [""]}, {campaign.id: 9})

    assert {work.not_trunks: work.due for work in found} == {frozenset([trunk.id]): {RETRY: 1}, frozenset(): {RETRY: 1}}
    assert await numbers_released(dialer, campaign) == [[NUMBERS[1]]]
    assert await numbers_released(dialer, campaign, trunk_id=other.id) == [[NUMBERS[0]]]


async def test_what_is_due_is_counted_no_further_than_asked(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    first = await make_campaign(dialer.ledger, trunk, name="first", numbers=NUMBERS[:9])
    second = await make_campaign(dialer.ledger, trunk, name="second", numbers=NUMBERS[9:12])
    full = await make_campaign(dialer.ledger, trunk, name="full", numbers=NUMBERS[12:15])
    await set_jobs(dialer, "promised = true", *NUMBERS[:2])
    await set_jobs(dialer, "tried = true", NUMBERS[2])
    await set_jobs(dialer, "route = '+44', promised = true", NUMBERS[9])
    await set_jobs(dialer, "due_at = now() + interval '1 h'", NUMBERS[10])
    await set_jobs(dialer, "open_until = now()", NUMBERS[11])

    found = await due_work(
        dialer.ledger,
        {first.id: [""], second.id: ["", "+44"], full.id: [""]},
        {first.id: 4, second.id: 9, full.id: 0},
    )

    assert {(work.campaign_id, work.route): work.due for work in found} == {
        (first.id, ""): {PROMISED: 2, RETRY: 1, NEW: 4},
        (second.id, "+44"): {PROMISED: 1},
    }


async def test_what_is_queued_is_counted_by_the_trunk_it_was_released_for(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=5)
    await numbers_released(dialer, campaign, jobs=2, kinds=[NEW], trunk_id=77)
    before = dialer.new_id()
    await numbers_released(dialer, campaign, jobs=1, kinds=[NEW])
    await set_jobs(dialer, "trunk_id = NULL, state = 'queued', lease_token = gen_random_uuid()", NUMBERS[4])

    found = await queued_jobs(dialer.ledger, fresh_after=before)

    assert {each.trunk_id: each.jobs for each in found} == {77: 2, trunk.id: 2}, "the version before names no trunk"
    assert {each.trunk_id: each.fresh for each in found}[77] == 0


async def test_a_trunk_is_locked_for_one_feeder_at_a_time(dialer: Dialer) -> None:
    async with dialer.ledger.transaction() as one, dialer.ledger.transaction() as other:
        assert await lock_trunks(one, [1, 2]) == {1, 2}
        assert await lock_trunks(other, [2, 3]) == {3}
    async with dialer.ledger.transaction() as other:
        assert await lock_trunks(other, [2]) == {2}


async def test_places_in_the_round_robin_are_kept_by_trunk_and_forgotten_without_work(dialer: Dialer) -> None:
    first = {(1, 1): Place(deficit=0.5, visits=3), (1, 2): Place(deficit=-7, visits=4)}
    await write_places(dialer.ledger, {}, first | {(2, 1): Place()})
    assert await read_places(dialer.ledger, [1]) == first

    after = {(1, 2): Place(deficit=1, visits=5)}
    await write_places(dialer.ledger, first, after)

    assert await read_places(dialer.ledger, [1]) == after
    assert await read_places(dialer.ledger, [2]) == {(2, 1): Place()}


async def test_a_promised_one_waits_for_its_hours_too(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await set_jobs(dialer, "promised = true, open_until = now()", NUMBERS[0])
    assert await numbers_released(dialer, campaign) == []


async def test_on_the_queue_the_campaigns_of_a_trunk_lie_evenly_among_each_other(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    first = await make_campaign(dialer.ledger, trunk, name="first", numbers=NUMBERS[:10])
    second = await make_campaign(dialer.ledger, trunk, name="second", numbers=NUMBERS[10:20])
    released = await numbers_released(dialer, first, second, jobs=4, size=4, kinds=[NEW])
    assert released == [sorted([*NUMBERS[:2], *NUMBERS[10:12]]), sorted([*NUMBERS[2:4], *NUMBERS[12:14]])]


async def test_each_trunk_has_messages_of_its_own(dialer: Dialer) -> None:
    one = await make_trunk(dialer.ledger, name="one")
    two = await make_trunk(dialer.ledger, name="two", livekit_trunk_id="ST_two")
    first = await make_campaign(dialer.ledger, one, name="first", numbers=NUMBERS[:3])
    second = await make_campaign(dialer.ledger, two, name="second", numbers=NUMBERS[3:6])
    ids = {one.id: [uuid4(), uuid4()], two.id: [uuid4(), uuid4()]}

    released = await release_jobs(
        dialer.ledger, picks_of(first, second, kinds=[NEW]), lease=MINUTE, releases=ids, size=2
    )

    assert {key: len(jobs) for key, jobs in released.items()} == {
        ids[one.id][0]: 2,
        ids[one.id][1]: 1,
        ids[two.id][0]: 2,
        ids[two.id][1]: 1,
    }
    rows = await dialer.ledger.rows("SELECT DISTINCT trunk_id, lease_token FROM call_jobs WHERE state = 'queued'")
    assert {(row["trunk_id"], row["lease_token"]) for row in rows} == {
        (t, one_) for t, own in ids.items() for one_ in own
    }


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
    assert [len(message) for message in await numbers_released(dialer, campaign, size=2)] in ([2, 1], [1, 2])


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


@pytest.mark.parametrize("analyzed", [False, True], ids=["just imported", "analyzed"])
@pytest.mark.parametrize(
    "others",
    [
        pytest.param("due_at = now() + interval '1 day'", id="not due"),
        pytest.param("route = '+44', due_at = now() - interval '1 h'", id="of another class"),
        pytest.param("tried = true, due_at = now() - interval '1 h'", id="retries, when new ones are asked for"),
    ],
)
async def test_what_is_not_asked_for_costs_nothing(dialer: Dialer, others: str, analyzed: bool) -> None:
    """However many they are: read from end to end, 5,000 call jobs are more than 60 pages."""
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=[f"+1212{number:07d}" for number in range(5020)])
    await dialer.ledger.changed(f"UPDATE call_jobs SET {others} WHERE id > 20")
    if analyzed:
        await dialer.ledger.changed("VACUUM ANALYZE call_jobs")
    [statement] = [text for text in vars(releases).values() if isinstance(text, str) and "/* due_work */" in text]
    parameters = {"campaigns": [campaign.id], "routes": [""], "most": [10], "goes_on": MINUTE}

    plan = await dialer.ledger.rows(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)

    lines = [row["QUERY PLAN"] for row in plan]
    read = [line for line in lines if "Scan using" in line]
    assert {line.split("using ")[1].split(" ")[0] for line in read} == {"call_jobs_turns", "call_jobs_promised"}
    pages = sum(int(number) for number in re.findall(r"shared hit=(\d+)", lines[1]))
    assert 0 < pages <= 40, "\n".join(lines)
