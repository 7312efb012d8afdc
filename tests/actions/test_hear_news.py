"""Whoever waits for news is woken when its row is committed, and reads at the end when nothing wakes it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.actions.hear_news import NewsListener
from dialer.actions.take_webhooks import WebhookIntake
from dialer.app import Dialer
from dialer.domain.webhook import Webhook, WebhookFate
from tests.console.running import until

pytestmark = pytest.mark.ledger

LONG, SHORT = timedelta(seconds=60), timedelta(seconds=0.2)


async def to_nobody(attempt_ids: Sequence[UUID]) -> None:
    """The clerk's queue."""


async def tell(dialer: Dialer, attempt_id: UUID, *, event: str, kind: str, status: str | None = None) -> None:
    webhook = Webhook(
        event_id=f"EV_{dialer.new_id()}",
        event=event,
        room=dialer.room_name(attempt_id),
        created_at=await dialer.ledger.now(),
        kind=kind,
        identity=str(attempt_id) if kind == "SIP" else "agent-AJ_1",
        reason=None,
        call_status=status,
        body={},
    )
    assert await WebhookIntake(dialer, to_nobody).take(webhook) is WebhookFate.ACCEPTED


async def test_who_waits_is_woken(dialer: Dialer) -> None:
    first, second, third = (dialer.new_id() for _ in range(3))
    async with asyncio.timeout(LONG.total_seconds() / 2), NewsListener(dialer) as listener:
        rang = asyncio.create_task(listener.rang(first, within=LONG))
        agent = asyncio.create_task(listener.agent_joined(second, within=LONG))
        await tell(dialer, first, event="participant_left", kind="SIP", status="ringing")
        await tell(dialer, second, event="participant_joined", kind="AGENT")
        assert (await rang, await agent) == (True, True)
        assert await listener.rang(third, within=SHORT) is None
        await until(lambda: listener.webhooks_arrive)


async def test_a_wait_that_nothing_wakes_reads_once_more_at_its_end(dialer: Dialer) -> None:
    attempt_id = dialer.new_id()
    listener = NewsListener(dialer)  # not entered: it hears nothing
    waiting = asyncio.create_task(listener.rang(attempt_id, within=timedelta(seconds=1)))
    await until(lambda: bool(listener._waiting))
    await tell(dialer, attempt_id, event="participant_left", kind="SIP", status="dialing")
    assert await waiting is False
