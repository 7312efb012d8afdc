"""The real livekit-server and the simulator, the example agent, and somebody who picks up."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from livekit import api

from tests.livekit.place import Place
from tests.livekit.servers import API_KEY, API_SECRET, LOCALHOST, real_server, simulated_server
from tests.livekit.webhooks import WebhookSink

SERVERS = {"livekit-server": real_server, "simulator": simulated_server}


@pytest.fixture
def room() -> str:
    """A room name of this test's own."""
    return f"test-{os.urandom(6).hex()}"


@pytest.fixture(params=list(SERVERS))
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """First the real server, then the simulator: both have to do the same."""
    async with _place(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def real_place(tmp_path: Path) -> AsyncIterator[Place]:
    """The real server, for what the simulator has no counterpart to."""
    async with _place("livekit-server", tmp_path) as opened:
        yield opened


@asynccontextmanager
async def _place(name: str, folder: Path) -> AsyncIterator[Place]:
    sink = WebhookSink(API_KEY, API_SECRET)
    async with (
        _listening(sink) as webhook_url,
        SERVERS[name](folder, webhook_url) as url,
        aiohttp.ClientSession() as session,
    ):
        client = api.LiveKitAPI(url, API_KEY, API_SECRET, session=session, failover=False)
        yield Place(name=name, url=url, api=client, session=session, webhooks=sink)


@asynccontextmanager
async def _listening(sink: WebhookSink) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/webhooks", sink.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, LOCALHOST, 0)
    await site.start()
    try:
        yield f"http://{LOCALHOST}:{runner.addresses[0][1]}/webhooks"
    finally:
        await runner.cleanup()
