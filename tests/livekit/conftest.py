"""The real livekit-server and the simulator, the example agent, and somebody who picks up."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from livekit import api

from tests.livekit.place import Place
from tests.livekit.servers import API_KEY, API_SECRET, LOCALHOST, real_server, simulated_server
from tests.livekit.webhooks import WebhookSink

SERVERS = {"livekit-server": real_server, "simulator": simulated_server}

OpenPlace = Callable[..., AbstractAsyncContextManager[Place]]


@pytest.fixture
def room() -> str:
    """A room name of this test's own."""
    return f"test-{os.urandom(6).hex()}"


@pytest.fixture(params=list(SERVERS))
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """First the real server, then the simulator: both have to do the same."""
    async with _place(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=list(SERVERS))
def open_place(request: pytest.FixtureRequest, tmp_path: Path) -> OpenPlace:
    """Opens the real server, then the simulator, whose webhooks also go to the addresses that it is given."""
    return partial(_place, request.param, tmp_path)


@pytest.fixture
async def real_place(tmp_path: Path) -> AsyncIterator[Place]:
    """The real server, for what the simulator has no counterpart to."""
    async with _place("livekit-server", tmp_path) as opened:
        yield opened


@asynccontextmanager
async def _place(name: str, folder: Path, *webhook_urls: str) -> AsyncIterator[Place]:
    sink = WebhookSink(API_KEY, API_SECRET)
    async with (
        _listening(sink) as sink_url,
        SERVERS[name](folder, [sink_url, *webhook_urls]) as url,
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
