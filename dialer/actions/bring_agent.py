"""Brings a voice agent into a call's room before anybody is called, and takes rooms away that nobody needs.

An agent that crashed at its start and a name that nobody serves look the same from outside: no agent in the room.  So
the room is made, the agent is seen in it or LiveKit tells of it, and only then a phone rings (``docs/agents.md``).
"""

from datetime import timedelta

import structlog

from dialer.actions.desk import Desk, Job
from dialer.domain.dial_options import agent_metadata
from dialer.errors import InvalidInput, LineUnavailable
from dialer.ledger.campaign_moves import note_agent_came, note_agent_missed
from dialer.telephony.line import AgentDispatch, LineBusy

log = structlog.get_logger()

#: So many different numbers in a row for which no agent came hold their campaign.
MISSES_THAT_HOLD = 3
#: A call job whose agent did not come is tried again after this; no attempt is used.
MISSED_DELAY = timedelta(seconds=30)
#: LiveKit could not make the room.
NO_ROOM_DELAY = timedelta(seconds=5)
#: Seconds between two looks; an idle agent takes 0.3 s, so that the first one finds it.
LOOK_EVERY = 0.4
#: Where webhooks tell of the agent, a look only makes good for one that got lost: each costs two requests to LiveKit,
#: and LiveKit Cloud takes about 1,000 a minute.
LOOK_EVERY_WHEN_TOLD = 2.0


async def bring_agent(desk: Desk, job: Job) -> bool:
    """Make the room with the agent and see the agent in it; else the call job is back where it belongs."""
    try:
        metadata = _metadata(job)
    except InvalidInput as error:
        log.warning("agent_metadata_refused", call_job_id=job.ticket.call_job_id, error=str(error))
        await desk.finish(job.ticket, "failed")
        return False
    begun = desk.dialer.clock.seconds()
    try:
        came = await _make_and_wait(desk, job, metadata)
    except LineUnavailable as error:
        log.warning("agent_room_failed", attempt_id=str(job.ticket.attempt_id), error=str(error))
        if isinstance(error, LineBusy):
            await desk.quota_refused()
        await desk.give_back(job.ticket, NO_ROOM_DELAY)
        return False
    if not came:
        await _missed(desk, job)
        return False
    took = timedelta(seconds=desk.dialer.clock.seconds() - begun)
    await desk.note_agent_time(job.terms.campaign_id, took)
    if job.terms.agents_missed:
        await note_agent_came(desk.dialer.ledger, job.terms.campaign_id)
    return True


def _metadata(job: Job) -> str:
    return agent_metadata(
        job.data,
        attempt_id=job.ticket.attempt_id,
        campaign=job.terms.campaign,
        number=job.number,
        attempt=job.tries + 1,
    )


async def _make_and_wait(desk: Desk, job: Job, metadata: str) -> bool:
    dialer, room = desk.dialer, desk.dialer.room_name(job.ticket.attempt_id)
    assert job.terms.agent_name is not None
    dispatch = AgentDispatch(agent_name=job.terms.agent_name, metadata=metadata)
    await dialer.line.make_room(room, empty_timeout=dialer.fence.agent_room, agent=dispatch)
    deadline = dialer.clock.seconds() + dialer.fence.agent.total_seconds()
    while (now := dialer.clock.seconds()) < deadline and not desk.stopping:
        if await _is_told(desk, job, within=deadline - now) or (await desk.look_into(room)).agents:
            return True
    return False


async def _is_told(desk: Desk, job: Job, *, within: float) -> bool:
    """Wait for the next look, seconds ``within`` at most; True at once when a webhook tells of the agent meanwhile."""
    if desk.news is None or not desk.news.webhooks_arrive:
        await desk.dialer.clock.sleep(min(LOOK_EVERY, within))
        return False
    seconds = min(LOOK_EVERY_WHEN_TOLD, within)
    return await desk.news.agent_joined(job.ticket.attempt_id, within=timedelta(seconds=seconds))


async def _missed(desk: Desk, job: Job) -> None:
    campaign_id, agent = job.terms.campaign_id, job.terms.agent_name
    await desk.give_back(job.ticket, MISSED_DELAY)
    if desk.stopping:
        return
    log.warning("agent_missed", attempt_id=str(job.ticket.attempt_id), campaign_id=campaign_id, agent=agent)
    reason = missed_reason(str(agent), desk.dialer.fence.agent)
    if await note_agent_missed(
        desk.dialer.ledger, campaign_id, number=job.number, reason=reason, most=MISSES_THAT_HOLD
    ):
        log.error("campaign_held", campaign_id=campaign_id, reason=reason)


def missed_reason(agent: str, within: timedelta) -> str:
    """The sentence a held campaign shows: what is wrong, and what to do."""
    return (
        f"no agent named {agent!r} came into the room within {within.total_seconds():g} s, for {MISSES_THAT_HOLD} "
        "numbers in a row. Nobody was called and nobody lost an attempt by it: start the agent's worker under exactly "
        f"this name, try it with `dialer doctor --agent {agent}`, then `dialer campaign resume`"
    )


async def delete_room(desk: Desk, job: Job) -> None:
    """An agent that waits costs money.  Where LiveKit does not answer, the rescuer sweeps the room up later."""
    try:
        await desk.dialer.line.delete_room(desk.dialer.room_name(job.ticket.attempt_id))
    except LineUnavailable as error:
        log.warning("room_not_deleted", attempt_id=str(job.ticket.attempt_id), error=str(error))
