"""Releasing, comparing slots, rebuilding, auditing, watching the line: on the real ledger and the real Redis."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from dialer.actions.audit_ledger import audit
from dialer.actions.compare_slots import compare_slots
from dialer.actions.desk import Desk
from dialer.actions.import_contacts import ContactFile, import_contacts
from dialer.actions.place_call import place_call
from dialer.actions.rebuild_limits import EpochWatch, rebuild_limits
from dialer.actions.release_jobs import may_release, release_due
from dialer.actions.watch_line import watch_line
from dialer.app import Dialer
from dialer.domain.campaign import CampaignState
from dialer.domain.invariants import Invariant
from dialer.domain.rejected_rows import RejectedRow
from dialer.errors import Conflict, InvalidInput
from dialer.ledger.call_jobs import cancel_waiting
from dialer.ledger.campaign_moves import finish_campaigns, move_campaign
from dialer.ledger.line_status import LineState, read_line_status
from dialer.ledger.releases import lock_trunks
from dialer.limits.buckets import of_trunk
from tests.factories import NUMBERS, attempt_row, job_state, make_campaign, make_tickets, make_trunk, open_epoch
from tests.fakes import LOST, PICKED_UP, ScriptedLine

pytestmark = pytest.mark.ledger


async def released(dialer: Dialer) -> int:
    return sum(len(release.call_job_ids) for release in await release_due(dialer))


async def test_no_more_is_released_than_two_seconds_of_the_rate(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, calls_per_second=5, max_concurrent_calls=50)
    await make_campaign(dialer.ledger, trunk, numbers=50)

    assert await released(dialer) == 10
    assert await released(dialer) == 0, "what is queued counts"


async def test_no_more_is_released_than_there_are_free_channels(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, calls_per_second=100, max_concurrent_calls=7)
    await make_campaign(dialer.ledger, trunk, numbers=50)
    await open_epoch(dialer)
    await dialer.slots.restore(of_trunk(trunk.id), [UUID(int=1), UUID(int=2)], epoch=1)

    assert await released(dialer) == 5


async def test_a_release_holds_twenty_call_jobs_of_one_trunk_at_most(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, calls_per_second=100, max_concurrent_calls=100)
    await make_campaign(dialer.ledger, trunk, numbers=50)

    releases = await release_due(dialer)

    assert sorted(len(release.call_job_ids) for release in releases) == [10, 20, 20]
    rows = await dialer.ledger.rows("SELECT DISTINCT lease_token FROM call_jobs WHERE state = 'queued'")
    assert {row["lease_token"] for row in rows} == {release.release_id for release in releases}


async def test_campaigns_on_one_trunk_take_turns(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, calls_per_second=5, max_concurrent_calls=50)
    await make_campaign(dialer.ledger, trunk, name="large", numbers=NUMBERS[:80])
    await make_campaign(dialer.ledger, trunk, name="small", numbers=NUMBERS[80:90])

    await release_due(dialer)

    rows = await dialer.ledger.rows(
        "SELECT campaign_id, count(*) AS jobs FROM call_jobs WHERE state = 'queued' GROUP BY campaign_id"
    )
    assert [row["jobs"] for row in rows] == [5, 5]


async def test_nothing_is_released_that_is_not_due_or_not_running(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await make_campaign(dialer.ledger, trunk, name="later", numbers=NUMBERS[:3])
    await make_campaign(dialer.ledger, trunk, name="draft", numbers=NUMBERS[3:6], state=CampaignState.DRAFT)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '1 h' WHERE campaign_id = 1")

    assert await released(dialer) == 0


async def test_nothing_may_be_released_without_a_caller_or_without_livekit(dialer: Dialer, line: ScriptedLine) -> None:
    assert await watch_line(dialer) is LineState.OK
    assert not await may_release(dialer), "no caller is alive"

    await dialer.ledger.changed(
        "INSERT INTO workers (id, kind, pid, host, version) VALUES (gen_random_uuid(), 'caller', 1, 'here', '1')"
    )
    assert await may_release(dialer)

    line.away = True
    assert await watch_line(dialer) is LineState.AWAY
    assert not await may_release(dialer)


@pytest.mark.parametrize("seconds", [15, -15], ids=["ahead", "behind"])
async def test_a_livekit_whose_clock_is_off_is_not_dialed_through_and_named(
    dialer: Dialer, line: ScriptedLine, seconds: int
) -> None:
    line.offset = timedelta(seconds=seconds)

    assert await watch_line(dialer) is LineState.CLOCK
    assert "LiveKit's clock is 15 s" in (await read_line_status(dialer.ledger)).detail


async def test_the_comparison_frees_what_has_no_attempt_and_restores_what_has_no_slot(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await place_call(Desk(dialer), ticket)
    await dialer.slots.free([(of_trunk(trunk.id), ticket.attempt_id)])
    leaked = UUID(int=7)
    await dialer.slots.restore(of_trunk(trunk.id), [leaked], epoch=1)

    compared = await compare_slots(dialer)

    assert (compared.freed, compared.restored) == (1, 1)
    assert await dialer.slots.leases(of_trunk(trunk.id)) == {ticket.attempt_id: True}


async def test_nothing_is_freed_when_the_ledger_is_older_than_its_mirror(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await place_call(Desk(dialer), ticket)
    # A ledger restored from a backup knows nothing of that attempt.
    await dialer.ledger.changed("DELETE FROM attempts")

    assert (await compare_slots(dialer)).freed == 0
    assert await dialer.slots.leases(of_trunk(trunk.id)) == {ticket.attempt_id: True}


async def test_a_wiped_redis_is_rebuilt_with_a_slot_for_every_open_attempt(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    trunk = await make_trunk(dialer.ledger)
    campaign = await make_campaign(dialer.ledger, trunk, numbers=2)
    await open_epoch(dialer)
    tickets = await make_tickets(dialer, campaign)
    desk = Desk(dialer)
    for ticket in tickets:
        await place_call(desk, ticket)
    await dialer.redis.client.flushall()

    assert await EpochWatch(dialer).fault() == "missing"
    assert await rebuild_limits(dialer, why="missing")

    assert await EpochWatch(dialer).fault() is None
    assert await dialer.slots.leases(of_trunk(trunk.id)) == {ticket.attempt_id: True for ticket in tickets}


async def test_a_ledger_that_failed_over_begins_an_epoch_and_every_doubt_again(
    dialer: Dialer, line: ScriptedLine
) -> None:
    line.results = [LOST]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await place_call(Desk(dialer), ticket)
    await dialer.ledger.changed("UPDATE attempts SET empty_since = now()")
    assert await EpochWatch(dialer).fault() is None
    await dialer.ledger.changed("UPDATE installation SET timeline = '000000FF'")

    assert await EpochWatch(dialer).fault() == "timeline"
    assert await rebuild_limits(dialer, why="timeline")

    assert await EpochWatch(dialer).fault() is None
    assert (await attempt_row(dialer.ledger, ticket.attempt_id))["empty_since"] is None


async def test_one_feeder_at_a_time_releases_for_a_trunk(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await make_campaign(dialer.ledger, trunk, numbers=3)
    async with dialer.ledger.transaction() as other_feeder:
        assert await lock_trunks(other_feeder, [trunk.id]) == {trunk.id}
        assert await released(dialer) == 0

    assert await released(dialer) == 3


async def test_a_clock_of_redis_that_steps_closes_the_epoch(dialer: Dialer) -> None:
    await open_epoch(dialer)

    class JumpingClock(type(dialer.clock)):  # type: ignore[misc]
        jumped = 0.0

        def seconds(self) -> float:
            return float(super().seconds() + self.jumped)

    clock = JumpingClock()
    watch = EpochWatch(replace(dialer, clock=clock))
    assert await watch.fault() is None
    clock.jumped = -2.0

    assert await watch.fault() == "clock"
    assert await EpochWatch(dialer).fault() is None, "closed, and its leader is given time"


async def test_a_campaign_is_finished_when_its_last_call_job_is(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1, max_attempts=1)
    await open_epoch(dialer)
    assert await finish_campaigns(dialer.ledger) == []
    [ticket] = await make_tickets(dialer, campaign)
    assert await finish_campaigns(dialer.ledger) == []

    await place_call(Desk(dialer), ticket)

    assert await finish_campaigns(dialer.ledger) == ["campaign"]


async def test_cancelling_finishes_what_waits_and_what_is_open_ends_as_cancelled_later(
    dialer: Dialer, line: ScriptedLine
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    await open_epoch(dialer)
    first, second, _ = await make_tickets(dialer, campaign, most=3)
    desk = Desk(dialer)
    place = line.place

    async def cancel_while_it_rings(request: object, gate: object) -> object:
        await move_campaign(dialer.ledger, campaign.id, before=[CampaignState.RUNNING], after=CampaignState.CANCELLED)
        return await place(request, gate)  # type: ignore[arg-type]

    line.place = cancel_while_it_rings  # type: ignore[assignment, method-assign]
    await place_call(desk, first)
    await cancel_waiting(dialer.ledger)

    assert await job_state(dialer.ledger, first.call_job_id) == ("finished", "cancelled")
    assert await job_state(dialer.ledger, second.call_job_id) == ("finished", "cancelled")


async def test_the_audit_is_clean_and_names_what_breaks_an_invariant(dialer: Dialer, line: ScriptedLine) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=3)
    await open_epoch(dialer)
    desk = Desk(dialer)
    for ticket in await make_tickets(dialer, campaign):
        await place_call(desk, ticket)
    assert (await audit(dialer.ledger, dialer.slots)).clean

    await dialer.ledger.changed("UPDATE attempt_counters SET value = value + 1")
    await dialer.ledger.changed("UPDATE call_jobs SET attempts_counted = 3 WHERE id = 1")
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'in_progress' WHERE id = 2")
    await dialer.ledger.changed("UPDATE imports SET rows = rows + 1")

    broken = {check.invariant for check in (await audit(dialer.ledger, dialer.slots)).checked if not check.holds}
    assert broken == {Invariant.COUNTERS, Invariant.COUNTED, Invariant.OPEN_ATTEMPTS, Invariant.ROWS}


async def test_the_audit_finds_an_open_attempt_without_a_slot(dialer: Dialer, line: ScriptedLine) -> None:
    line.results = [PICKED_UP]
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    [ticket] = await make_tickets(dialer, campaign)
    await place_call(Desk(dialer), ticket)
    await dialer.slots.free([(of_trunk(ticket.trunk_id), ticket.attempt_id)])

    found = await audit(dialer.ledger, dialer.slots)

    [slots] = [check for check in found.checked if check.invariant is Invariant.SLOTS]
    assert slots.broken == (f"attempt {ticket.attempt_id} is open and holds no slot",)


def contact_file(folder: Path, text: str, *, name: str = "contacts.csv") -> ContactFile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return ContactFile(path=path, country="US", phone_column=None)


GOOD_AND_BAD = f"phone,name\n{NUMBERS[0]},Ann\nnonsense,Bob\n{NUMBERS[1]},Cid\n{NUMBERS[0]},Ann again\n"


async def test_an_import_keeps_good_rows_hands_out_bad_ones_and_counts_every_row(
    dialer: Dialer, tmp_path: Path
) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=0, state=CampaignState.DRAFT)
    refused: list[RejectedRow] = []

    report = await import_contacts(
        dialer.ledger, campaign, contact_file(tmp_path, GOOD_AND_BAD), on_rejected=refused.append
    )

    assert (report.rows, report.rejected, report.duplicates, report.contacts) == (4, 1, 1, 2)
    assert [(row.line, row.value) for row in refused] == [(3, "nonsense")]
    rows = await dialer.ledger.rows("SELECT number, data, line FROM contacts ORDER BY id")
    assert [(row["number"], row["data"], row["line"]) for row in rows] == [
        (NUMBERS[0], {"name": "Ann"}, 2),
        (NUMBERS[1], {"name": "Cid"}, 4),
    ]


async def test_importing_the_same_file_again_changes_nothing_and_says_so(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=0)
    file = contact_file(tmp_path, GOOD_AND_BAD)
    first = await import_contacts(dialer.ledger, campaign, file)
    again = await import_contacts(dialer.ledger, campaign, file)

    assert (first.again, again.again) == (False, True)
    assert replace(again, again=False) == first
    assert len(await dialer.ledger.rows("SELECT id FROM contacts")) == 2


async def test_an_import_that_was_cut_goes_on_where_it_stopped(
    dialer: Dialer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.actions.import_contacts.CHUNK_ROWS", 2)
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=0)
    lines = "".join(f"{number},n{i}\n" for i, number in enumerate(NUMBERS[:7]))
    file = contact_file(tmp_path, "phone,name\n" + lines)

    def cut(rows: int) -> None:
        if rows == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_contacts(dialer.ledger, campaign, file, on_progress=cut)
    report = await import_contacts(dialer.ledger, campaign, file)

    assert (report.rows, report.contacts, report.duplicates, report.again) == (7, 7, 0, False)


async def test_a_file_without_rows_and_a_cancelled_campaign_are_refused(dialer: Dialer, tmp_path: Path) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=0)
    with pytest.raises(InvalidInput):
        await import_contacts(dialer.ledger, campaign, contact_file(tmp_path, "phone,name\n"))

    cancelled = replace(campaign, state=CampaignState.CANCELLED)
    with pytest.raises(Conflict):
        await import_contacts(dialer.ledger, cancelled, contact_file(tmp_path, GOOD_AND_BAD))
