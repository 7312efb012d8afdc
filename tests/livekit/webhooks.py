"""Takes LiveKit's webhooks, and accepts none whose signature is wrong."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from livekit import api
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

GIVE_UP_SECONDS = 60.0  # an agent that is killed is missed after 20 s


class WebhookSink:
    """Every webhook that came, in the order in which it came."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self.events: list[WebhookEvent] = []
        self.content_types: set[str] = set()
        self.refused: list[str] = []
        self._receiver = api.WebhookReceiver(api.TokenVerifier(api_key, api_secret))
        self._news = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        """The page that LiveKit posts to."""
        try:
            event = self._receiver.receive(await request.text(), request.headers["Authorization"])
        except Exception as problem:  # noqa: BLE001  livekit-api raises plain exceptions
            self.refused.append(repr(problem))
            return web.Response(status=401)
        async with self._news:
            self.events.append(event)
            self.content_types.add(request.content_type)
            self._news.notify_all()
        return web.Response()

    async def wait(self, name: str, *, room: str, kind: str | None = None) -> WebhookEvent:
        """The first webhook ``name`` of a room, about a participant of this kind; waits until it is there."""

        def found() -> list[WebhookEvent]:
            return [event for event in self.of(room) if event.event == name and kind in (None, kind_of(event))]

        await self._until(lambda: bool(found()))
        return found()[0]

    async def _until(self, is_so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS), self._news:
                await self._news.wait_for(is_so)
        except TimeoutError:
            seen = [(event.event, kind_of(event), event.room.name) for event in self.events]
            raise AssertionError(f"the webhook did not come; there were {seen}, refused {self.refused}") from None

    def of(self, room: str) -> list[WebhookEvent]:
        """What came about this room."""
        return [event for event in self.events if event.room.name == room]

    def story(self, room: str) -> list[str]:
        """What came about this room, in words, tracks left out."""
        return [
            f"{kind_of(event)} {event.event}".strip() for event in self.of(room) if not event.event.startswith("track_")
        ]


def kind_of(event: WebhookEvent) -> str:
    """AGENT, SIP, STANDARD, or nothing for a webhook about a room."""
    return ParticipantInfo.Kind.Name(event.participant.kind) if event.HasField("participant") else ""
