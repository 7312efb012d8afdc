"""The bare receiver: takes LiveKit's webhooks, verifies each with livekit-api's own reader, and keeps nothing.

``python -m benchmarks.receiver`` prints one line of JSON, its ``port``, and listens until it is stopped.
"""

import asyncio
import json
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from subprocess import PIPE

import uvloop
from aiohttp import web
from livekit import api

from benchmarks.stage import API_KEY, API_SECRET, WEBHOOK_PATH, Worker, read_json
from console.supervisor import end, environment_for, launch
from dialer.config import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """A bare receiver that listens."""

    url: str
    worker: Worker


@asynccontextmanager
async def bare_receiver() -> AsyncIterator[Receiver]:
    """Run one in a process of its own."""
    process = await launch("benchmarks.receiver", environment=environment_for(Settings()), stdout=PIPE)
    try:
        port = (await read_json(process))["port"]
        yield Receiver(url=f"http://127.0.0.1:{port}{WEBHOOK_PATH}", worker=Worker(name="receiver", pid=process.pid))
    finally:
        await end(process)


async def _listen() -> None:
    receiver = api.WebhookReceiver(api.TokenVerifier(API_KEY, API_SECRET))

    async def take(request: web.BaseRequest) -> web.Response:
        receiver.receive(await request.text(), request.headers["Authorization"])
        return web.Response()

    server = await asyncio.get_running_loop().create_server(web.Server(take, access_log=None), "127.0.0.1", 0)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="The HMAC key is")
    uvloop.run(_listen())
