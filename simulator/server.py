"""The HTTP side: Twirp for LiveKit's services, plain pages for the carrier."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from simulator import carrier_api, quota, twirp
from simulator.agents import Agents
from simulator.arrivals import Arrivals
from simulator.carrier import Carrier
from simulator.carrier_api import Pages
from simulator.clock import Clock
from simulator.dispatch_service import DispatchService
from simulator.events import Announcer
from simulator.left_alone import LeftAlone
from simulator.methods import Answer, Asker
from simulator.quota import Quota
from simulator.room_service import RoomService
from simulator.rooms import Rooms
from simulator.settings import SimulatorSettings
from simulator.sip_service import SipService
from simulator.tokens import NO_GRANTS, Grants, TokenVerifier, Unauthorized
from simulator.trunks import Trunks
from simulator.twirp import Failure, Refused
from simulator.webhooks import HttpSender, Outbox, Signer

log = logging.getLogger("simulator")

_PREFIX: Final = "/twirp/"
_BEARER: Final = "Bearer "
_BACKLOG: Final = 4096
_SHUTDOWN_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What goes back, before HTTP."""

    body: bytes
    status: int = 200
    content_type: str = twirp.JSON


class Simulator:
    """One LiveKit server with its carrier.  Make it inside a running event loop."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._clock = clock = Clock(offset_seconds=settings.clock_offset_seconds, speed=settings.speed)
        self._tokens = TokenVerifier(
            api_key=settings.api_key,
            api_secret=settings.api_secret,
            leeway_seconds=settings.token_leeway_seconds,
            clock=clock,
        )
        carrier = Carrier(
            seed=settings.seed,
            limits=settings.limits,
            everyone=settings.everyone,
            wishes=settings.wishes,
            outages=settings.outages,
        )
        signer = Signer(api_key=settings.api_key, api_secret=settings.api_secret, clock=clock)
        self._outbox = Outbox(settings.webhook_urls, signer=signer, sender=HttpSender())
        rooms = Rooms(clock)
        if settings.webhook_urls:
            rooms.watch(Announcer(self._outbox, clock))
        agents = Agents(rooms=rooms, clock=clock)
        left_alone = LeftAlone(agents)
        rooms.watch(agents)
        rooms.watch(left_alone)
        self._requests: Counter[str] = Counter()
        self._quota = Quota(settings.requests_per_minute)
        self._pages = Pages(
            carrier=carrier,
            rooms=rooms,
            left_alone=left_alone,
            outbox=self._outbox,
            requests=self._requests,
            quota=self._quota,
        )
        arrivals = Arrivals(rooms, join_delay_seconds=settings.join_delay_seconds)
        self._methods = (
            SipService(
                rooms=rooms, arrivals=arrivals, trunks=Trunks(more=settings.trunks), carrier=carrier, clock=clock
            ).methods()
            | RoomService(rooms=rooms, arrivals=arrivals, agents=agents, clock=clock).methods()
            | DispatchService(rooms=rooms, agents=agents).methods()
        )

    async def close(self) -> None:
        """Drop the webhooks that are not delivered."""
        await self._outbox.close()

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one HTTP request, whatever it is."""
        protocol = request.protocol
        at = protocol.read_at if isinstance(protocol, _StampingHandler) else time.time()
        try:
            reply = await self._reply(request, at)
        except Exception:
            log.exception("request_failed path=%s", request.path)
            reply = _plain(500, "internal error")
        return self.respond(reply)

    def respond(self, reply: Reply) -> web.Response:
        """HTTP's form of a reply, dated by this server's clock."""
        headers = {"Content-Type": reply.content_type, "Date": self._clock.http_date()}
        return web.Response(body=reply.body, status=reply.status, headers=headers)

    async def _reply(self, request: web.BaseRequest, at: float) -> Reply:
        if request.path.startswith(_PREFIX):
            return await self._twirp(request, at)
        if request.path.startswith(carrier_api.PREFIX):
            return await self._carrier_page(request)
        if (request.method, request.path) == ("GET", "/"):
            return _plain(200, "OK")
        return _plain(404, "404 page not found")

    async def _carrier_page(self, request: web.BaseRequest) -> Reply:
        try:
            body = await self._pages.answer(request.method, request.path, await request.read(), request.query)
        except ValueError as problem:
            return _plain(400, str(problem))
        return _plain(404, "404 page not found") if body is None else Reply(body=body)

    async def _twirp(self, request: web.BaseRequest, at: float) -> Reply:
        try:
            answer = await self._call(request, Asker(grants=self._grants(request), at=at))
        except Unauthorized as refusal:
            return _plain(401, str(refusal))
        except Refused as refusal:
            answer = refusal.failure
        if isinstance(answer, Failure):
            return Reply(status=answer.status, body=answer.body)
        content_type = request.content_type
        return Reply(body=twirp.write(answer, content_type), content_type=content_type)

    async def _call(self, request: web.BaseRequest, asker: Asker) -> Answer:
        path = request.path[len(_PREFIX) :]
        method = self._methods.get(path)
        if request.method != "POST":
            return _bad_route(request, f'unsupported method "{request.method}" (only POST is allowed)')
        if method is None:
            return _bad_route(request, f'no handler for path "{request.path}"')
        if request.content_type not in (twirp.JSON, twirp.PROTOBUF):
            return _bad_route(request, f'unexpected Content-Type: "{request.headers.get("Content-Type", "")}"')
        if not self._quota.takes_one_more():
            return quota.QUOTA_EXCEEDED
        self._requests[path] += 1
        return await method.answer(await request.read(), request.content_type, asker)

    def _grants(self, request: web.BaseRequest) -> Grants:
        header = request.headers.get("Authorization", "")
        if header and not header.startswith(_BEARER):
            raise Unauthorized(f"invalid authorization header. Must start with {_BEARER}")
        token = header[len(_BEARER) :] or request.query.get("access_token", "")
        return self._tokens.grants(token) if token else NO_GRANTS


def _plain(status: int, text: str) -> Reply:
    return Reply(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")


def _bad_route(request: web.BaseRequest, msg: str) -> Failure:
    return Failure("bad_route", msg, {"twirp_invalid_route": f"{request.method} {request.path}"})


class _StampingHandler(RequestHandler):
    """Notes when bytes came off the socket, before this process finds time to look at them."""

    __slots__ = ("read_at",)

    def data_received(self, data: bytes) -> None:
        self.read_at = time.time()
        super().data_received(data)


class _StampingServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _StampingHandler(self, loop=self._loop, **self._kwargs)


class Listening:
    """A simulator that listens."""

    def __init__(self, *, url: str, server: asyncio.Server, http: web.Server, simulator: Simulator) -> None:
        self.url = url
        self._server = server
        self._http = http
        self._simulator = simulator

    async def close(self) -> None:
        """Stop listening and drop whoever still waits."""
        self._server.close()
        self._http.pre_shutdown()
        await self._http.shutdown(_SHUTDOWN_SECONDS)
        await self._simulator.close()


async def listen(settings: SimulatorSettings) -> Listening:
    """Start a simulator in this event loop."""
    simulator = Simulator(settings)
    loop = asyncio.get_running_loop()
    of_any_size = partial(web.BaseRequest, loop=loop, client_max_size=0)  # LiveKit reads whatever comes
    http = _StampingServer(simulator.handle, request_factory=of_any_size, access_log=None)
    server = await loop.create_server(http, settings.host, settings.port, backlog=_BACKLOG)
    port = server.sockets[0].getsockname()[1]
    return Listening(url=f"http://{settings.host}:{port}", server=server, http=http, simulator=simulator)
