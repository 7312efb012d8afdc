"""Makes one attempt for a queued call job: take, look, slots and turn, claim, confirm, gate, POST, settle.

The order is the protocol's (``docs/protocol.md``): the attempt is committed before a phone can ring, and what cannot be
read or confirmed is not dialed.  ``Desk`` serves each step for many calls in one statement or script.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from dialer.actions.bring_agent import bring_agent, delete_room
from dialer.actions.call_terms import limits_of
from dialer.actions.desk import Desk, Job
from dialer.actions.probe_trunk import judge_probe_of, sample_of, watched
from dialer.actions.settle_attempt import decide, evidence_of
from dialer.app import Dialer
from dialer.domain.breaker import result_kind
from dialer.domain.fail_over import may_fail_over
from dialer.domain.line_result import LineResult, Reply
from dialer.domain.outcome import Blame, InDoubt, Outcome, Verdict, classify
from dialer.errors import InvalidInput, StoreUnavailable
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.claims import Claim, Refusal
from dialer.ledger.settlements import Answered, Settlement
from dialer.limits.call_rate import Turn, Wait
from dialer.telephony.line import DialRequest, GateShut

log = structlog.get_logger()

#: A POST this late after its turn would crowd the next one's second; it needs a new turn.
LATE = 0.008
#: What is known of a campaign's state is asked anew when it is older than this.
STATE_IS_FRESH = 1.0
#: A call job goes back for this long when every slot is taken, and when the limits are being rebuilt.
NO_SLOT_DELAY = timedelta(seconds=1)
#: A turn this far away is not waited for: the call job goes back until then.
LONGEST_WAIT = timedelta(seconds=2)
#: And no longer: a hint that is minutes long was given by a clock that has made a step.
LONGEST_RETURN = timedelta(seconds=30)
#: What is refused for a reason that may pass comes again after this.
REFUSED_DELAY = timedelta(seconds=5)
#: The trunk was removed, or its breaker has opened since the release: the feeder knows another one, or waits.
NOT_NOW_DELAY = timedelta(seconds=1)
#: A row that somebody works on just now is asked for again, this often.
TRIES_AT_LOCKED = 20
#: Nothing was dialed, and that says something: LiveKit has no SIP node, or no more requests for us.
LIVEKIT_QUOTA = "livekit_quota"
SAYS_MORE_UNSENT = frozenset({"livekit_failed", LIVEKIT_QUOTA, "trunk_host_unknown", "trunk_incomplete"})
#: A call whose agent waits in its room asks for a turn this often, as long as its slots' lease allows.
TRIES_WITH_AGENT = 6


@dataclass(slots=True)
class Opened:
    """A claimed attempt on its way to the line.  ``begun`` is when its claim was begun, on our clock."""

    job: Job
    claim: Claim
    begun: float
    moment: float

    @property
    def closes(self) -> float | None:
        """After this, on our clock, nothing may be sent: the phone could ring past the closing."""
        if self.job.open_until is None:
            return None
        return self.begun + (self.job.open_until - self.claim.claimed_at).total_seconds()


async def place_call(desk: Desk, ticket: Ticket) -> None:
    """Make one attempt for a queued call job, or put the call job where it belongs.

    Safe to run twice: the second run finds the call job no longer QUEUED under this release and drops it.

    Raises:
        StoreUnavailable: ledger or Redis does not answer; nothing was dialed, the leases run out by themselves.
    """
    with desk.on_its_way(ticket.attempt_id):
        if job := await look(desk, ticket):
            try:
                await _place(desk, job)
            finally:
                if job.is_probe:  # unless it was judged, it came to nothing
                    await judge_probe_of(desk.dialer, ticket.release_id, None)


async def _place(desk: Desk, job: Job) -> None:
    if job.terms.agent_name:
        await _place_with_agent(desk, job)
    elif turn := await reserve(desk, job):
        await _dial(desk, job, turn)


async def _place_with_agent(desk: Desk, job: Job) -> None:
    """Step 3: the agent is in the room before there is a turn, and the room goes when there is no call in it."""
    if not await desk.hold(job):
        await desk.give_back(job.ticket, NO_SLOT_DELAY)
        return
    with desk.aside(job.ticket.attempt_id):
        came = await bring_agent(desk, job)
    turn = await reserve(desk, job, tries=TRIES_WITH_AGENT) if came else None
    if turn is None:
        await desk.free_slots(job)
    if turn is None or not await _dial(desk, job, turn):
        await delete_room(desk, job)


async def _dial(desk: Desk, job: Job, turn: Turn) -> bool:
    """From the claim to the settlement; whether somebody is, or may be, in the room now."""
    opened = await claim(desk, job, turn)
    if opened is None:
        return False
    if not await confirm(desk, opened):
        await end_unsent(desk, opened, "slot_not_confirmed")
        return False
    try:
        result = desk.on_the_line(await ring(desk, opened))
    except GateShut as shut:
        await end_unsent(desk, opened, shut.rule)
        return False
    await learn(desk, opened, result)
    return await settle_result(desk, opened, result)


async def look(desk: Desk, ticket: Ticket) -> Job | None:
    """Step 1: is it still ours to dial?"""
    found = await desk.look(ticket)
    if found is None or found.refusal == Refusal.NOT_MINE:
        log.info("ticket_dropped", call_job_id=ticket.call_job_id, attempt_id=str(ticket.attempt_id))
        return None
    if found.refusal is not None:
        await refuse(desk, ticket, Refusal(found.refusal))
        await give_up_probe(desk, ticket)
        return None
    terms = (await desk.terms.of([found.campaign_id])).get(found.campaign_id)
    state = await desk.open_trunk(ticket)
    if terms is None or state is None:
        await desk.give_back(ticket, NOT_NOW_DELAY)
        await give_up_probe(desk, ticket)
        return None
    try:
        options = terms.options.with_columns(found.data) if found.data else terms.options
    except InvalidInput as error:
        log.warning("dial_options_refused", call_job_id=ticket.call_job_id, error=str(error))
        await desk.finish(ticket, "failed")
        await give_up_probe(desk, ticket)
        return None
    return Job(
        ticket=ticket,
        number=found.number,
        epoch=found.epoch,
        terms=terms,
        limits=limits_of(state, terms, promised=found.promised),
        promised=found.promised,
        is_probe=state.is_probe(ticket.release_id),
        trunk=state.trunk,
        zones=found.zones,
        open_until=found.open_until,
        data=found.data,
        tries=found.tries,
        options=options,
    )


async def give_up_probe(desk: Desk, ticket: Ticket) -> None:
    """The call job is not dialed: should it have been a probe, its trunk need not wait until that counts as lost."""
    if await desk.is_probe(ticket):
        await judge_probe_of(desk.dialer, ticket.release_id, None)


async def reserve(desk: Desk, job: Job, *, tries: int = 2) -> Turn | None:
    """Steps 2 and 4: all slots and a turn, or none; waits for a turn that is near."""
    for _ in range(tries):
        reservation = await desk.reserve(job)
        if isinstance(reservation, Turn):
            return reservation
        if not isinstance(reservation, Wait) or reservation.delay > LONGEST_WAIT:
            break
        await desk.dialer.clock.sleep(reservation.delay.total_seconds())
    delay = min(reservation.delay, LONGEST_RETURN) if isinstance(reservation, Wait) else NO_SLOT_DELAY
    await desk.give_back(job.ticket, delay)
    return None


async def claim(desk: Desk, job: Job, turn: Turn) -> Opened | None:
    """Step 5: *lead* before the turn, open the attempt in the ledger and commit it."""
    await desk.dialer.clock.sleep_until(turn.moment - desk.lead.total_seconds())
    refusal = Refusal.LOCKED
    for _ in range(TRIES_AT_LOCKED):
        begun = desk.dialer.clock.seconds()
        answer = await desk.claim(job)
        if isinstance(answer, Claim):
            return Opened(job=job, claim=answer, begun=begun, moment=turn.moment)
        refusal = answer
        if refusal is not Refusal.LOCKED:
            break
        await desk.dialer.clock.sleep(0.05)
    await desk.free_slots(job)
    await refuse(desk, job.ticket, refusal)
    return None


async def refuse(desk: Desk, ticket: Ticket, refusal: Refusal) -> None:
    """Put a call job that may not be dialed where it belongs; nothing is left to a lease that has to run out."""
    log.info(
        "call_job_refused",
        call_job_id=ticket.call_job_id,
        attempt_id=str(ticket.attempt_id),
        refusal=refusal.value,
    )
    match refusal:
        case Refusal.NOT_MINE:
            return
        case Refusal.NO_ATTEMPTS_LEFT:
            await desk.finish(ticket, "exhausted")
        case Refusal.SUPPRESSED:
            await desk.finish(ticket, "suppressed")
        case Refusal.CLOSED:
            await desk.give_back(ticket, timedelta(0))  # the feeder finds its next window
        case Refusal.PAUSED | Refusal.OTHER_EPOCH | Refusal.LOCKED:
            await desk.give_back(ticket, timedelta(0) if refusal is Refusal.PAUSED else NO_SLOT_DELAY)
        case Refusal.NUMBER_OPEN | Refusal.OTHER:
            await desk.give_back(ticket, REFUSED_DELAY)


async def confirm(desk: Desk, opened: Opened) -> bool:
    """Step 6: take the end from the lease; a lease that lapsed meanwhile must not be dialed on."""
    try:
        return await desk.confirm(opened.job, opened.claim)
    except StoreUnavailable as error:
        log.warning("confirm_failed", attempt_id=str(opened.job.ticket.attempt_id), error=str(error))
        return False


async def ring(desk: Desk, opened: Opened) -> LineResult:
    """Steps 7 and 8: one POST, let go by the gate right before the socket write."""
    job, terms, fence = opened.job, opened.job.terms, desk.dialer.fence
    request = DialRequest(
        attempt_id=job.ticket.attempt_id,
        room_name=desk.dialer.room_name(job.ticket.attempt_id),
        livekit_trunk_id=job.trunk.livekit_trunk_id,
        inline=job.trunk.inline,
        number=job.number,
        caller_id=terms.caller_id or job.trunk.caller_id,
        ringing_timeout=terms.ringing_timeout,
        talk_limit=terms.talk_limit,
        not_before=opened.claim.claimed_at,
        token_end=fence.token_end(opened.claim.claimed_at),
        options=job.options,
    )

    async def gate() -> None:
        await pass_gate(desk, opened)

    if not job.is_probe:
        return await desk.dialer.line.place(request, gate)
    sample = sample_of(job.ticket.attempt_id, job.number, opened.claim.claimed_at)
    async with watched(desk.dialer, job.ticket.release_id, sample, room_name=request.room_name):
        return await desk.dialer.line.place(request, gate)


async def learn(desk: Desk, opened: Opened, result: LineResult) -> None:
    """What the answer says about the trunk, before anybody waits for news of the phone."""
    verdict = classify(result)
    if isinstance(verdict, InDoubt) or not (verdict.sent or verdict.rule in SAYS_MORE_UNSENT):
        return
    ticket = opened.job.ticket
    sample = sample_of(ticket.attempt_id, opened.job.number, opened.claim.claimed_at)
    told = replace(
        sample,
        kind=result_kind(verdict, result),
        rule=verdict.rule,
        sip_code=result.sip_code,
        seconds=result.seconds,
        rang=result.rang,
    )
    if verdict.rule == LIVEKIT_QUOTA:
        await desk.quota_refused()  # a probe has told nothing by it
    elif opened.job.is_probe:
        await judge_probe_of(desk.dialer, ticket.release_id, told)
    else:
        desk.learn(ticket.trunk_id, told)


async def pass_gate(desk: Desk, opened: Opened) -> None:
    """Step 7: wait for the turn; raise ``GateShut`` when this attempt may not be sent any more.

    A turn that was missed by more than ``LATE`` is replaced by a new one, as long as that comes before the claim is
    ``Fence.gate`` old.
    """
    clock, oldest = desk.dialer.clock, opened.begun + desk.dialer.fence.gate.total_seconds()
    known_at = opened.begun  # the claim itself tested the campaign's state
    while True:
        if clock.seconds() - opened.moment > LATE:
            opened.moment = await new_turn(desk, opened)
        if opened.moment - known_at > STATE_IS_FRESH:
            await clock.sleep_until(opened.moment - STATE_IS_FRESH / 2)
            known_at = clock.seconds()
            if not await desk.is_running(opened.job.terms.campaign_id):
                raise GateShut("campaign_not_running")
        await clock.sleep_until(opened.moment)
        if desk.stopping:
            raise GateShut("caller_stopping")
        now = clock.seconds()
        if now > oldest:
            raise GateShut("claim_too_old")
        if opened.closes is not None and now > opened.closes:
            raise GateShut("hours_closed")
        if not desk.lets_through(opened.job.ticket):
            raise GateShut("trunk_not_well")
        if now - opened.moment <= LATE:
            desk.sent_calls.note(opened.job.ticket.trunk_id, opened.job.ticket.attempt_id)
            desk.let_go(opened.job.ticket.attempt_id)
            return


async def new_turn(desk: Desk, opened: Opened) -> float:
    """Another turn for slots that are held, in time for the gate."""
    try:
        reservation = await desk.reserve(opened.job)
    except StoreUnavailable as error:
        raise GateShut("limits_unreadable") from error
    last = opened.begun + desk.dialer.fence.gate.total_seconds()
    if not isinstance(reservation, Turn) or reservation.moment > last:
        raise GateShut("turn_missed")
    return reservation.moment


async def end_unsent(desk: Desk, opened: Opened, rule: str) -> None:
    """The attempt ends without a byte having gone out: not counted, and soon due again."""
    verdict = Verdict(outcome=Outcome.CANCELLED, blame=Blame.SYSTEM, counted=False, rule=rule, sent=False, rang=False)
    await desk.settle(settlement_of(desk.dialer, opened, verdict, None))


async def settle_result(desk: Desk, opened: Opened, result: LineResult) -> bool:
    """Step 9: what the answer means; an answered call stays open until it is over, one in doubt until it is known.

    Returns whether the attempt stays open.
    """
    result = await desk.heard(opened.job.ticket.attempt_id, result)
    verdict = classify(result)
    attempt_id = opened.job.ticket.attempt_id
    if isinstance(verdict, InDoubt):
        log.warning("attempt_in_doubt", attempt_id=str(attempt_id), rule=verdict.rule, evidence=result.message)
        await desk.mark_in_doubt(attempt_id, verdict.rule, evidence_of(result))
    elif result.reply is Reply.ANSWERED:
        log.info("attempt_answered", attempt_id=str(attempt_id), ring_seconds=round(result.seconds, 3))
        await desk.mark_answered(
            Answered(attempt_id=attempt_id, ring_seconds=result.seconds, evidence=dict(evidence_of(result)))
        )
    else:
        await desk.settle(settlement_of(desk.dialer, opened, verdict, result))
        return False
    return True


def settlement_of(dialer: Dialer, opened: Opened, verdict: Verdict, result: LineResult | None) -> Settlement:
    """The settlement of an attempt that is over, with what its call job does next."""
    age = timedelta(seconds=dialer.clock.seconds() - opened.begun)
    decision = decide(
        verdict,
        history=opened.claim.history,
        policy=opened.job.terms.policy,
        hours=opened.job.terms.hours,
        zones=opened.job.zones,
        now=opened.claim.claimed_at + age,
        chance=dialer.chance(),
    )
    return Settlement(
        attempt_id=opened.job.ticket.attempt_id,
        verdict=verdict,
        due_in=decision.due_in,
        finish_reason=decision.finish_reason,
        not_before_in=decision.not_before_in,
        open_until=decision.open_until,
        hours_mark=opened.job.terms.hours_mark,
        suppress="line" if verdict.outcome is Outcome.UNWANTED else None,
        suppress_reason=f"the line answered that calls are unwanted ({verdict.rule})"
        if verdict.outcome is Outcome.UNWANTED
        else None,
        evidence=dict(evidence_of(result)) if result else {},
        sip_code=result.sip_code if result else None,
        sip_status=result.sip_status if result else None,
        ring_seconds=round(result.seconds, 3) if result and verdict.rang else None,
        fails_over=result is not None and may_fail_over(verdict, result),
    )
