"""``dialer simulator``: what it prints is enough to dial through it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from livekit.api import LiveKitAPI
from livekit.protocol.room import CreateRoomRequest

from tests.console.conftest import Start, invites

pytestmark = pytest.mark.wire


GIVE_UP_SECONDS = 20


@pytest.fixture
async def webhooks() -> AsyncIterator[tuple[str, asyncio.Queue[str]]]:
    """The address of a receiver, and the names of the events that it gets."""
    events: asyncio.Queue[str] = asyncio.Queue()

    async def take(request: web.BaseRequest) -> web.Response:
        events.put_nowait(json.loads(await request.read())["event"])
        return web.Response()

    http = web.Server(take)
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks", events
    server.close()
    await http.shutdown(0.1)


async def test_it_prints_the_variables_and_leaves_with_ctrl_c(start: Start) -> None:
    command = start("simulator", "--port", "0", "--speed", "20", "--everyone", "486")
    await command.has_said("Ctrl-C stops it")
    variables = dict(line.removeprefix("export ").split("=", 1) for line in command.out.splitlines())
    assert variables.keys() == {"LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "DIALER_TIME_SCALE"}
    assert invites(variables["LIVEKIT_URL"]) == []
    command.send(signal.SIGINT)
    assert await command.over() == 0


async def test_it_tells_its_webhooks_to_whom_it_is_told(start: Start, webhooks: tuple[str, asyncio.Queue[str]]) -> None:
    url, events = webhooks
    wishes = ("--callbacks", "0.5", "--do-not-calls", "0.5", "--callback-after", "60", "--join-delay", "0")
    command = start("simulator", "--port", "0", "--webhook-url", url, *wishes)
    await command.has_said("Ctrl-C stops it")
    variables = dict(line.removeprefix("export ").split("=", 1) for line in command.out.splitlines())
    async with asyncio.timeout(GIVE_UP_SECONDS), ClientSession() as session:
        livekit = LiveKitAPI(*variables.values(), session=session)
        await livekit.room.create_room(CreateRoomRequest(name="room"))
        assert await events.get() == "room_started"


async def test_a_flag_that_the_simulator_refuses_is_told_in_its_words(start: Start) -> None:
    command = start("simulator", "--port", "0", "--calls-per-second", "-1")
    assert await command.over() == 1
    assert "calls_per_second must be above 0" in command.err
    assert "error: the simulator ended with exit code 2" in command.err
