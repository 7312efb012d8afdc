"""Which trunks the campaigns may take for which numbers, and the classes of their call jobs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from console.commands.campaign.rules import rules_of
from dialer.domain.campaign import CampaignState
from dialer.domain.route import CampaignWays, route_of
from dialer.domain.trunk import Trunk
from dialer.errors import Conflict
from dialer.ledger.campaigns import Campaign, edit_campaign, find_campaign
from dialer.ledger.contacts import NewContact, begin_import, import_chunk
from dialer.ledger.routes import (
    CampaignTrunk,
    campaigns_of_trunk,
    count_unserved,
    read_campaign_trunks,
    read_ways,
    renew_routes,
)
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import edit_trunk, remove_trunk
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.ledger

AMERICAN, LONDONER, BRITON, GERMAN = "+12125550100", "+442071838750", "+441614960123", "+4930901820"
NUMBERS = [AMERICAN, LONDONER, BRITON, GERMAN]


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=4)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def trunks(ledger: Ledger) -> dict[str, Trunk]:
    names = ("main", "spare", "uk", "london")
    return {name: await make_trunk(ledger, name=name, livekit_trunk_id=f"ST_{name}") for name in names}


async def give(ledger: Ledger, campaign: Campaign, *ways: CampaignTrunk, choice: str = "ordered") -> None:
    first = ways[0].trunk_id if ways else None
    rules = replace(rules_of(campaign), trunks=ways, trunk_id=first, trunk_choice=choice)
    await edit_campaign(ledger, campaign.id, rules)


def routed(trunks: dict[str, Trunk]) -> tuple[CampaignTrunk, ...]:
    return (
        CampaignTrunk(trunk_id=trunks["main"].id),
        CampaignTrunk(trunk_id=trunks["spare"].id),
        CampaignTrunk(trunk_id=trunks["uk"].id, prefix="+44"),
        CampaignTrunk(trunk_id=trunks["london"].id, prefix="+4420"),
    )


async def classes(ledger: Ledger) -> dict[str, str]:
    return {row["number"]: row["route"] for row in await ledger.rows("SELECT number, route FROM call_jobs")}


def named(ways: CampaignWays, trunks: dict[str, Trunk]) -> dict[str, list[tuple[str, int]]]:
    names = {trunk.id: name for name, trunk in trunks.items()}
    return {prefix: [(names[way.trunk_id], way.weight) for way in each] for prefix, each in ways.ways.items()}


async def test_a_campaign_with_one_trunk_has_one_way(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=NUMBERS)
    ways = (await read_ways(ledger, [campaign.id]))[campaign.id]
    assert (named(ways, trunks), ways.weighted) == ({"": [("main", 1)]}, False)
    assert await ledger.rows("SELECT * FROM campaign_trunks") == []
    assert set((await classes(ledger)).values()) == {""}


async def test_routes_of_several_campaigns_are_read_at_once(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    plain = await make_campaign(ledger, trunks["main"], name="plain", numbers=1)
    shared = await make_campaign(ledger, trunks["main"], name="shared", numbers=1)
    await give(
        ledger,
        shared,
        CampaignTrunk(trunk_id=trunks["spare"].id, weight=3),
        CampaignTrunk(trunk_id=trunks["main"].id),
        choice="weighted",
    )
    found = await read_ways(ledger, [plain.id, shared.id, 12345])
    assert set(found) == {plain.id, shared.id}
    assert named(found[shared.id], trunks) == {"": [("spare", 3), ("main", 1)]}
    assert found[shared.id].weighted
    assert (await find_campaign(ledger, "shared")).trunk_id == trunks["spare"].id


async def test_an_edit_of_routes_gives_everybody_a_new_class_whatever_their_state(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=NUMBERS)
    states = zip(NUMBERS, ("waiting", "queued", "in_progress", "finished"), strict=True)
    for number, state in states:
        await ledger.changed(
            "UPDATE call_jobs SET state = %(state)s WHERE number = %(number)s", {"state": state, "number": number}
        )
    await give(ledger, campaign, *routed(trunks))
    assert await classes(ledger) == {AMERICAN: "", LONDONER: "+4420", BRITON: "+44", GERMAN: ""}
    assert (await find_campaign(ledger, campaign.name)).prefixes == ("+44", "+4420")
    ways = (await read_ways(ledger, [campaign.id]))[campaign.id]
    assert named(ways, trunks)["+4420"] == [("london", 1), ("uk", 0), ("main", 0), ("spare", 0)]
    await give(ledger, campaign, CampaignTrunk(trunk_id=trunks["spare"].id))
    assert set((await classes(ledger)).values()) == {""}
    assert await ledger.rows("SELECT * FROM campaign_trunks") == []


async def test_an_import_gives_the_classes_of_the_campaign_as_it_is_then(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=[AMERICAN])
    await give(ledger, campaign, *routed(trunks))
    begun = await begin_import(ledger, campaign.id, sha256="two", file_name="two.csv")
    contacts = [NewContact(line=line, number=number, data={}) for line, number in enumerate(NUMBERS, 2)]
    await import_chunk(ledger, begun.id, campaign.id, contacts, rows=4, rejected=0, after_line=0, last_line=5)
    assert await classes(ledger) == {AMERICAN: "", LONDONER: "+4420", BRITON: "+44", GERMAN: ""}


async def test_a_chunk_under_way_is_waited_for_and_follows_the_edit(
    ledger: Ledger, trunks: dict[str, Trunk], database_url: str
) -> None:
    """Else its people would be of a class that the campaign does not have, and never be called."""
    campaign = await make_campaign(ledger, trunks["main"], numbers=[AMERICAN])
    async with await psycopg.AsyncConnection.connect(database_url) as chunk:
        await chunk.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('dialer/classes', %s))", (campaign.id,)
        )
        await chunk.execute(
            """INSERT INTO contacts (campaign_id, import_id, line, number, data)
               SELECT campaign_id, import_id, 99, %s, data FROM contacts""",
            (BRITON,),
        )
        await chunk.execute(
            """INSERT INTO call_jobs (id, campaign_id, number)
               SELECT id, campaign_id, number FROM contacts WHERE number = %s""",
            (BRITON,),
        )
        edit = asyncio.create_task(give(ledger, campaign, *routed(trunks)))
        while not await ledger.row("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert not edit.done()
        await chunk.commit()
    await edit
    assert await classes(ledger) == {AMERICAN: "", BRITON: "+44"}


async def test_a_chunk_waits_for_an_edit_under_way_and_reads_what_it_writes(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=[AMERICAN])
    begun = await begin_import(ledger, campaign.id, sha256="two", file_name="two.csv")
    async with ledger.transaction() as edit:
        await edit.rows("SELECT pg_advisory_xact_lock(hashtextextended('dialer/classes', %(id)s))", {"id": campaign.id})
        chunk = asyncio.create_task(
            import_chunk(
                ledger,
                begun.id,
                campaign.id,
                [NewContact(line=2, number=BRITON, data={})],
                rows=1,
                rejected=0,
                after_line=0,
                last_line=2,
            )
        )
        while not await ledger.row("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert not chunk.done()
        await edit.changed("UPDATE campaigns SET prefixes = '{+44}'")
    await chunk
    assert await classes(ledger) == {AMERICAN: "", BRITON: "+44"}


async def test_what_a_trunk_serves_is_a_class_of_its_own(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=NUMBERS)
    await give(ledger, campaign, CampaignTrunk(trunk_id=trunks["uk"].id), CampaignTrunk(trunk_id=trunks["main"].id))
    await edit_trunk(ledger, replace(trunks["uk"], serves=("+44",)))
    assert await classes(ledger) == {AMERICAN: "", LONDONER: "+44", BRITON: "+44", GERMAN: ""}
    ways = (await read_ways(ledger, [campaign.id]))[campaign.id]
    assert named(ways, trunks) == {"": [("main", 1)], "+44": [("uk", 1), ("main", 1)]}
    assert await count_unserved(ledger, campaign.id) == {}


async def test_numbers_that_no_trunk_carries_are_counted_by_what_they_begin_with(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    campaign = await make_campaign(ledger, trunks["uk"], numbers=[*NUMBERS, "+4930901821"])
    await edit_trunk(ledger, replace(trunks["uk"], serves=("+44",)))
    assert await count_unserved(ledger, campaign.id) == {"+49": 2, "+1": 1}
    await give(
        ledger,
        campaign,
        CampaignTrunk(trunk_id=trunks["uk"].id, prefix="+44"),
        CampaignTrunk(trunk_id=trunks["main"].id, prefix="+4930"),
    )
    assert await count_unserved(ledger, campaign.id) == {"+1": 1}


async def test_a_campaign_without_a_trunk_counts_nobody(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=2)
    await give(ledger, campaign)
    assert await count_unserved(ledger, campaign.id) == {}
    assert (await read_ways(ledger, [campaign.id]))[campaign.id].ways == {"": ()}


async def test_a_trunk_in_use_is_not_removed_and_the_campaigns_are_named(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    for name in ("one", "two"):
        await give(ledger, await make_campaign(ledger, trunks["main"], name=name, numbers=1), *routed(trunks))
    with pytest.raises(Conflict, match="used by 2 campaigns that are not over: one, two"):
        await remove_trunk(ledger, trunks["london"])
    await ledger.changed("UPDATE campaigns SET state = 'finished' WHERE name = 'one'")
    assert list((await campaigns_of_trunk(ledger, trunks["london"].id)).values()) == ["two"]
    await ledger.changed("UPDATE campaigns SET state = 'cancelled' WHERE name = 'two'")
    await remove_trunk(ledger, trunks["london"])


async def test_a_removed_trunk_is_no_way_and_cannot_be_given(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=1, state=CampaignState.DRAFT)
    await give(ledger, campaign, *routed(trunks))
    await ledger.changed("UPDATE campaigns SET state = 'finished'")
    await remove_trunk(ledger, trunks["main"])
    ways = (await read_ways(ledger, [campaign.id]))[campaign.id]
    assert named(ways, trunks)[""] == [("spare", 1)]
    assert "main" not in [way.name for way in await read_campaign_trunks(ledger, campaign.id)]
    with pytest.raises(Conflict, match="a trunk of this campaign was removed"):
        await give(ledger, campaign, *routed(trunks))


async def test_a_removal_waits_for_who_gives_the_trunk_to_a_campaign(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=1)
    async with ledger.transaction() as transaction:
        await transaction.rows("SELECT FROM trunks WHERE id = %(id)s FOR KEY SHARE", {"id": trunks["uk"].id})
        removal = asyncio.create_task(remove_trunk(ledger, trunks["uk"]))
        while not await ledger.row("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            assert not removal.done()
        await transaction.changed(
            "INSERT INTO campaign_trunks (campaign_id, trunk_id) VALUES (%(campaign)s, %(trunk)s)",
            {"campaign": campaign.id, "trunk": trunks["uk"].id},
        )
    with pytest.raises(Conflict, match="used by a campaign that is not over: campaign"):
        await removal


async def test_rules_that_leave_the_trunk_alone_leave_the_routes_alone(
    ledger: Ledger, trunks: dict[str, Trunk]
) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=1)
    await give(ledger, campaign, *routed(trunks))
    before = await read_campaign_trunks(ledger, campaign.id)
    campaign = await find_campaign(ledger, campaign.name)
    await edit_campaign(ledger, campaign.id, replace(rules_of(campaign), max_attempts=9))
    assert await read_campaign_trunks(ledger, campaign.id) == before
    assert len(before) == 4


@pytest.mark.parametrize("number", [*NUMBERS, "+44", "+4"])
async def test_the_ledger_and_the_program_read_prefixes_alike(ledger: Ledger, number: str) -> None:
    prefixes = ["+1", "+44", "+4420", "+49309"]
    row = await ledger.row(
        "SELECT route_of(%(number)s, %(prefixes)s) AS route", {"number": number, "prefixes": prefixes}
    )
    assert row == {"route": route_of(number, prefixes)}


async def test_renewing_what_has_not_changed_touches_nobody(ledger: Ledger, trunks: dict[str, Trunk]) -> None:
    campaign = await make_campaign(ledger, trunks["main"], numbers=NUMBERS)
    await give(ledger, campaign, *routed(trunks))
    before = await ledger.rows("SELECT xmin::text FROM call_jobs ORDER BY id")
    async with ledger.transaction() as transaction:
        await renew_routes(transaction, [campaign.id])
    assert await ledger.rows("SELECT xmin::text FROM call_jobs ORDER BY id") == before
