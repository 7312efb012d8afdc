"""The web process over real HTTP, with a real ledger and Redis: what is kept, counted, refused, and told to others."""

import asyncio
import base64
import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import jwt
import psycopg
import pytest
from dramatiq import Worker

from console.servers import ServerUrls
from dialer.actions.hear_news import NewsListener
from dialer.app import Dialer
from jobs.broker import make_broker
from jobs.queues import Queue
from jobs.read_news import declare_read_news
from tests.console.conftest import as_url
from tests.console.running import CLEAN, until

pytestmark = pytest.mark.journey

KEY, SECRET = "devkey", "a secret that is long enough for HS256"


class Web:
    """The process, and a LiveKit that posts to it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, process: subprocess.Popen[str]) -> None:
        self.url, self._session, self.process = url, session, process

    async def post(self, body: bytes, authorization: str | None) -> int:
        headers = {"Content-Type": "application/webhook+json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        async with self._session.post(f"{self.url}/webhooks/livekit", data=body, headers=headers) as answer:
            return answer.status

    async def tell(self, told: dict[str, Any]) -> int:
        body = json.dumps(told).encode()
        return await self.post(body, signed(body))

    async def health(self) -> int:
        async with self._session.get(f"{self.url}/healthz") as answer:
            return answer.status


def signed(body: bytes, secret: str = SECRET, key: str = KEY) -> str:
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return jwt.encode({"iss": key, "nbf": now, "exp": now + 300, "sha256": digest}, secret, algorithm="HS256")


def event(room: str, number: int = 1, name: str = "participant_left", **participant: Any) -> dict[str, Any]:
    person = {"identity": room[-36:], "kind": "SIP", "attributes": {"sip.callStatus": "ringing"}}
    return {
        "event": name,
        "id": f"EV_{number}",
        "createdAt": str(int(time.time())),
        "room": {"name": room, "sid": "RM_1"},
        "participant": person | {"disconnectReason": "USER_UNAVAILABLE"} | participant,
    }


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Any) -> dict[str, str]:
    return {
        **CLEAN,
        "DIALER_DATA": str(tmp_path),
        "DATABASE_URL": as_url(database_url),
        "REDIS_URL": redis_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": KEY,
        "LIVEKIT_API_SECRET": SECRET,
        "DIALER_WEB_PORT": "0",
        "DIALER_LOG_FORMAT": "json",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "console.web"], env=environment, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


@pytest.fixture
async def web(process: subprocess.Popen[str]) -> AsyncIterator[Web]:
    assert process.stderr is not None
    for line in process.stderr:
        told = json.loads(line) if line.startswith("{") else {}
        if told.get("event") == "web_served":
            async with aiohttp.ClientSession() as session:
                yield Web(f"http://127.0.0.1:{told['port']}", session, process)
            return
    raise AssertionError("the web process did not come up")


async def counters(dialer: Dialer) -> dict[str, int]:
    return {row["kind"]: row["value"] for row in await dialer.ledger.rows("SELECT kind, value FROM event_counters")}


async def test_every_request_is_answered_and_counted_by_what_it_is(dialer: Dialer, web: Web) -> None:
    ours = dialer.room_name(dialer.new_id())
    good = json.dumps(event(ours)).encode()

    assert await web.post(good, signed(good)) == 200
    assert await web.post(good, signed(good)) == 200
    assert await web.tell(event(ours, 2, "track_published")) == 200
    assert await web.tell(event(f"other-{dialer.new_id()}", 3)) == 200
    assert await web.tell(event("somebody's room", 4)) == 200
    assert await web.post(good, None) == 401
    assert await web.post(good, "Bearer " + signed(good)) == 401
    assert await web.post(good, signed(good, secret="another secret, long enough for HS256")) == 401
    assert await web.post(good, signed(good, key="otherkey")) == 401
    assert await web.post(good, signed(b"another body")) == 401
    assert await web.post(b"{", signed(b"{")) == 400
    assert await web.post(b"x" * (2 << 20), signed(good)) == 413

    expected = {"accepted": 1, "doubled": 1, "ignored": 1, "foreign": 2, "forged": 4, "bad_hash": 1, "broken": 1}

    async def are_counted() -> bool:
        return await counters(dialer) == expected | {"too_large": 1}

    await until(are_counted)
    [row] = await dialer.ledger.rows("SELECT id, room, attempt_id, reason, call_status, handled_at FROM events")
    assert (row["room"], row["attempt_id"]) == (ours, UUID(ours[-36:]))
    assert (row["reason"], row["call_status"], row["handled_at"]) == ("USER_UNAVAILABLE", "ringing", None)
    assert await web.health() == 200


async def test_texts_that_postgresql_refuses_take_no_other_event_along(dialer: Dialer, web: Web) -> None:
    told = [event(dialer.room_name(dialer.new_id()), number) for number in range(20)]
    told[3]["participant"]["attributes"]["dialer.disposition"] = "a\0b\ud800"
    told[4]["room"]["metadata"] = "\0"
    told[5]["participant"]["attributes"]["long"] = "x" * 65_536
    assert set(await asyncio.gather(*map(web.tell, told))) == {200}
    row = await dialer.ledger.row("SELECT count(*) AS n FROM events")
    assert row == {"n": 20}


async def test_the_event_is_there_when_the_job_comes(dialer: Dialer, web: Web, redis_url: str) -> None:
    taken: list[UUID] = []
    broker = make_broker(redis_url, installation=dialer.installation)
    declare_read_news(broker, taken.extend)
    worker = Worker(broker, queues={Queue.NEWS.value}, worker_threads=1, worker_timeout=50)
    worker.start()
    attempt_id = dialer.new_id()
    assert await web.tell(event(dialer.room_name(attempt_id))) == 200
    await until(lambda: taken == [attempt_id])
    await asyncio.to_thread(worker.stop)
    broker.close()


async def test_who_waits_for_news_is_woken(dialer: Dialer, web: Web) -> None:
    first, second, third = (dialer.new_id() for _ in range(3))
    async with NewsListener(dialer) as listener:
        waiting = asyncio.create_task(listener.rang(first, within=timedelta(seconds=10)))
        agent = asyncio.create_task(listener.agent_joined(second, within=timedelta(seconds=10)))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await web.tell(event(dialer.room_name(first), 1))
        await web.tell(event(dialer.room_name(second), 2, "participant_joined", kind="AGENT", identity="agent-AJ_1"))
        assert (await waiting, await agent) == (True, True)
        assert time.monotonic() - began < 2
        assert await listener.rang(third, within=timedelta(seconds=0.2)) is None
        await until(lambda: listener.webhooks_arrive)


async def test_without_redis_a_wait_reads_at_its_end(dialer: Dialer, web: Web) -> None:
    attempt_id = dialer.new_id()
    listener = NewsListener(dialer)  # not entered: it hears nothing
    waiting = asyncio.create_task(listener.rang(attempt_id, within=timedelta(seconds=1)))
    await asyncio.sleep(0.2)
    await web.tell(event(dialer.room_name(attempt_id), attributes={"sip.callStatus": "dialing"}))
    assert await waiting is False


async def test_without_a_ledger_livekit_is_told_to_come_again(
    dialer: Dialer, web: Web, server_urls: ServerUrls
) -> None:
    row = await dialer.ledger.row("SELECT current_database() AS name")
    assert row is not None
    told = event(dialer.room_name(dialer.new_id()))
    with psycopg.connect(server_urls.database_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{row["name"]}" WITH ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (row["name"],))
        assert await web.tell(told) == 503
        assert await web.health() == 503
        admin.execute(f'ALTER DATABASE "{row["name"]}" WITH ALLOW_CONNECTIONS true')
    await until_told(web, told)


async def until_told(web: Web, told: dict[str, Any]) -> None:
    async def is_taken() -> bool:
        return await web.tell(told) == 200

    await until(is_taken)


def test_a_port_that_is_taken_is_said(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            [sys.executable, "-m", "console.web"],
            env={**environment, "DIALER_WEB_PORT": port},
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )
    assert ran.returncode == 78
    assert f"web cannot start: webhooks cannot be taken on 127.0.0.1:{port}" in ran.stderr


async def test_it_leaves_when_it_is_told_to(web: Web, dialer: Dialer) -> None:
    web.process.terminate()
    assert await asyncio.to_thread(web.process.wait, 10) == 0
    assert await dialer.ledger.rows("SELECT state FROM workers WHERE kind = 'web'") == [{"state": "left"}]
