"""The bare floor: livekit-api in a loop, and nothing else.  No queue, no ledger, no limits, no second process.

``python -m benchmarks.floor URL busy COUNT`` dials numbers that are busy at once, 50 at a time;
``python -m benchmarks.floor URL agent COUNT`` makes each one's room with an agent first and deletes it afterwards;
``python -m benchmarks.floor URL ringing COUNT`` holds so many ringing calls at once.  Each signs every request, as the
library does by itself, and prints one line of JSON: what it used, without the import of its libraries.
"""

import asyncio
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import uvloop
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.sip import CreateSIPParticipantRequest

from benchmarks.campaigns import AGENT, RINGING_TIMEOUT, numbers
from benchmarks.stage import API_KEY, API_SECRET, run_child
from benchmarks.usage import cpu_seconds, resident_bytes
from console.supervisor import raise_open_files_limit

#: More with an agent, so that waiting for it holds nothing up.
IN_FLIGHT, IN_FLIGHT_WITH_AGENT = 50, 200
#: An agent takes 0.3 s, in the simulator as in life.
AGENT_SECONDS = 0.4
STARTS_PER_SECOND = 500
HOLD_SECONDS = 10.0
ANSWER_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Floor:
    """What the bare loop used.  ``answers``: how many of each HTTP status and SIP code."""

    calls: int
    cpu_seconds: float
    wall_seconds: float
    idle_bytes: int
    peak_bytes: int
    answers: dict[str, int]


async def measure_floor(url: str, kind: str, count: int) -> Floor:
    """Run the bare loop in a process of its own."""
    return Floor(**await run_child("benchmarks.floor", [url, kind, str(count)]))


Dial = Callable[[str], Awaitable[str]]


def _dial_with(livekit: api.LiveKitAPI) -> Dial:
    async def dial(number: str) -> str:
        ringing = int(RINGING_TIMEOUT.total_seconds())
        request = CreateSIPParticipantRequest(
            sip_trunk_id="ST_simulated",
            sip_call_to=number,
            room_name=_room(number),
            participant_identity=number,
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=ringing),
            max_call_duration=Duration(seconds=3600),
        )
        try:
            await livekit.sip.create_sip_participant(request, timeout=ringing + ANSWER_SECONDS)
        except api.ServerError as error:
            return f"{error.status}/{error.metadata.get('sip_status_code', '')}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__
        return "answered"

    return dial


def _room(number: str) -> str:
    return f"floor-{number}"


def _dial_with_agent(livekit: api.LiveKitAPI) -> Dial:
    """It gives the agent time to come, and does not look: whether one came is a matter for a dialer."""
    dial = _dial_with(livekit)

    async def with_agent(number: str) -> str:
        told = json.dumps({"name": "Contact", "dialer": {"campaign": "floor", "number": number, "attempt": 1}})
        wanted = RoomAgentDispatch(agent_name=AGENT, metadata=told)
        await livekit.room.create_room(api.CreateRoomRequest(name=_room(number), empty_timeout=60, agents=[wanted]))
        await asyncio.sleep(AGENT_SECONDS)
        answer = await dial(number)
        await livekit.room.delete_room(api.DeleteRoomRequest(room=_room(number)))
        return answer

    return with_agent


async def _busy(dial: Dial, count: int, *, in_flight: int = IN_FLIGHT) -> Counter[str]:
    """All numbers, so many at a time."""
    waiting, answers = iter(numbers(count)), Counter[str]()

    async def one_after_another() -> None:
        for number in waiting:
            answers[await dial(number)] += 1

    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
    return answers


async def _ringing(dial: Dial, count: int) -> Counter[str]:
    """All numbers at once, begun at an even pace."""
    calls = []
    for number in numbers(count):
        calls.append(asyncio.ensure_future(dial(number)))
        await asyncio.sleep(1 / STARTS_PER_SECOND)
    return Counter(await asyncio.gather(*calls))


KINDS: dict[str, Callable[[api.LiveKitAPI, int], Awaitable[Counter[str]]]] = {
    "busy": lambda livekit, count: _busy(_dial_with(livekit), count),
    "agent": lambda livekit, count: _busy(_dial_with_agent(livekit), count, in_flight=IN_FLIGHT_WITH_AGENT),
    "ringing": lambda livekit, count: _ringing(_dial_with(livekit), count),
}


async def _watch(peak: list[int]) -> None:
    while True:
        peak[0] = max(peak[0], resident_bytes(os.getpid()))
        await asyncio.sleep(0.5)


async def _run(url: str, kind: str, count: int) -> Floor:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    livekit = api.LiveKitAPI(url, API_KEY, API_SECRET, session=session, failover=False)
    idle = resident_bytes(os.getpid())
    peak = [idle]
    watching = asyncio.create_task(_watch(peak))
    cpu, began = cpu_seconds(os.getpid()), time.perf_counter()
    answers = await KINDS[kind](livekit, count)
    cpu, wall = cpu_seconds(os.getpid()) - cpu, time.perf_counter() - began
    watching.cancel()
    await session.close()
    return Floor(
        calls=count, cpu_seconds=cpu, wall_seconds=wall, idle_bytes=idle, peak_bytes=peak[0], answers=dict(answers)
    )


def main() -> None:
    """Dial, and print what it took."""
    url, kind, count = sys.argv[1:]
    raise_open_files_limit()
    warnings.filterwarnings("ignore", message="The HMAC key is")
    result: dict[str, Any] = asdict(uvloop.run(_run(url, kind, int(count))))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
