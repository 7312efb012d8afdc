"""Terms are read about once a second, by one call for all."""

import asyncio

import pytest

from dialer.actions import call_terms
from dialer.actions.call_terms import TermsBook
from dialer.app import Dialer
from dialer.ledger.campaigns import read_campaigns
from tests.factories import make_campaign, make_trunk

pytestmark = pytest.mark.ledger


async def test_many_calls_at_once_read_the_terms_once(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    reads = 0

    async def counted(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        return await read_campaigns(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(call_terms, "read_campaigns", counted)
    book = TermsBook(dialer)

    found = await asyncio.gather(*(book.of([campaign.id]) for _ in range(50)))

    assert reads == 1
    assert all(terms[campaign.id].campaign_id == campaign.id for terms in found)


async def test_a_new_limit_is_in_force_within_a_second(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = await make_trunk(dialer.ledger)
    book = TermsBook(dialer)
    await book.trunk(trunk.id)
    await dialer.ledger.changed("UPDATE trunks SET calls_per_second = 3")

    before = await book.trunk(trunk.id)
    monkeypatch.setattr(call_terms, "KEEP_SECONDS", -1)
    after = await book.trunk(trunk.id)

    assert before is not None
    assert after is not None
    assert (before.calls_per_second, after.calls_per_second) == (100, 3)
