"""Starts the two LiveKits: the real livekit-server with a Valkey of its own, and the simulator."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from console.servers.programs import valkey_program
from tests.livekit import programs

API_KEY = "test-key"
API_SECRET = "a secret long enough for HS256, so that PyJWT is content"
LOCALHOST = "127.0.0.1"
START_SECONDS = 30.0
POLL_SECONDS = 0.02

# Redis, or SIP answers that it is not connected.  No TCP port for media: it would be open on every interface.
CONFIG = """
port: {port}
bind_addresses: [127.0.0.1]
redis: {{address: "127.0.0.1:{redis_port}"}}
rtc:
  udp_port: {udp_port}
  tcp_port: 0
  node_ip: 127.0.0.1
  use_external_ip: false
  enable_loopback_candidate: true
  interfaces: {{includes: [lo]}}
  ips: {{includes: [127.0.0.1/32]}}
keys: {{{key}: "{secret}"}}
webhook: {{api_key: {key}, urls: {webhook_urls}}}
logging: {{level: info}}
"""


@asynccontextmanager
async def real_server(folder: Path, webhook_urls: Sequence[str]) -> AsyncIterator[str]:
    """The address of a livekit-server without a SIP node.  ``folder`` keeps its configuration and logs."""
    port, udp_port, redis_port = free_port(), free_port(socket.SOCK_DGRAM), free_port()
    config = folder / "livekit.yaml"
    config.write_text(
        CONFIG.format(
            port=port,
            udp_port=udp_port,
            redis_port=redis_port,
            key=API_KEY,
            secret=API_SECRET,
            webhook_urls=json.dumps(webhook_urls),
        )
    )
    valkey = [str(valkey_program()), "--port", str(redis_port), "--bind", LOCALHOST, "--save", "", "--appendonly", "no"]
    program = programs.livekit_server()
    with _running(valkey, folder / "valkey.log") as store:
        await _until_it_listens(redis_port, store)
        with _running([str(program), "--config", str(config)], folder / "livekit.log") as server:
            url = f"http://{LOCALHOST}:{port}"
            await _until_it_answers(url, server)
            yield url


@asynccontextmanager
async def simulated_server(folder: Path, webhook_urls: Sequence[str]) -> AsyncIterator[str]:
    """The address of a simulator as fast as life, with the same key."""
    options = ["--port", "0", "--api-key", API_KEY, "--api-secret", API_SECRET]
    options += [word for url in webhook_urls for word in ("--webhook-url", url)]
    log = folder / "simulator.log"
    with _running([sys.executable, "-m", "simulator", *options], log) as process:
        async with asyncio.timeout(START_SECONDS):
            while not (said := log.read_text()).endswith("\n"):
                assert process.poll() is None, said
                await asyncio.sleep(POLL_SECONDS)
        yield json.loads(said.splitlines()[0])["url"]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block lasts.  Killed at the end: livekit-server would wait until all have left."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=programs.REPOSITORY)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(POLL_SECONDS)


async def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
            try:
                _, writer = await asyncio.open_connection(LOCALHOST, port)
            except OSError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                writer.close()
                return
