"""What holds a trunk back is noted by the feeder, with since when."""

import pytest

from dialer.actions import note_holds
from dialer.actions.release_jobs import FeederMemory, release_due, somebody_dials
from dialer.app import Dialer
from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.campaign import CampaignState
from dialer.domain.trunk_state import Health
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.health import write_health
from dialer.ledger.trunk_holds import TrunkHold, read_holds
from dialer.limits.buckets import of_trunk
from tests.factories import make_campaign, make_trunk, open_epoch

pytestmark = pytest.mark.ledger


@pytest.fixture(autouse=True)
def look_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_holds, "LOOK_EVERY_SECONDS", -1.0)
    monkeypatch.setattr(note_holds, "WRITE_EVERY_SECONDS", 0.0)


async def hold_after(dialer: Dialer, memory: FeederMemory, *, rounds: int = 2) -> TrunkHold:
    for _ in range(rounds):
        await release_due(dialer, memory)
    [hold] = (await read_holds(dialer.ledger)).values()
    return hold


async def test_a_trunk_with_nobody_to_call_has_no_work(dialer: Dialer) -> None:
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'finished', finish_reason = 'reached'")

    assert (await hold_after(dialer, FeederMemory())).reason == "no_work"


async def test_whoever_is_due_later_is_waited_for(dialer: Dialer) -> None:
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '1 hour'")

    hold = await hold_after(dialer, FeederMemory())

    assert hold.reason == "hours"
    assert hold.detail.startswith("nobody is due before")


async def test_full_channels_are_named(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger, max_concurrent_calls=2)
    await make_campaign(dialer.ledger, trunk, numbers=9)
    epoch = await open_epoch(dialer)
    await dialer.slots.restore(of_trunk(trunk.id), [dialer.new_id() for _ in range(2)], epoch=epoch)

    hold = await hold_after(dialer, FeederMemory())

    assert (hold.reason, hold.detail) == ("channels", "all 2 channels are in use")


async def test_an_open_breaker_is_named_with_what_happened(dialer: Dialer) -> None:
    trunk = await make_trunk(dialer.ledger)
    await make_campaign(dialer.ledger, trunk, numbers=3)
    await open_epoch(dialer)
    now = await dialer.ledger.now()
    breaker = Breaker(state=BreakerState.HELD, reason="the password is wrong", rule="carrier_login", since=now)
    assert await write_health(dialer.ledger, ("trunk", trunk.id), Health(breaker=breaker))

    hold = await hold_after(dialer, FeederMemory())

    assert (hold.reason, hold.detail) == ("breaker", "the password is wrong")


async def test_since_when_moves_only_with_another_reason(dialer: Dialer) -> None:
    await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await open_epoch(dialer)
    await dialer.ledger.changed("UPDATE call_jobs SET due_at = now() + interval '1 hour'")
    memory = FeederMemory()

    first = await hold_after(dialer, memory)
    again = await hold_after(dialer, memory)
    await dialer.ledger.changed("UPDATE call_jobs SET state = 'finished', finish_reason = 'reached'")
    flickering = await hold_after(dialer, memory, rounds=1)
    other = await hold_after(dialer, memory, rounds=1)

    assert again.since == first.since < again.seen_at
    assert flickering.reason == "hours", "seen once only"
    assert other.reason == "no_work"
    assert other.since > first.since


async def test_without_callers_nobody_dials_through_any_trunk(dialer: Dialer) -> None:
    campaign = await make_campaign(dialer.ledger, await make_trunk(dialer.ledger), numbers=1)
    await move_campaign(dialer.ledger, campaign.id, before=[CampaignState.RUNNING], after=CampaignState.PAUSED)
    await dialer.ledger.changed("UPDATE line_status SET state = 'ok'")
    memory = FeederMemory()

    answers = [await somebody_dials(dialer, memory) for _ in range(2)]

    [hold] = (await read_holds(dialer.ledger)).values()
    assert answers == [False, False]
    assert hold.reason == "no_callers"
