"""What was learned is kept as it was judged, and who judged by an older version judges again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.congestion import ChannelsCut, Cut
from dialer.domain.trunk_state import WELL, Health
from dialer.ledger.accounts import add_account
from dialer.ledger.health import Scope, read_health, write_health
from dialer.ledger.session import Ledger
from dialer.ledger.trunk_states import read_trunk_states
from dialer.ledger.trunks import edit_trunk, remove_trunk
from tests.factories import make_trunk

pytestmark = pytest.mark.ledger

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
TRUNK: Scope = ("trunk", 1)
SEEN = Health(
    breaker=Breaker(
        state=BreakerState.HALF_OPEN,
        reason="5 of its last calls failed",
        rule="sip_503",
        since=NOON,
        openings=2,
        opened_at=NOON - timedelta(seconds=9),
        probe_at=NOON + timedelta(seconds=20),
        closed_at=NOON - timedelta(hours=1),
    ),
    rate_cut=Cut(ceiling=9.5, rate=8.25, at=NOON, reason="too many"),
    channels_cut=ChannelsCut(ceiling=12, channels=11, at=NOON, reason="all taken"),
    probe_release=UUID(int=5),
)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=8)
    await opened.open()
    yield opened
    await opened.close()


async def test_it_is_read_as_it_was_written(ledger: Ledger) -> None:
    assert await write_health(ledger, TRUNK, SEEN)
    assert await read_health(ledger) == {TRUNK: replace(SEEN, version=1)}


async def test_what_is_well_again_leaves_nothing_behind(ledger: Ledger) -> None:
    await write_health(ledger, TRUNK, SEEN)
    well = replace(SEEN, breaker=Breaker(since=NOON), rate_cut=None, channels_cut=None, probe_release=None, version=1)

    assert await write_health(ledger, TRUNK, well)
    assert await read_health(ledger) == {TRUNK: replace(well, version=2)}


async def test_who_judged_by_an_older_version_changes_nothing(ledger: Ledger) -> None:
    await write_health(ledger, TRUNK, SEEN)

    assert not await write_health(ledger, TRUNK, WELL)
    assert not await write_health(ledger, TRUNK, replace(WELL, version=2))
    assert (await read_health(ledger))[TRUNK].breaker == SEEN.breaker


async def test_of_many_who_judge_at_once_one_is_first(ledger: Ledger) -> None:
    for version in range(3):
        judged = [replace(SEEN, breaker=replace(SEEN.breaker, openings=each), version=version) for each in range(6)]
        written = await asyncio.gather(*(write_health(ledger, TRUNK, each) for each in judged))

        assert sum(written) == 1
        assert (await read_health(ledger))[TRUNK].breaker.openings == written.index(True)


async def test_scopes_do_not_share_a_row(ledger: Ledger) -> None:
    for scope in (("trunk", 1), ("trunk", 2), ("account", 1), ("livekit", 0)):
        assert await write_health(ledger, scope, SEEN)
    assert len(await read_health(ledger)) == 4


async def test_a_trunk_is_read_with_its_own_its_accounts_and_livekits_health(ledger: Ledger) -> None:
    account = await add_account(ledger, "carrier", calls_per_second=5, max_concurrent_calls=None)
    trunk = await make_trunk(ledger, name="one", livekit_trunk_id="ST_1")
    await edit_trunk(ledger, replace(trunk, account_id=account.id))
    alone = await make_trunk(ledger, name="alone", livekit_trunk_id="ST_2")
    removed = await make_trunk(ledger, name="removed", livekit_trunk_id="ST_3")
    await remove_trunk(ledger, removed)
    for place, scope in enumerate((("trunk", trunk.id), ("account", account.id), ("livekit", 0)), 1):
        await write_health(ledger, scope, Health(breaker=Breaker(openings=place)))
    await ledger.changed("UPDATE line_status SET requests_per_minute = 900")

    states = await read_trunk_states(ledger)

    assert states.keys() == {trunk.id, alone.id}
    found = [
        [health.breaker.openings for health in (state.trunk_health, state.account_health, state.livekit_health)]
        for state in (states[trunk.id], states[alone.id])
    ]
    assert found == [[1, 2, 3], [0, 0, 3]]
    assert states[trunk.id].account == account
    assert states[alone.id].account is None
    assert {state.requests_per_minute for state in states.values()} == {900}
