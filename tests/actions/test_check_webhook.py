"""What ``dialer doctor`` says of webhooks: they come, they do not, or nobody is there to take them."""

import asyncio
from datetime import timedelta

import pytest

from dialer.actions import check_webhook as checks
from dialer.actions.check_webhook import check_room, check_webhook
from dialer.app import Dialer
from dialer.domain.finding import Finding, Level
from dialer.domain.webhook import Webhook, WebhookFate
from dialer.ledger.events import NewEvent, count_webhooks, keep_events
from tests.fakes import ScriptedLine

pytestmark = pytest.mark.ledger


async def check(dialer: Dialer, room: str) -> Finding:
    return await check_webhook(
        dialer.line,
        dialer.ledger,
        clock=dialer.clock,
        room=room,
        url="http://127.0.0.1:8080/webhooks/livekit",
        silence=timedelta(seconds=30),
    )


@pytest.fixture
async def room(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A room to check with; a web process runs."""
    monkeypatch.setattr(checks, "WITHIN_SECONDS", 1.0)
    await dialer.ledger.changed(
        "INSERT INTO workers (id, kind, pid, host, version) VALUES (%(id)s, 'web', 1, 'here', '1')",
        {"id": dialer.worker_id},
    )
    return check_room(dialer.installation, dialer.new_id())


async def test_a_webhook_that_comes(dialer: Dialer, line: ScriptedLine, room: str) -> None:
    checking = asyncio.create_task(check(dialer, room))
    told = Webhook(
        event_id="EV_1", event="room_started", room=room, created_at=await dialer.ledger.now(), body={"event": "x"}
    )
    await keep_events(dialer.ledger, [NewEvent(told, None)])
    found = await checking
    assert (found.what, found.level) == ("webhooks", Level.OK)
    assert line.deleted == [room]
    assert await dialer.ledger.rows("SELECT id FROM events WHERE handled_at IS NULL") == []


async def test_no_webhook_is_a_warning_that_says_what_to_set(dialer: Dialer, line: ScriptedLine, room: str) -> None:
    found = await check(dialer, room)
    assert found.level is Level.WARNING
    assert "urls: [http://127.0.0.1:8080/webhooks/livekit]" in (found.todo or "")
    assert line.deleted == [room]


@pytest.mark.parametrize("fate", [WebhookFate.FORGED, WebhookFate.BAD_HASH, WebhookFate.STALE])
async def test_webhooks_with_another_signature_are_told_from_none(
    dialer: Dialer, line: ScriptedLine, room: str, monkeypatch: pytest.MonkeyPatch, fate: WebhookFate
) -> None:
    await count_webhooks(dialer.ledger, {fate: 3}, is_valid=False)  # some day before
    assert "no webhook came" in (await check(dialer, room)).message

    async def make_room(*_: object, **__: object) -> str:
        await count_webhooks(dialer.ledger, {fate: 1}, is_valid=False)
        return "RM_check"

    monkeypatch.setattr(line, "make_room", make_room)
    found = await check(dialer, room)
    assert found.level is Level.WARNING
    assert "their signature is not ours" in found.message
    assert "webhook.api_key" in (found.todo or "")


async def test_without_a_web_process_nothing_is_tested(dialer: Dialer, line: ScriptedLine) -> None:
    found = await check(dialer, check_room(dialer.installation, dialer.new_id()))
    assert (found.level, line.deleted) == (Level.WARNING, [])
