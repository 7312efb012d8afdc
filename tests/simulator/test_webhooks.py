"""Webhooks are delivered as LiveKit delivers them: in order per room, retried for a while, never kept."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from livekit import api

from simulator.clock import Clock
from simulator.webhooks import MOST_WAITING, OLDEST_SECONDS, Outbox, Signer
from tests.simulator.conftest import API_KEY, API_SECRET, GIVE_UP_SECONDS, Sink, StartLab

pytestmark = pytest.mark.unit

CLOCK = Clock(offset_seconds=0, speed=1)
SIGNER = Signer(api_key=API_KEY, api_secret=API_SECRET, clock=CLOCK)


class ScriptedSender:
    """Receives events in a list; holds them up or fails on demand."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        self.fails = 0
        self.held: dict[str, asyncio.Event] = {}

    async def post(self, url: str, body: bytes, _: str) -> bool:
        self.posts.append((url, body.decode()))
        if url in self.held:
            await self.held[url].wait()
        self.fails -= 1
        return self.fails < 0

    async def close(self) -> None:
        pass


class Bench:
    """An outbox whose clock is turned by hand."""

    def __init__(self, *urls: str) -> None:
        self.sender = ScriptedSender()
        self.slept: list[float] = []
        self.now = 0.0
        self.outbox = Outbox(urls, signer=SIGNER, sender=self.sender, sleep=self._sleep, now=lambda: self.now)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def empty(self) -> None:
        """Wait until nothing waits and nothing is on the wire."""
        await self.until(lambda: not self.outbox.waiting)
        await asyncio.sleep(0)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not is_so():
                await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench("http://one")
    yield bench
    await bench.outbox.close()


async def test_a_body_is_signed_for_livekit_s_own_receiver() -> None:
    receiver = api.WebhookReceiver(api.TokenVerifier(API_KEY, API_SECRET))
    body = '{"event":"room_started","room":{"name":"Zürich"},"id":"EV_1"}'
    assert receiver.receive(body, SIGNER.token(body.encode())).room.name == "Zürich"
    with pytest.raises(Exception, match="hash mismatch"):
        receiver.receive(body + " ", SIGNER.token(body.encode()))


async def test_a_failing_receiver_is_tried_five_times_and_then_the_event_is_lost(bench: Bench) -> None:
    bench.sender.fails = 5
    bench.outbox.put("room", b"lost")
    bench.outbox.put("room", b"next")
    await bench.until(lambda: bench.outbox.tally.delivered == 1)
    assert [body for _, body in bench.sender.posts] == ["lost"] * 5 + ["next"]
    assert bench.slept == [1, 2, 4, 8]
    assert bench.outbox.tally.failed == 1


async def test_events_of_a_room_keep_their_order_while_one_is_retried(bench: Bench) -> None:
    bench.sender.fails = 2
    for body in (b"1", b"2", b"3"):
        bench.outbox.put("room", body)
    await bench.until(lambda: bench.outbox.tally.delivered == 3)
    assert [body for _, body in bench.sender.posts] == ["1", "1", "1", "2", "3"]


async def test_one_slow_receiver_holds_up_neither_another_one_nor_another_room() -> None:
    bench = Bench("http://slow", "http://fast")
    bench.sender.held["http://slow"] = asyncio.Event()
    for room, body in (("a", b"a1"), ("a", b"a2"), ("b", b"b1")):
        bench.outbox.put(room, body)
    await bench.until(lambda: bench.outbox.tally.delivered == 3)
    assert [body for url, body in bench.sender.posts if url == "http://fast" and "a" in body] == ["a1", "a2"]
    assert [body for url, body in bench.sender.posts if url == "http://slow"] == ["a1", "b1"]
    bench.sender.held["http://slow"].set()
    await bench.until(lambda: bench.outbox.tally.delivered == 6)
    await bench.outbox.close()


async def test_an_event_that_waited_too_long_is_dropped(bench: Bench) -> None:
    bench.sender.held["http://one"] = asyncio.Event()
    bench.outbox.put("room", b"first")
    bench.outbox.put("room", b"old")
    await bench.until(lambda: bool(bench.sender.posts))
    bench.now = OLDEST_SECONDS + 1
    bench.outbox.put("room", b"fresh")
    bench.sender.held["http://one"].set()
    await bench.until(lambda: bench.outbox.tally.delivered == 2)
    assert [body for _, body in bench.sender.posts] == ["first", "fresh"]
    assert bench.outbox.tally.dropped == 1


async def test_a_room_has_no_more_than_its_share_waiting(bench: Bench) -> None:
    for count in range(MOST_WAITING + 3):
        bench.outbox.put("room", str(count).encode())
    bench.outbox.put("another", b"mine")
    assert (bench.outbox.waiting, bench.outbox.tally.dropped) == (MOST_WAITING + 1, 3)


@pytest.mark.wire
async def test_a_webhook_is_sent_again_after_a_second(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    sink.statuses = [503]
    await lab.dial("+12125550486")
    await sink.has(lambda sink: len(sink.told()) >= 3)
    assert sorted(sink.requests.values())[-2:] == [1, 2]
    assert [event.event for event in sink.told()][:3] == ["room_started", "participant_joined", "participant_left"]


@pytest.mark.wire
@pytest.mark.parametrize(("status", "times"), [(400, 1), (404, 1), (501, 1), (429, 2), (500, 2)])
async def test_which_answers_make_livekit_try_again(start_lab: StartLab, sink: Sink, status: int, times: int) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url,))
    sink.statuses = [status]
    await lab.dial("+12125550486")
    await sink.has(lambda sink: any(event.event == "participant_left" for event in sink.events))
    assert max(sink.requests.values()) == times
    tally = await lab.page("webhooks")
    assert tally["failed"] == tally["dropped"] == 0


@pytest.mark.wire
async def test_every_receiver_is_told_and_the_simulator_counts(start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=40, webhook_urls=(sink.url, sink.url + "/again"))
    await lab.dial("+12125550486")
    await sink.has(lambda sink: len(sink.events) == 12)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while (tally := await lab.page("webhooks"))["delivered"] < 12:
            await asyncio.sleep(0)
    assert tally == {"delivered": 12, "dropped": 0, "failed": 0, "waiting": 0}
