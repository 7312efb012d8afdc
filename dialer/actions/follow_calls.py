"""Asks LiveKit about open attempts that nobody waits for: answered calls, doubts, calls whose caller is gone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.end_answered import settlement_of_end
from dialer.actions.settle_attempt import settle
from dialer.app import Dialer
from dialer.batch import taken_apart
from dialer.domain.company import judge_company
from dialer.domain.doubt import Adopt, End, KeepLooking, OpenAttempt, RemoveGhost, judge_look, judge_no_answer
from dialer.errors import LineUnavailable
from dialer.ledger.attempts import FollowedAttempt, LookNote, attempts_to_follow, note_looks
from dialer.ledger.line_status import note_line_away
from dialer.ledger.settlements import Answered, mark_answered
from dialer.telephony.line import LineBusy, Look

log = structlog.get_logger()

#: One round asks about this many.
MOST = 1000
#: Looks are planned a little closer together than the longest gap the fence allows.
LOOK_SHARE = 0.8
#: Attempts named in one line of the log.
MOST_NAMED = 20


@dataclass(slots=True)
class Round:
    """What one round of looks found."""

    looked: int = 0
    ended: int = 0
    adopted: int = 0
    broken: int = 0


@dataclass(slots=True)
class Found:
    """What the looks of one round mean, gathered so that each kind is written in one statement."""

    notes: list[LookNote] = field(default_factory=list)
    adopted: list[Answered] = field(default_factory=list)
    endings: list[tuple[FollowedAttempt, End]] = field(default_factory=list)
    unwanted: list[OpenAttempt] = field(default_factory=list)  #: to be hung up, after the mark is written

    def keep(self, attempt: OpenAttempt) -> None:
        """It stays open; one that is marked and still there is hung up on."""
        self.notes.append(note_of(attempt))
        if attempt.mark is not None and attempt.empty_since is None and attempt.seen_at == attempt.now:
            self.unwanted.append(attempt)


async def follow_calls(dialer: Dialer, terms: TermsBook) -> Round:
    """Look at every open attempt whose look is due, and act on what is found.

    Only one process does this at a time (the leading rescuer); what a look finds is kept in the ledger, so that the
    next one goes on where this one stopped.
    """
    due = await attempts_to_follow(
        dialer.ledger, fence=dialer.fence, leases=dialer.leases, look_every=dialer.fence.look * LOOK_SHARE, most=MOST
    )
    if not due:
        return Round()
    rooms = {dialer.room_name(item.open.attempt_id): str(item.open.attempt_id) for item in due}
    try:
        looks = await dialer.line.look(rooms)
    except LineBusy as error:
        log.warning("looks_put_off", attempts=len(due), error=str(error))
        return Round()
    except LineUnavailable as error:
        await _begin_again(dialer, due, str(error))
        return Round()
    return await _act_on_all(dialer, terms, due, looks)


async def _act_on_all(
    dialer: Dialer, terms: TermsBook, due: Sequence[FollowedAttempt], looks: dict[str, Look]
) -> Round:
    """One attempt that breaks, in judging or in settling, takes no others along; its look counts as not made."""
    done = Round()

    async def act(some: Sequence[FollowedAttempt]) -> None:
        await _act(dialer, terms, some, looks, done)

    broken = await taken_apart(due, act)
    if broken:
        named = [str(item.open.attempt_id) for item, _ in broken[:MOST_NAMED]]
        log.error("looks_broke", attempts=len(broken), attempt_ids=named, exc_info=broken[0][1])
        await note_looks(
            dialer.ledger, [note_of(judge_no_answer(replace(i.open, looked_at=i.open.now))) for i, _ in broken]
        )
    done.looked, done.broken = len(due), len(broken)
    return done


async def _begin_again(dialer: Dialer, due: Sequence[FollowedAttempt], error: str) -> None:
    """LiveKit could not be asked: nothing is known, and what was found empty must be found so anew."""
    log.warning("looks_failed", attempts=len(due), error=error)
    await note_line_away(dialer.ledger)
    await note_looks(dialer.ledger, [note_of(judge_no_answer(item.open)) for item in due])


async def _act(
    dialer: Dialer, terms: TermsBook, due: Sequence[FollowedAttempt], looks: dict[str, Look], done: Round
) -> None:
    found = Found()
    for item in due:
        look = looks[dialer.room_name(item.open.attempt_id)]
        await _judge(dialer, terms, item, look, found)
    if found.notes:
        await note_looks(dialer.ledger, found.notes)
    if found.adopted:
        await mark_answered(dialer.ledger, found.adopted)
    await asyncio.gather(*(_hang_up(dialer, attempt) for attempt in found.unwanted))
    if found.endings:
        await settle(dialer, [await settlement_of_end(dialer, terms, item, end) for item, end in found.endings])
    done.ended += len(found.endings)
    done.adopted += len(found.adopted)


async def _judge(dialer: Dialer, terms: TermsBook, item: FollowedAttempt, look: Look, found: Found) -> None:
    seen = replace(item.open, report={**item.open.report, **look.report})
    match judge_look(seen, present=look.present, status=look.status, fence=dialer.fence):
        case KeepLooking(attempt):
            found.keep(await _with_company(terms, item, attempt, look))
        case Adopt(attempt):
            log.warning("call_adopted", attempt_id=str(attempt.attempt_id), status=attempt.seen_status)
            found.adopted.append(Answered(attempt_id=attempt.attempt_id, ring_seconds=None, evidence={"adopted": True}))
            found.keep(attempt)
        case RemoveGhost(attempt):
            log.error("ghost_found", attempt_id=str(attempt.attempt_id))
            found.keep(attempt)
            found.unwanted.append(attempt)
        case End() as end:
            found.endings.append((replace(item, open=seen), end))


async def _with_company(terms: TermsBook, item: FollowedAttempt, attempt: OpenAttempt, look: Look) -> OpenAttempt:
    if not attempt.has_agent:
        return attempt
    known = (await terms.of([item.campaign_id])).get(item.campaign_id)
    attempt, mark = judge_company(
        attempt,
        present=look.present,
        agents=look.agents,
        others=look.others,
        left=known.agent_left if known else timedelta(0),
    )
    if mark:
        log.warning("hanging_up", attempt_id=str(attempt.attempt_id), mark=mark)
    return attempt


async def _hang_up(dialer: Dialer, attempt: OpenAttempt) -> None:
    """Again at every look until the callee is gone: LiveKit's answer to a DeleteRoom proves nothing."""
    try:
        await dialer.line.delete_room(dialer.room_name(attempt.attempt_id))
    except LineUnavailable as error:
        log.warning("not_hung_up", attempt_id=str(attempt.attempt_id), error=str(error))


def note_of(attempt: OpenAttempt) -> LookNote:
    """What is to be kept of an attempt that stays open."""
    return LookNote(
        attempt_id=attempt.attempt_id,
        looked_at=attempt.looked_at,
        seen_at=attempt.seen_at,
        seen_status=attempt.seen_status,
        empty_since=attempt.empty_since,
        doubt_since=attempt.doubt_since,
        doubt_rule=attempt.doubt_rule,
        agent_at=attempt.agent_at,
        alone_since=attempt.alone_since,
        mark=attempt.mark,
        report=attempt.report,
    )


def next_round_in(dialer: Dialer) -> timedelta:
    """How long to rest between two rounds: short beside the gaps the fence allows, never a busy loop."""
    return max(timedelta(milliseconds=50), min(dialer.fence.look, dialer.fence.gone) / 10)
