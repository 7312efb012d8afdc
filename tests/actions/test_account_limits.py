"""One call takes from its trunk, its account and its campaign, or from none; whatever changes meanwhile is in force."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import LiteralString

import pytest

from dialer.actions import call_terms
from dialer.actions.compare_slots import compare_slots
from dialer.actions.desk import Desk
from dialer.actions.place_call import claim, confirm, look, place_call, reserve
from dialer.actions.rebuild_limits import rebuild_limits
from dialer.app import Dialer
from dialer.domain.line_result import LineResult
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.trunks import edit_trunk
from dialer.limits.buckets import LIVEKIT, PACE, of_account, of_campaign, of_trunk
from dialer.limits.call_rate import Turn
from dialer.telephony.line import DialRequest, Gate, Look
from tests.actions.pacing import jobs, make_account, make_trunks, place_at_once, place_in_turn, queue
from tests.factories import NUMBERS, make_campaign, make_trunk, open_epoch
from tests.fakes import BUSY, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger


class Timed(ScriptedLine):
    """Keeps when each call passed the gate."""

    def __init__(self, dialer: Dialer) -> None:
        super().__init__([BUSY])
        self.clock = dialer.clock
        self.moments: list[float] = []

    async def place(self, request: DialRequest, gate: Gate) -> LineResult:
        await gate()
        self.moments.append(self.clock.seconds())
        self.dialed.append(request)
        return self.results[0]


async def turns(dialer: Dialer, desk: Desk, tickets: list[Ticket]) -> list[Turn]:
    """A turn for each of these tickets, which must have one."""
    given = []
    for ticket in tickets:
        job = await look(desk, ticket)
        assert job is not None
        turn = await reserve(desk, job)
        assert turn is not None
        given.append(turn)
    return given


async def in_use(dialer: Dialer, *buckets: str) -> list[int]:
    return [await dialer.slots.in_use(bucket) for bucket in buckets]


async def test_two_trunks_of_an_account_take_turns_at_the_accounts_rate(dialer: Dialer) -> None:
    account = await make_account(dialer, rate=10)
    one, other = await make_trunks(dialer, "one", "other", account=account)
    campaign = await make_campaign(dialer.ledger, one, numbers=8)
    await open_epoch(dialer)
    line = Timed(dialer)
    tickets = await queue(dialer, campaign, one, most=4) + await queue(dialer, campaign, other)

    await place_at_once(Desk(replace(dialer, line=line)), tickets)

    assert {request.livekit_trunk_id for request in line.dialed} == {"ST_one", "ST_other"}
    gaps = [after - before for before, after in pairwise(sorted(line.moments))]
    assert len(gaps) == 7
    assert min(gaps) > 1 / (PACE * 10) - 0.02, "each is let go within 10 ms after its turn"


async def test_a_full_account_takes_nothing_from_the_trunk(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    account = await make_account(dialer, calls=1)
    one, other = await make_trunks(dialer, "one", "other", account=account)
    campaign = await make_campaign(dialer.ledger, one, numbers=2)
    await open_epoch(dialer)
    desk = Desk(dialer)
    await place_in_turn(desk, await queue(dialer, campaign, one, most=1))

    await place_in_turn(desk, await queue(dialer, campaign, other))

    buckets = [of_trunk(one.id), of_account(account.id), of_campaign(campaign.id), of_trunk(other.id)]
    assert await in_use(dialer, *buckets) == [1, 1, 1, 0]
    assert [job["state"] for job in await jobs(dialer)] == ["in_progress", "waiting"]
    assert len(line.dialed) == 1


async def test_a_full_campaign_leaves_the_trunk_to_the_others(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    small = await make_campaign(dialer.ledger, trunk, numbers=3, max_concurrent_calls=2)
    other = await make_campaign(dialer.ledger, trunk, name="other", numbers=NUMBERS[50:52])
    await open_epoch(dialer)
    desk = Desk(dialer)

    await place_in_turn(desk, await queue(dialer, small, trunk))
    await place_in_turn(desk, await queue(dialer, other, trunk))

    assert await in_use(dialer, of_trunk(trunk.id), of_campaign(small.id), of_campaign(other.id)) == [4, 2, 2]


async def test_the_confirm_takes_the_end_from_all_its_leases_and_the_end_of_the_call_frees_them(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP, BUSY]
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    await open_epoch(dialer)
    answered, busy = await queue(dialer, campaign, trunk)

    await place_in_turn(Desk(dialer), [answered, busy])

    for bucket in (of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id)):
        assert await dialer.slots.leases(bucket) == {answered.attempt_id: True}


@pytest.mark.parametrize("lost", ["trunk", "account", "campaign"])
async def test_a_lease_that_is_gone_from_one_bucket_is_not_dialed_on(
    dialer: Dialer, line: ScriptedLine, lost: str
) -> None:
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    desk, [ticket] = Desk(dialer), await queue(dialer, campaign, trunk)
    scope_id = {"trunk": trunk.id, "account": account.id, "campaign": campaign.id}[lost]
    claim_it = desk.claim

    async def claim_and_forget(job: object) -> object:
        answer = await claim_it(job)  # type: ignore[arg-type]
        await dialer.slots.free([(f"{lost}:{scope_id}", ticket.attempt_id)])
        return answer

    desk.claim = claim_and_forget  # type: ignore[assignment, method-assign]
    await place_call(desk, ticket)

    assert line.dialed == []
    assert await in_use(dialer, of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id)) == [0, 0, 0]


# -- channels that are kept -------------------------------------------------------------------------------------------


async def test_channels_kept_for_promised_calls_back_are_theirs_and_reserved_ones_nobodys(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    [trunk] = await make_trunks(dialer, "one", max_concurrent_calls=6, reserved_channels=2, callback_channels=1)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=8)
    await open_epoch(dialer)
    desk, tickets = Desk(dialer), await queue(dialer, campaign, trunk)
    promised = tickets[5:]
    await dialer.ledger.changed(
        "UPDATE call_jobs SET promised = true WHERE id = ANY (%(ids)s)",
        {"ids": [ticket.call_job_id for ticket in promised]},
    )

    await place_in_turn(desk, tickets[:5])
    ordinary = len(line.dialed)
    await place_in_turn(desk, promised)

    assert (ordinary, len(line.dialed)) == (3, 4)


# -- limits that change -----------------------------------------------------------------------------------------------


class NeedsAgent(ScriptedLine):
    """While the agent comes, the operator changes something."""

    async def look(self, rooms: Mapping[str, str]) -> dict[str, Look]:
        await self.dialer.ledger.changed(self.change)
        return {room: Look(present=False, agents=1) for room in rooms}

    dialer: Dialer
    change: LiteralString


async def test_a_limit_that_changed_while_the_agent_came_is_in_force_at_the_turn(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_terms, "KEEP_SECONDS", -1)
    line = NeedsAgent()
    dialer = line.dialer = replace(dialer, line=line)
    line.change = "UPDATE trunks SET calls_per_second = 2"
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2, agent_name="agent")
    await open_epoch(dialer)

    await place_at_once(Desk(dialer), await queue(dialer, campaign, trunk))

    assert len(line.dialed) == 2
    rows = await dialer.ledger.rows("SELECT claimed_at FROM attempts ORDER BY claimed_at")
    assert rows[1]["claimed_at"] - rows[0]["claimed_at"] > timedelta(seconds=0.45), "2 a second, not 100"


async def test_a_trunk_that_came_to_another_account_while_the_agent_came_is_dialed_with_the_slots_it_holds(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_terms, "KEEP_SECONDS", -1)
    line = NeedsAgent([PICKED_UP])
    dialer = line.dialer = replace(dialer, line=line)
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one")
    line.change = f"UPDATE trunks SET account_id = {account.id}"
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1, agent_name="agent")
    await open_epoch(dialer)
    [ticket] = await queue(dialer, campaign, trunk)

    await place_in_turn(Desk(dialer), [ticket])
    before = await in_use(dialer, of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id))
    await compare_slots(dialer)
    after = await in_use(dialer, of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id))

    assert len(line.dialed) == 1
    assert (before, after) == ([1, 0, 1], [1, 1, 1])


async def test_a_trunk_that_leaves_its_account_between_look_and_turn_is_dialed_in_the_buckets_it_was_looked_at_in(
    dialer: Dialer,
) -> None:
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    desk, [ticket] = Desk(dialer), await queue(dialer, campaign, trunk)
    job = await look(desk, ticket)
    assert job is not None
    await edit_trunk(dialer.ledger, replace(trunk, account_id=None))
    await desk.terms.read_again()

    turn = await reserve(desk, job)
    assert turn is not None
    opened = await claim(desk, job, turn)
    assert opened is not None
    assert await confirm(desk, opened)


@pytest.mark.parametrize(
    ("pace", "calls_per_second"),
    [
        pytest.param({"calls_per_second": 0.5}, 0.5, id="one call every two seconds"),
        pytest.param({"calls_per_second": 7, "invites_per_call": 2}, 3, id="7 INVITEs are 3 calls of 2"),
        pytest.param({"calls_per_second": 10, "safety_factor": 0.8}, 8, id="eight tenths"),
        pytest.param({"calls_per_second": 7, "invites_per_call": 2, "safety_factor": 0.6}, 2, id="both"),
    ],
)
async def test_the_turns_of_a_trunk(dialer: Dialer, pace: dict[str, float], calls_per_second: float) -> None:
    [trunk] = await make_trunks(dialer, "one", **pace)  # type: ignore[arg-type]
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    await open_epoch(dialer)

    first, second = await turns(dialer, Desk(dialer), await queue(dialer, campaign, trunk))

    assert second.moment - first.moment == pytest.approx(1 / (PACE * calls_per_second), abs=0.005)


async def test_livekits_quota_paces_all_trunks_together(dialer: Dialer) -> None:
    one, other = await make_trunks(dialer, "one", "other")
    campaign = await make_campaign(dialer.ledger, one, numbers=2)
    await dialer.ledger.changed("UPDATE line_status SET requests_per_minute = 120")
    await open_epoch(dialer)
    tickets = await queue(dialer, campaign, one, most=1) + await queue(dialer, campaign, other)

    first, second = await turns(dialer, Desk(dialer), tickets)

    assert second.moment - first.moment == pytest.approx(0.5 / PACE, abs=0.005)


# -- rebuilding and comparing -----------------------------------------------------------------------------------------


async def test_a_rebuild_restores_the_slots_of_every_bucket_and_lets_every_rate_wait(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    account = await make_account(dialer, rate=10, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await dialer.ledger.changed("UPDATE line_status SET requests_per_minute = 600")
    await open_epoch(dialer)
    [ticket] = await queue(dialer, campaign, trunk)
    await place_in_turn(Desk(dialer), [ticket])

    await dialer.redis.client.flushall()
    assert await rebuild_limits(dialer, why="test")

    for bucket in (of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id)):
        assert await dialer.slots.leases(bucket) == {ticket.attempt_id: True}
    now = await dialer.redis.time()
    for bucket in (of_trunk(trunk.id), of_account(account.id), LIVEKIT):
        next_turn = int(await dialer.redis.client.get(dialer.rate.key(bucket)) or 0) / 1e6
        assert 1.5 < next_turn - now <= 2


async def test_a_compare_restores_and_frees_in_every_bucket(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    [ticket] = await queue(dialer, campaign, trunk)
    await place_in_turn(Desk(dialer), [ticket])
    buckets = (of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id))
    stale = dialer.new_id()
    await dialer.slots.free((bucket, ticket.attempt_id) for bucket in buckets)
    for bucket in buckets:
        await dialer.slots.restore(bucket, [stale], epoch=1)

    compared = await compare_slots(dialer)

    assert (compared.freed, compared.restored) == (3, 3)
    for bucket in buckets:
        assert await dialer.slots.leases(bucket) == {ticket.attempt_id: True}


async def test_a_trunk_that_left_its_account_leaves_no_slot_behind(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    account = await make_account(dialer, calls=5)
    [trunk] = await make_trunks(dialer, "one", account=account)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    await place_in_turn(Desk(dialer), await queue(dialer, campaign, trunk))

    await edit_trunk(dialer.ledger, replace(trunk, account_id=None))
    await compare_slots(dialer)

    assert await in_use(dialer, of_trunk(trunk.id), of_account(account.id), of_campaign(campaign.id)) == [1, 0, 1]
