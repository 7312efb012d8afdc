"""``POST /webhooks/livekit`` over HTTP: what is kept, what is refused, what is counted, what is told."""

import asyncio
import base64
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import psycopg
import pytest
import uvicorn
from structlog.testing import capture_logs

from console.app import make_app
from console.webhook_url import PATH
from dialer.actions.hear_news import news_channel
from dialer.actions.take_webhooks import WebhookIntake
from dialer.app import Dialer
from dialer.ledger.session import Ledger
from dialer.telephony.livekit_webhooks import MOST_BYTES, WebhookReader
from tests.console.running import until

pytestmark = pytest.mark.ledger

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
SAMPLES: dict[str, dict[str, Any]] = json.loads(  # Any: JSON of LiveKit's shape
    (Path(__file__).parents[1] / "simulator" / "recorded" / "samples.json").read_text(encoding="utf-8")
)
ATTEMPT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def webhook(room: str, *, event: str = "participant_left", event_id: str = "EV_one", **more: Any) -> bytes:
    """A recorded webhook, moved into another room."""
    told = SAMPLES[event] if event in SAMPLES else {**SAMPLES["participant_left"], "event": event}
    return json.dumps({**told, "id": event_id, "room": {**told["room"], "name": room}, **more}).encode()


def token(body: bytes, *, key: str = KEY, secret: str = SECRET, ends_in: int = 300) -> str:
    """The Authorization header that LiveKit makes for a body."""
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": key, "nbf": now - 400, "exp": now + ends_in, "sha256": digest}
    return jwt.encode(claims, secret, algorithm="HS256")


@dataclass
class Web:
    """The application on a port of its own, and what it has put on the queue."""

    url: str
    intake: WebhookIntake
    session: aiohttp.ClientSession
    ledger: Ledger
    enqueued: list[UUID] = field(default_factory=list)

    async def post(self, body: bytes, authorization: str | None) -> int:
        headers = {"Content-Type": "application/webhook+json"}
        headers |= {} if authorization is None else {"Authorization": authorization}
        async with self.session.post(self.url + PATH, data=body, headers=headers) as answer:
            return answer.status

    async def counts(self) -> dict[str, int]:
        await self.intake.write_counts()
        return {row["kind"]: row["value"] for row in await self.ledger.rows("SELECT * FROM event_counters")}

    async def kept(self) -> list[dict[str, Any]]:
        return await self.ledger.rows("SELECT * FROM events ORDER BY id")


@pytest.fixture
async def web(dialer: Dialer) -> AsyncIterator[Web]:
    enqueued: list[UUID] = []

    async def enqueue(attempt_ids: Sequence[UUID]) -> None:
        enqueued.extend(attempt_ids)

    intake = WebhookIntake(dialer, enqueue)
    app = make_app(dialer, reader=WebhookReader(KEY, SECRET), intake=intake)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            yield Web(url, intake, session, dialer.ledger, enqueued)
        server.should_exit = True
        await serving
    await intake.close()


async def test_a_webhook_about_a_call_is_kept_queued_and_published(web: Web, dialer: Dialer) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    async with dialer.redis.client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(news_channel(dialer))
        await pubsub.get_message(timeout=1)
        assert await web.post(body, token(body)) == 200
        (event,) = await web.kept()
        message = await pubsub.get_message(timeout=5)
    assert message is not None
    assert message["data"].decode() == str(ATTEMPT)
    await until(lambda: web.enqueued == [ATTEMPT])
    assert (event["attempt_id"], event["event"], event["kind"]) == (ATTEMPT, "participant_left", "SIP")
    assert (event["reason"], event["call_status"]) == ("USER_UNAVAILABLE", "ringing")
    assert event["handled_at"] is None
    assert "turnPassword" not in event["body"]["room"]
    assert await web.counts() == {"accepted": 1}
    row = await dialer.ledger.row("SELECT webhook_at > now() - interval '1 minute' AS heard FROM line_status")
    assert row == {"heard": True}


@pytest.mark.parametrize(
    ("signed", "status", "counted"),
    [
        pytest.param({"secret": "another secret, long enough for HS256"}, 401, "forged", id="other secret"),
        pytest.param({"key": "otherkey"}, 401, "forged", id="other key"),
        pytest.param({"ends_in": -90}, 401, "stale", id="expired"),
        pytest.param({"ends_in": -30}, 200, "accepted", id="expired within the leeway"),
    ],
)
async def test_only_what_our_livekit_has_signed_is_kept(
    web: Web, dialer: Dialer, signed: dict[str, Any], status: int, counted: str
) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    assert await web.post(body, token(body, **signed)) == status
    assert await web.counts() == {counted: 1}
    assert len(await web.kept()) == (counted == "accepted")


@pytest.mark.parametrize(
    ("before", "is_there"), [pytest.param("", False, id="no header"), pytest.param("Bearer ", True, id="Bearer")]
)
async def test_the_header_is_the_bare_token(web: Web, dialer: Dialer, before: str, is_there: bool) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    assert await web.post(body, before + token(body) if is_there else None) == 401
    assert await web.counts() == {"forged": 1}


async def test_a_token_is_good_for_its_own_body_only(web: Web, dialer: Dialer) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    assert await web.post(body + b" ", token(body)) == 401
    assert (await web.counts(), await web.kept()) == ({"bad_hash": 1}, [])


@pytest.mark.parametrize(
    ("body", "status", "counted"),
    [
        pytest.param(b"{", 400, "broken", id="no JSON"),
        pytest.param(b"[]", 400, "broken", id="no object"),
        pytest.param(b'{"event":"room_started","id":"EV_1"}', 400, "broken", id="no time"),
        pytest.param(b"", 400, "broken", id="nothing"),
        pytest.param(b" " * (2 * MOST_BYTES), 413, "too_large", id="2 MiB"),
        pytest.param(webhook("someone-else"), 200, "foreign", id="foreign room"),
        pytest.param(webhook(f"other-{ATTEMPT}"), 200, "foreign", id="another installation's room"),
        pytest.param(webhook(""), 200, "foreign", id="room without a name"),
    ],
)
async def test_what_is_signed_and_not_about_a_call_is_counted(web: Web, body: bytes, status: int, counted: str) -> None:
    assert await web.post(body, token(body)) == status
    assert (await web.counts(), await web.kept()) == ({counted: 1}, [])


@pytest.mark.parametrize(
    "event",
    ["room_started", "participant_joined", "participant_left", "participant_connection_aborted", "room_finished"],
)
async def test_these_events_are_kept(web: Web, dialer: Dialer, event: str) -> None:
    body = webhook(dialer.room_name(ATTEMPT), event=event)
    assert await web.post(body, token(body)) == 200
    assert [kept["event"] for kept in await web.kept()] == [event]


@pytest.mark.parametrize("event", ["track_published", "track_unpublished", "egress_started", "not_invented_yet"])
async def test_other_events_are_ignored(web: Web, dialer: Dialer, event: str) -> None:
    body = webhook(dialer.room_name(ATTEMPT), event=event)
    assert await web.post(body, token(body)) == 200
    assert (await web.counts(), await web.kept()) == ({"ignored": 1}, [])


async def test_a_doctors_room_is_kept_without_an_attempt_and_nobody_is_woken(web: Web, dialer: Dialer) -> None:
    body = webhook(f"{dialer.installation}-doctor-1a2b", event="room_started")
    assert await web.post(body, token(body)) == 200
    (event,) = await web.kept()
    assert (event["attempt_id"], web.enqueued) == (None, [])


async def test_a_second_delivery_is_thanked_for_and_changes_nothing(web: Web, dialer: Dialer) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    assert [await web.post(body, token(body)) for _ in range(3)] == [200, 200, 200]
    await until(lambda: web.enqueued == [ATTEMPT])
    assert len(await web.kept()) == 1
    assert await web.counts() == {"accepted": 1, "doubled": 2}


async def test_three_hundred_at_once_are_all_kept(web: Web, dialer: Dialer) -> None:
    bodies = [webhook(dialer.room_name(uuid4()), event_id=f"EV_{number}") for number in range(300)]
    assert set(await asyncio.gather(*(web.post(body, token(body)) for body in bodies))) == {200}
    assert len(await web.kept()) == 300
    await until(lambda: len(set(web.enqueued)) == 300)
    assert await web.counts() == {"accepted": 300}


async def test_an_agents_odd_text_takes_no_other_webhook_along(web: Web, dialer: Dialer) -> None:
    odd = {"identity": "a\0\ud800b", "kind": "AGENT", "attributes": {"dialer.summary": "\0 \udfff" + "x" * 65_536}}
    bodies = [webhook(dialer.room_name(uuid4()), event_id="EV_odd", participant=odd)]
    bodies += [webhook(dialer.room_name(uuid4()), event_id=f"EV_{number}") for number in range(20)]
    assert set(await asyncio.gather(*(web.post(body, token(body)) for body in bodies))) == {200}
    assert len(await web.kept()) == 21


async def test_what_is_not_committed_is_not_thanked_for(web: Web, dialer: Dialer, database_url: str) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    async with await psycopg.AsyncConnection.connect(database_url) as blocker:
        await blocker.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        assert await web.post(body, token(body)) == 503
        await blocker.rollback()
    assert (await web.kept(), web.enqueued) == ([], [])
    assert await web.post(body, token(body)) == 200
    assert await web.counts() == {"accepted": 1}


async def test_a_flood_of_refused_requests_is_counted_one_by_one_and_logged_once_for_each_fate(web: Web) -> None:
    with capture_logs() as logs:
        answers = [await web.post(b"{}", token(b"{}") if number % 2 else None) for number in range(40)]
    assert answers == [401, 400] * 20
    told = [(line["fate"], line["left_out"]) for line in logs if line["event"] == "webhook_refused"]
    assert told == [("forged", 0), ("broken", 0)]
    assert await web.counts() == {"forged": 20, "broken": 20}


async def test_what_cannot_be_counted_now_is_counted_later(web: Web, database_url: str) -> None:
    assert await web.post(b"{}", None) == 401
    async with await psycopg.AsyncConnection.connect(database_url) as blocker:
        await blocker.execute("LOCK TABLE event_counters IN EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await web.intake.write_counts()
        await blocker.rollback()
    assert await web.counts() == {"forged": 1}


async def test_a_body_that_never_ends_is_given_up(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.api.webhooks._READ_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(web.url.rpartition(":")[2]))
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_ledger_that_is_away_is_a_503_for_webhooks_and_for_health(web: Web, dialer: Dialer) -> None:
    body = webhook(dialer.room_name(ATTEMPT))
    async with web.session.get(web.url + "/healthz") as answer:
        assert answer.status == 200
    await dialer.ledger.close()
    assert await web.post(body, token(body)) == 503
    async with web.session.get(web.url + "/healthz") as answer:
        assert answer.status == 503


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/"])
async def test_it_shows_nothing_of_itself(web: Web, path: str) -> None:
    async with web.session.get(web.url + path) as answer:
        assert answer.status == 404
