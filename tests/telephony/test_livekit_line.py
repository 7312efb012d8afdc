"""The real livekit-api client behind the line: against the simulated LiveKit, and against servers that misbehave."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psutil
import pytest
from aiohttp import web
from uuid_utils.compat import uuid7

from dialer.clock import Clock
from dialer.domain.fence import Fence
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import InDoubt, Outcome, Verdict, classify
from dialer.errors import LineUnavailable
from dialer.telephony.line import DialRequest, GateShut, LineRefused
from dialer.telephony.livekit_line import LiveKitLine

pytestmark = pytest.mark.wire

FENCE = replace(Fence(), answer=timedelta(seconds=2), gate=timedelta(seconds=2))
SHORT = timedelta(seconds=6)


@asynccontextmanager
async def line_to(url: str, *, secret: str = "secret", fence: Fence = FENCE) -> AsyncIterator[LiveKitLine]:
    line = LiveKitLine(url, "devkey", secret, fence=fence, clock=Clock())
    try:
        yield line
    finally:
        await line.close()


def request(number: str, *, age: timedelta = timedelta(0), trunk: str = "ST_simulated") -> DialRequest:
    attempt_id: UUID = uuid7()
    claimed_at = datetime.now(UTC) - age
    return DialRequest(
        attempt_id=attempt_id,
        room_name=f"test-{attempt_id}",
        livekit_trunk_id=trunk,
        number=number,
        caller_id="+12125550199",
        ringing_timeout=SHORT,
        talk_limit=timedelta(seconds=60),
        not_before=claimed_at,
        token_end=FENCE.token_end(claimed_at),
    )


async def open_gate() -> None:
    return None


@pytest.mark.parametrize(
    ("number", "outcome", "rule"),
    [
        pytest.param("+12125550486", Outcome.BUSY, "sip_486", id="busy at once"),
        pytest.param("+12125550000", Outcome.NO_ANSWER, "ring_timeout", id="rings until the ringing timeout"),
        pytest.param("+12125550005", Outcome.CONGESTION, "phrase_cps_limit", id="calls per second"),
        pytest.param("+12125550404", Outcome.INVALID_NUMBER, "sip_404", id="no such number"),
        pytest.param("+12125550004", Outcome.BLOCKED, "phrase_blocked", id="network blocked"),
        pytest.param("+12125550215", Outcome.ANSWERED, "answered", id="answered after a second"),
    ],
)
async def test_each_answer_of_the_carrier_arrives_with_its_evidence(
    simulator: str, number: str, outcome: Outcome, rule: str
) -> None:
    async with line_to(simulator) as line:
        verdict = classify(await line.place(request(number), open_gate))

    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.rule) == (outcome, rule)


@pytest.mark.parametrize(
    ("trunk", "outcome"),
    [
        pytest.param("ST_nosuch", Outcome.CONFIG_ERROR, id="a trunk LiveKit does not know"),
        pytest.param("ST_noauth", Outcome.CONFIG_ERROR, id="a trunk without its password"),
        pytest.param("ST_refused", Outcome.TRUNK_FAILURE, id="a carrier that refuses the connection"),
    ],
)
async def test_a_trunk_that_is_set_up_wrong_is_told_from_a_contact(
    simulator: str, trunk: str, outcome: Outcome
) -> None:
    async with line_to(simulator) as line:
        verdict = classify(await line.place(request("+12125550486", trunk=trunk), open_gate))

    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.counted) == (outcome, False)


async def test_a_post_that_comes_after_the_fence_is_refused_and_counts_as_not_sent(simulator: str) -> None:
    late = FENCE.token + FENCE.leeway + timedelta(seconds=2)
    async with line_to(simulator) as line:
        result = await line.place(request("+12125550486", age=late), open_gate)

    assert "token is expired" in (result.message or "")
    verdict = classify(result)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.sent, verdict.counted) == (Outcome.CANCELLED, False, False)


async def test_a_wrong_secret_is_a_configuration_error_and_says_so_when_asked(simulator: str) -> None:
    async with line_to(simulator, secret="another") as line:
        verdict = classify(await line.place(request("+12125550486"), open_gate))
        with pytest.raises(LineRefused):
            await line.outbound_trunks()

    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.rule) == (Outcome.CONFIG_ERROR, "livekit_login")


async def test_a_look_tells_who_is_in_which_room(simulator: str) -> None:
    talking = request("+12125550210")
    async with line_to(simulator) as line:
        await line.place(talking, open_gate)
        looks = await line.look({talking.room_name: talking.identity, "nowhere": "nobody"})
        assert (looks[talking.room_name].present, looks[talking.room_name].status) == (True, "active")
        assert not looks["nowhere"].present

        await line.delete_room(talking.room_name)
        await line.delete_room(talking.room_name)
        assert not (await line.look({talking.room_name: talking.identity}))[talking.room_name].present


async def test_the_sentinel_room_keeps_its_sid(simulator: str) -> None:
    async with line_to(simulator) as line:
        assert (await line.feel_pulse("word-sentinel")).room_sid is None
        first = await line.make_room("word-sentinel", empty_timeout=timedelta(days=7))
        assert await line.make_room("word-sentinel", empty_timeout=timedelta(days=7)) == first
        assert (await line.feel_pulse("word-sentinel")).room_sid == first


async def test_the_trunks_of_livekit_are_listed_and_one_of_any_number_needs_a_caller_id(simulator: str) -> None:
    async with line_to(simulator) as line:
        trunks = {trunk.livekit_trunk_id: trunk for trunk in await line.outbound_trunks()}

    assert not trunks["ST_simulated"].needs_caller_id
    assert trunks["ST_wildcard"].needs_caller_id


async def test_nobody_listens_is_not_sent(simulator: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with line_to(f"http://127.0.0.1:{taken.getsockname()[1]}") as line:
            result = await line.place(request("+12125550486"), open_gate)
            with pytest.raises(LineUnavailable):
                await line.feel_pulse("any")

    assert result.reply is Reply.NOT_SENT


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def misbehaving(handler: Handler) -> AsyncIterator[tuple[LiveKitLine, list[str]]]:
    """A server that does with CreateSIPParticipant whatever ``handler`` does; the list keeps every request."""
    seen: list[str] = []

    async def handle(received: web.Request) -> web.StreamResponse:
        seen.append(received.path)
        return await handler(received)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        async with line_to(f"http://127.0.0.1:{port}") as line:
            yield line, seen
    finally:
        await runner.cleanup()


def _drop(received: web.Request) -> web.StreamResponse:
    assert received.transport is not None
    received.transport.abort()
    return web.Response()


def _status(status: int, text: str = "<html>gateway</html>") -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.Response(status=status, text=text)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_drop, id="drops the connection"),
        pytest.param(_status(500), id="500"),
        pytest.param(_status(502), id="502"),
        pytest.param(_status(503), id="503"),
        pytest.param(_status(504), id="504"),
    ],
)
async def test_a_server_that_fails_is_posted_to_exactly_once_and_leaves_doubt(
    answer: Callable[[web.Request], web.StreamResponse],
) -> None:
    async def handler(received: web.Request) -> web.StreamResponse:
        return answer(received)

    async with misbehaving(handler) as (line, seen):
        result = await line.place(request("+12125550486"), open_gate)

    assert isinstance(classify(result), InDoubt)
    assert seen == ["/twirp/livekit.SIP/CreateSIPParticipant"]


async def test_livekit_cloud_that_fails_is_posted_to_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default livekit-api posts a failed CreateSIPParticipant to these hosts three times."""
    resolve = socket.getaddrinfo

    def to_this_machine(host: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == "project.livekit.cloud" else host, *arguments, **options)

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    monkeypatch.setattr(socket, "getaddrinfo", to_this_machine)
    async with (
        misbehaving(handler) as (local, seen),
        line_to(local.url.replace("127.0.0.1", "project.livekit.cloud")) as line,
    ):
        result = await line.place(request("+12125550486"), open_gate)

    assert result.http_status == 503
    assert seen == ["/twirp/livekit.SIP/CreateSIPParticipant"]


async def test_a_server_that_never_answers_is_posted_to_once_and_given_up_in_doubt() -> None:
    released = asyncio.Event()

    async def handler(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    async with misbehaving(handler) as (line, seen):
        hurried = replace(request("+12125550486"), ringing_timeout=timedelta(seconds=-1.7))
        result = await line.place(hurried, open_gate)
        released.set()

    assert result.reply is Reply.LOST
    assert len(seen) == 1


@pytest.mark.parametrize("reused", [False, True], ids=["a new connection", "a connection used before"])
async def test_a_gate_that_shuts_lets_no_byte_out_and_leaks_no_connection(reused: bool) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "unavailable", "msg": "no response from servers"}, status=503)

    async def shut() -> None:
        raise GateShut("campaign_not_running")

    async with misbehaving(handler) as (line, seen):
        if reused:
            await line.place(request("+12125550486"), open_gate)
        with pytest.raises(GateShut):
            await line.place(request("+12125550486"), shut)
        after = await line.place(request("+12125550486"), open_gate)

        assert after.http_status == 503
        assert len(seen) == 1 + reused
        assert connections_to(line) == 1


def connections_to(line: LiveKitLine) -> int:
    """How many connections this process holds to the line's server."""
    port = int(line.url.rsplit(":", 1)[1])
    found = psutil.Process().net_connections("tcp")
    return sum(1 for one in found if one.raddr and one.raddr.port == port and one.status == psutil.CONN_ESTABLISHED)


async def test_a_gate_is_awaited_after_connecting_and_the_answers_time_counts_from_it(simulator: str) -> None:
    async def slow_gate() -> None:
        await asyncio.sleep(0.3)

    async with line_to(simulator) as line:
        result: LineResult = await line.place(request("+12125550486"), slow_gate)

    assert result.sip_code == 486
    assert result.seconds < 0.25


async def test_more_than_a_hundred_calls_ring_at_once(simulator: str) -> None:
    async with line_to(simulator) as line:
        results = await asyncio.gather(*(line.place(request("+12125550000"), open_gate) for _ in range(150)))

    assert {result.message for result in results} == {"twirp error unknown: sip request timed out"}
