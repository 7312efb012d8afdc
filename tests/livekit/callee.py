"""Somebody who is called: a participant of kind SIP, played by livekit's own client.

Runs in the agents' environment.  Reads what to do from standard input, one word a line: ``active`` (the phone is picked
up), ``key 9`` (a key is pressed), ``leave``.  Says what happens in JSON, one line each.
"""

import array
import asyncio
import json
import math
import sys
from collections.abc import Callable

from livekit import rtc  # type: ignore[attr-defined]  # of the agents' environment

RATE = 48_000
FRAME = RATE // 100
LOUD = 500


async def main(url: str, token: str, *, has_voice: bool) -> None:
    """Join, do as told, tell what happens, until the room is over."""
    room, over = rtc.Room(), asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    def hear(track: rtc.Track, *_: object) -> None:
        say("subscribed")
        tasks.add(asyncio.create_task(listen(rtc.AudioStream(track, sample_rate=RATE, num_channels=1))))

    def end(reason: int) -> None:
        if not over.is_set():
            say("disconnected", reason=rtc.DisconnectReason.Name(reason))
            over.set()

    room.on("track_subscribed", hear)
    room.on("disconnected", end)
    await room.connect(url, token)
    source = rtc.AudioSource(RATE, 1)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("phone", source), options)
    tasks.add(asyncio.create_task(speak(source, 8000 if has_voice else 0)))
    tasks.add(asyncio.create_task(obey(room, lambda: end(rtc.DisconnectReason.CLIENT_INITIATED))))
    say("joined")
    await over.wait()


async def obey(room: rtc.Room, left: Callable[[], None]) -> None:
    """Do what standard input says."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := (await orders.readline()).decode().split():
        if order[0] == "active":
            await room.local_participant.set_attributes({"sip.callStatus": "active"})
        elif order[0] == "key":
            await room.local_participant.publish_dtmf(code=int(order[1]), digit=order[1])
        else:
            await room.disconnect()
            left()


async def speak(source: rtc.AudioSource, loudness: int) -> None:
    """Hum without end; with loudness 0 the line is open and still."""
    wave = [round(loudness * math.sin(2 * math.pi * 300 * step / RATE)) for step in range(FRAME)]
    samples = array.array("h", wave).tobytes()
    while True:
        await source.capture_frame(rtc.AudioFrame(samples, RATE, 1, FRAME))


async def listen(stream: rtc.AudioStream) -> None:
    """Tell of the first second of silence and of the first sound."""
    silent, heard = 0, False
    async for event in stream:
        samples = array.array("h", bytes(event.frame.data))
        is_loud = math.sqrt(sum(sample * sample for sample in samples) / len(samples)) > LOUD
        silent += len(samples)
        if silent >= RATE > silent - len(samples) and not heard:
            say("silence")
        if is_loud and not heard:
            heard = True
            say("sound")


def say(what: str, **details: str) -> None:
    """One event."""
    sys.stdout.write(json.dumps({"event": what, **details}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], has_voice="voice" in sys.argv[3:]))
