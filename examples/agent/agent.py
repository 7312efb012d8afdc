"""A voice agent without a voice: beeps, listens for three seconds, reports to the dialer, hangs up.

It needs no model and no key but LiveKit's, and shows all that the dialer asks of an agent (docs/agents.md).
"""

import asyncio
import json
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
from livekit import rtc
from livekit.agents import AgentServer, AutoSubscribe, JobContext, cli
from livekit.agents.utils.participant import wait_for_participant_attribute

RATE = 48_000
BEEP_SECONDS, LISTEN_SECONDS = 0.5, 3.0
LOUD = 500  # root mean square of 16-bit samples; a voice has some thousands, an open line under a hundred

log = logging.getLogger("dialer-example")
server = AgentServer(host="127.0.0.1", port=0)


@server.rtc_session(agent_name=os.environ.get("AGENT_NAME", "dialer-example"))
async def conversation(ctx: JobContext) -> None:
    """One call, from the dial to the report."""
    contact = json.loads(ctx.job.metadata or "{}")  # the columns of the file, and `dialer`: which attempt this is
    call = contact.pop("dialer", {})
    log.info("called for attempt %s; told of: %s", call.get("attempt"), ", ".join(contact))  # no value: it is personal
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    beep = await publish_beep(ctx.room)
    keys = collect_keys(ctx.room)
    try:
        callee = await picked_up(ctx)
    except RuntimeError:  # nobody picked up: the dialer has closed the room
        return
    await beep()
    is_voice = await hears_a_voice(callee)
    await ctx.room.local_participant.set_attributes(report(is_voice, keys))  # before leaving, or it is lost
    await ctx.delete_room()  # hangs up


async def picked_up(ctx: JobContext) -> rtc.RemoteParticipant:
    """The callee, once it can hear us: it is in the room while the phone still rings."""
    callee = await ctx.wait_for_participant(kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP)
    await wait_for_participant_attribute(ctx.room, identity=callee.identity, attribute="sip.callStatus", value="active")
    return callee


def report(is_voice: bool, keys: list[str]) -> dict[str, str]:
    """What the dialer learns.  Key 9 means never again, key 2 means tomorrow at this time."""
    said = {"dialer.amd": "human" if is_voice or keys else "uncertain"}
    if "9" in keys:
        return said | {"dialer.disposition": "opted out", "dialer.do_not_call": "true"}
    if "2" in keys:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        return said | {"dialer.disposition": "call back", "dialer.callback_at": tomorrow.isoformat(timespec="seconds")}
    return said | {"dialer.disposition": "spoke" if is_voice else "silent"}


def collect_keys(room: rtc.Room) -> list[str]:
    """The keys pressed on the phone, filled while the call goes on."""
    keys: list[str] = []
    room.on("sip_dtmf_received", lambda pressed: keys.append(pressed.digit))
    return keys


async def publish_beep(room: rtc.Room):
    """Publish a silent track; the function that is returned plays one beep on it."""
    source = rtc.AudioSource(RATE, 1)
    await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("beep", source))
    samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(int(RATE * BEEP_SECONDS)) / RATE)).astype(np.int16)

    async def beep() -> None:
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))
        await source.wait_for_playout()

    return beep


async def hears_a_voice(callee: rtc.RemoteParticipant) -> bool:
    """Listen to the callee for a moment: was there anything loud?"""
    stream = rtc.AudioStream.from_participant(participant=callee, track_source=rtc.TrackSource.SOURCE_MICROPHONE)
    loudest = 0.0
    with suppress(TimeoutError):
        async with asyncio.timeout(LISTEN_SECONDS):
            async for heard in stream:
                samples = np.frombuffer(heard.frame.data, dtype=np.int16).astype(np.float64)
                loudest = max(loudest, float(np.sqrt(np.mean(samples**2))))
    await stream.aclose()
    return loudest > LOUD


if __name__ == "__main__":
    cli.run_app(server)
