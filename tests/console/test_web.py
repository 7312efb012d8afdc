"""The web process: it serves, counts, tells the clerk, outlives a ledger that is away, and leaves in order."""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import psycopg
import pytest
from dramatiq import Worker

from console.servers import ServerUrls
from console.supervisor import CANNOT_START
from console.webhook_url import PATH
from dialer.app import Dialer
from jobs.broker import make_broker
from jobs.queues import Queue
from jobs.read_news import declare_read_news
from tests.console.running import CLEAN, until
from tests.console.test_webhooks import token, webhook

pytestmark = pytest.mark.journey


@asynccontextmanager
async def web_process(environment: dict[str, str], *, port: int) -> AsyncIterator[Process]:
    """``python -m console.web``, killed at the end if it still runs."""
    more = {"DIALER_WEB_PORT": str(port), "DIALER_LOG_LEVEL": "info", "DIALER_LOG_FORMAT": "json"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "console.web"), env={**CLEAN, **environment, **more}, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Web:
    """The process, and a LiveKit that posts to it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, process: Process) -> None:
        self.url, self._session, self.process = url, session, process

    async def tell(self, body: bytes, *, secret: str = "secret") -> int:
        headers = {"Authorization": token(body, secret=secret)}
        async with self._session.post(self.url + PATH, data=body, headers=headers) as answer:
            return answer.status

    async def health(self) -> int:
        async with self._session.get(f"{self.url}/healthz") as answer:
            return answer.status


@pytest.fixture
async def web(environment: dict[str, str], dialer: Dialer) -> AsyncIterator[Web]:
    """Of the same installation as ``dialer``."""
    async with web_process(environment, port=0) as process, aiohttp.ClientSession() as session:
        yield Web(await served_at(process), session, process)


async def served_at(process: Process) -> str:
    """The address in the line of its log that tells it."""
    assert process.stderr is not None
    async for line in process.stderr:
        if b"web_served" in line:
            return f"http://127.0.0.1:{json.loads(line)['port']}"
    raise AssertionError("it ended before it served")


async def test_it_keeps_counts_and_leaves_when_it_is_told_to(dialer: Dialer, web: Web) -> None:
    body = webhook(dialer.room_name(dialer.new_id()))
    assert await dialer.ledger.rows("SELECT kind, state FROM workers") == [{"kind": "web", "state": "running"}]
    assert (await web.health(), await web.tell(body)) == (200, 200)
    assert await web.tell(body, secret="another secret, long enough for HS256") == 401

    web.process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(web.process.wait(), 10) == 0
    counted = await dialer.ledger.rows("SELECT kind, value FROM event_counters ORDER BY kind")
    assert counted == [{"kind": "accepted", "value": 1}, {"kind": "forged", "value": 1}]
    assert await dialer.ledger.rows("SELECT kind, state FROM workers") == [{"kind": "web", "state": "left"}]


async def test_the_job_comes_to_the_clerks_queue(dialer: Dialer, web: Web, redis_url: str) -> None:
    taken: list[UUID] = []
    broker = make_broker(redis_url, installation=dialer.installation)
    declare_read_news(broker, taken.extend)
    worker = Worker(broker, queues={Queue.NEWS.value}, worker_threads=1, worker_timeout=50)
    worker.start()
    attempt_id = dialer.new_id()
    assert await web.tell(webhook(dialer.room_name(attempt_id))) == 200
    await until(lambda: taken == [attempt_id])
    await asyncio.to_thread(worker.stop)
    broker.close()


async def test_when_the_ledger_was_away_livekit_comes_again(dialer: Dialer, web: Web, server_urls: ServerUrls) -> None:
    row = await dialer.ledger.row("SELECT current_database() AS name")
    assert row is not None
    told = webhook(dialer.room_name(dialer.new_id()))
    with psycopg.connect(server_urls.database_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{row["name"]}" WITH ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (row["name"],))
        assert (await web.tell(told), await web.health()) == (503, 503)
        admin.execute(f'ALTER DATABASE "{row["name"]}" WITH ALLOW_CONNECTIONS true')

    async def is_taken() -> bool:
        return await web.tell(told) == 200

    await until(is_taken)


async def test_a_taken_port_is_told_with_the_way_out(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with web_process(environment, port=port) as process:
            _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == CANNOT_START
    assert f"web cannot start: webhooks cannot be taken on 127.0.0.1:{port}: " in err.decode()
    assert "DIALER_WEB_PORT" in err.decode()
