"""Trunks and accounts in the ledger."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.domain.trunk import InlineTrunk, TrunkSettings
from dialer.errors import Conflict, InvalidInput, InvariantBroken, NotFound
from dialer.ledger.accounts import add_account, edit_account, find_account, list_accounts, remove_account
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import add_trunk, edit_trunk, find_trunk, list_trunks, remove_trunk

pytestmark = pytest.mark.ledger

PASSWORD = "hunter2-secret"
STORED = TrunkSettings(name="main", livekit_trunk_id="ST_1", calls_per_second=0.5, max_concurrent_calls=20)
INLINE = replace(
    STORED,
    name="direct",
    livekit_trunk_id=None,
    caller_id="+12125550199",
    inline=InlineTrunk(
        hostname="sip.example.com",
        transport="tls",
        auth_username="us",
        auth_password=PASSWORD,
        destination_country="GB",
    ),
)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(database_url, name="test", most_connections=3)
    await opened.open()
    yield opened
    await opened.close()


async def test_all_that_is_set_comes_back(ledger: Ledger) -> None:
    account = await add_account(ledger, "acme", calls_per_second=2.5, max_concurrent_calls=None)
    settings = replace(
        INLINE,
        account_id=account.id,
        carrier="telnyx",
        invites_per_call=2,
        safety_factor=0.9,
        reserved_channels=2,
        callback_channels=3,
        serves=("+44", "+49"),
        ramp=timedelta(seconds=2.5),
        ramp_at_start=True,
    )
    added = await add_trunk(ledger, settings)
    found = await find_trunk(ledger, "direct")
    assert found == added
    assert {name: getattr(found, name) for name in settings.__dataclass_fields__} == {
        name: getattr(settings, name) for name in settings.__dataclass_fields__
    }


async def test_an_edit_writes_the_trunk_as_it_shall_be(ledger: Ledger) -> None:
    trunk = await add_trunk(ledger, INLINE)
    assert trunk.inline is not None
    wanted = replace(trunk, calls_per_second=7.0, inline=replace(trunk.inline, hostname="sip.example.org"))
    await edit_trunk(ledger, wanted)
    assert await find_trunk(ledger, "direct") == wanted


@pytest.mark.parametrize(
    ("first", "second", "part"),
    [
        pytest.param(
            STORED, replace(STORED, name="again"), "trunk 'main' stands for ST_1 already", id="one LiveKit id"
        ),
        pytest.param(
            INLINE,
            replace(INLINE, name="again", inline=replace(INLINE.inline, hostname="SIP.example.com")),  # type: ignore[type-var]
            "trunk 'direct' stands for SIP.example.com with user 'us' already",
            id="one host and user",
        ),
        pytest.param(STORED, replace(STORED, livekit_trunk_id="ST_2"), "a trunk named 'main' is there", id="one name"),
    ],
)
async def test_two_trunks_on_one_line_are_refused_with_the_name_of_the_other(
    ledger: Ledger, first: TrunkSettings, second: TrunkSettings, part: str
) -> None:
    await add_trunk(ledger, first)
    with pytest.raises(Conflict) as refused:
        await add_trunk(ledger, second)
    assert part in refused.value.message
    assert refused.value.hint


async def test_another_user_at_the_same_host_is_another_trunk(ledger: Ledger) -> None:
    assert INLINE.inline is not None
    await add_trunk(ledger, INLINE)
    other = await add_trunk(ledger, replace(INLINE, name="b", inline=replace(INLINE.inline, auth_username="them")))
    with pytest.raises(Conflict, match="trunk 'direct' stands for"):
        await edit_trunk(ledger, replace(other, inline=INLINE.inline))


async def test_a_name_and_a_line_are_free_again_after_a_removal(ledger: Ledger) -> None:
    await remove_trunk(ledger, await add_trunk(ledger, INLINE))
    again = await add_trunk(ledger, INLINE)
    assert [trunk.id for trunk in await list_trunks(ledger)] == [again.id]
    assert await ledger.rows("SELECT auth_password FROM trunks WHERE removed_at IS NOT NULL") == [
        {"auth_password": None}
    ]


async def test_what_the_ledger_would_not_take_is_refused_before(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="must be above 0, not nan"):
        await add_trunk(ledger, replace(STORED, calls_per_second=float("nan")))


async def test_a_rule_of_the_ledger_that_nobody_expects_does_not_quote_the_password(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL's own words quote the whole row."""
    caplog.set_level(logging.DEBUG)
    await ledger.changed("ALTER TABLE trunks ADD CONSTRAINT no_more CHECK (name <> 'direct')")
    with pytest.raises(InvariantBroken) as broken:
        await add_trunk(ledger, INLINE)
    assert broken.value.__suppress_context__
    assert "no_more" in str(broken.value)
    assert PASSWORD not in str(broken.value) + caplog.text


async def test_accounts_are_added_edited_and_removed(ledger: Ledger) -> None:
    account = await add_account(ledger, "acme", calls_per_second=2.0, max_concurrent_calls=100)
    with pytest.raises(Conflict, match="an account named 'acme' is there already"):
        await add_account(ledger, "acme", calls_per_second=1.0, max_concurrent_calls=None)
    await edit_account(ledger, replace(account, calls_per_second=None))
    found = await find_account(ledger, "acme")
    assert (found.calls_per_second, found.max_concurrent_calls) == (None, 100)
    await remove_account(ledger, found)
    assert await list_accounts(ledger) == []
    with pytest.raises(NotFound, match="no account named 'acme'"):
        await find_account(ledger, "acme")


async def test_an_account_with_trunks_is_not_removed_and_a_removed_one_gets_none(ledger: Ledger) -> None:
    account = await add_account(ledger, "acme", calls_per_second=2.0, max_concurrent_calls=None)
    trunk = await add_trunk(ledger, replace(STORED, account_id=account.id))
    with pytest.raises(Conflict, match="account 'acme' has trunks: main"):
        await remove_account(ledger, account)
    await edit_trunk(ledger, replace(trunk, account_id=None))
    await remove_account(ledger, account)
    with pytest.raises(Conflict, match="this account was removed"):
        await edit_trunk(ledger, trunk)
