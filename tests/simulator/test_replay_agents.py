"""Stories with an agent in the room go as they were recorded with a real livekit-agents worker."""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from livekit.protocol.agent import JobStatus
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.room import CreateRoomRequest, DeleteRoomRequest
from livekit.protocol.webhook import WebhookEvent

from tests.simulator.conftest import GIVE_UP_SECONDS, POLL_SECONDS, Lab, Sink, StartLab

pytestmark = pytest.mark.wire

RECORDED = Path(__file__).parent / "recorded"
STORIES: list[dict[str, Any]] = json.loads((RECORDED / "agents.json").read_text())
SPEED = 20

#: the agent that does what the recorded one did, and the last digits of the number that was dialed
PLAYED_BY = {
    "agent, answered, callee hangs up": ("sim-ready", "215"),
    "agent sets attributes and deletes the room": ("sim-reports-booked", "210"),
    "agent leaves while the callee talks": ("sim-leaves-1", "210"),
    "agent sets room metadata, callee hangs up": ("sim-metadata-booked", "215"),
    "agent, busy": ("sim-ready", "002"),
    "agent, no answer": ("sim-ready", "000"),
    "agent crashes at start": ("sim-crash", "212"),
    "agent slow (8 s), dial at once": ("sim-slow-8", "210"),
    "no such agent": ("no-such-agent", "212"),
}
#: asked so early in the recording that the worker had not told the server of its job yet
ASKED_TOO_EARLY = {"agent, answered, callee hangs up"}
#: the second who came left first, by chance: so it is in a room of this name
ROOMS = {"agent slow (8 s), dial at once": "room 2"}
RING_SECONDS = {"agent, no answer": 4}


def test_every_story_is_played() -> None:
    assert sorted(PLAYED_BY) == sorted(story["case"] for story in STORIES)
    assert len(STORIES) == 9


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story["case"]))
async def test_an_agent_s_story_goes_as_recorded(story: dict[str, Any], start_lab: StartLab, sink: Sink) -> None:
    lab = await start_lab(speed=SPEED, webhook_urls=(sink.url,))
    player = Player(lab, story)
    for step, *recorded in story["steps"]:
        await player.play(step, recorded)
    await sink.has(lambda sink: len(sink.told(player.room)) >= len(story["webhooks"]))
    assert [as_recorded(event, player.agent) for event in sink.told(player.room)] == [
        {**expected, "identity": form(expected["identity"])} for expected in without_times(story["webhooks"])
    ]


class Player:
    """Takes the recorder's part."""

    def __init__(self, lab: Lab, story: dict[str, Any]) -> None:
        self._lab = lab
        self._case = story["case"]
        self.agent, self._digits = PLAYED_BY[self._case]
        self.room = ROOMS.get(self._case, "room")

    async def play(self, step: str, recorded: list[Any]) -> None:
        """Take one step, and compare what comes of it with what came of it then."""
        match step:
            case "created":
                await self._create()
            case "agent seen" if recorded[0] is not None:
                await self._sees([[r"agent-AJ_*", "AGENT", "ACTIVE", None]])
            case "dispatch jobs":
                await self._jobs(recorded[0])
            case "dial answer":
                await self._dial(*recorded)
            case "participants after":
                await self._sees(recorded[0])
            case "delete":
                assert await self._delete() == recorded[0]

    async def _create(self) -> None:
        request = CreateRoomRequest(name=self.room, departure_timeout=3, metadata="m0")
        request.agents.append(RoomAgentDispatch(agent_name=self.agent))
        await self._lab.livekit.room.create_room(request)

    async def _sees(self, expected: list[Any]) -> None:
        wanted = [[form(identity), kind, state] for identity, kind, state, _ in expected]
        seen: list[Any] | None = None
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while seen != wanted:
                inside = await self._lab.participants(self.room)
                seen = sorted([form(one.identity), kind_of(one), state_of(one)] for one in inside)
                await asyncio.sleep(POLL_SECONDS)

    async def _jobs(self, recorded: list[Any]) -> None:
        wanted = [{key: form(value) for key, value in job.items()} for job in recorded]
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while (listed := await self._listed_jobs()) != wanted and self._case not in ASKED_TOO_EARLY:
                assert not listed
                await asyncio.sleep(POLL_SECONDS)

    async def _listed_jobs(self) -> list[Any]:
        [dispatch] = await self._lab.livekit.agent_dispatch.list_dispatch(self.room)
        return [
            {
                "id": form(job.id),
                "status": JobStatus.Name(job.state.status),
                "err": job.state.error,
                "pid": form(job.state.participant_identity),
            }
            for job in dispatch.state.jobs
        ]

    async def _dial(self, seconds: float, status: int, text: str | None) -> None:
        started_at = time.monotonic()
        ring = RING_SECONDS.get(self._case, 30)
        answer = await self._lab.dial(f"+12125550{self._digits}", room=self.room, ring=ring)
        least = int(seconds) / SPEED
        assert least <= time.monotonic() - started_at < least + 3
        told = (answer.status, answer.message) if isinstance(answer, api.TwirpError) else (200, None)
        assert told == (status, text)

    async def _delete(self) -> int:
        try:
            await self._lab.livekit.room.delete_room(DeleteRoomRequest(room=self.room))
        except api.TwirpError as failure:
            return failure.status
        return 200


def form(value: str | None) -> str | None:
    """An id without what makes it one of a kind."""
    return value and re.sub(r"AJ_\w+", "AJ_*", value)


def kind_of(participant: ParticipantInfo) -> str:
    return ParticipantInfo.Kind.Name(participant.kind)


def state_of(participant: ParticipantInfo) -> str:
    return ParticipantInfo.State.Name(participant.state)


def without_times(webhooks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in webhook.items() if name != "at_s"} for webhook in webhooks]


def as_recorded(event: WebhookEvent, agent: str) -> dict[str, Any]:
    """A webhook as the recorder wrote it down, whose agent was called otherwise and knew nothing of ours."""
    participant = event.participant if event.HasField("participant") else None
    attributes = dict(participant.attributes) if participant else {}
    kept = {key: attributes[key] for key in attributes if not key.startswith("sip.") or key == "sip.callStatus"}
    if kept.get("lk.agent.name") == agent:
        kept["lk.agent.name"] = "caller-agent"
    if agent == "sim-ready":
        kept.pop("dialer.amd", None)
    reason = DisconnectReason.Name(participant.disconnect_reason) if participant else "UNKNOWN_REASON"
    return {
        "event": event.event,
        "kind": kind_of(participant) if participant else None,
        "identity": form(participant.identity) if participant else None,
        "disconnectReason": None if reason == "UNKNOWN_REASON" else reason,
        "attributes": kept,
        "room_metadata": event.room.metadata.replace("dialer.disposition", "disposition"),
    }
