"""Asks LiveKit about open attempts that nobody waits for: answered calls, doubts, calls whose caller is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.settle_attempt import decide, settle
from dialer.app import Dialer
from dialer.domain.doubt import Adopt, End, KeepLooking, OpenAttempt, RemoveGhost, judge_look, judge_no_answer
from dialer.domain.outcome import Outcome
from dialer.domain.retry_policy import RetryPolicy
from dialer.errors import LineUnavailable
from dialer.ledger.attempts import FollowedAttempt, LookNote, attempts_to_follow, note_looks
from dialer.ledger.line_status import note_line_away
from dialer.ledger.settlements import Answered, Settlement, mark_answered
from dialer.telephony.line import LineBusy, Look

log = structlog.get_logger()

#: One round asks about this many.
MOST = 1000
#: Looks are planned a little closer together than the longest gap the fence allows.
LOOK_SHARE = 0.8


@dataclass(slots=True)
class Round:
    """What one round of looks found."""

    looked: int = 0
    ended: int = 0
    adopted: int = 0


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
    return await _act(dialer, terms, due, looks)


async def _begin_again(dialer: Dialer, due: Sequence[FollowedAttempt], error: str) -> None:
    """LiveKit could not be asked: nothing is known, and what was found empty must be found so anew."""
    log.warning("looks_failed", attempts=len(due), error=error)
    await note_line_away(dialer.ledger)
    await note_looks(dialer.ledger, [_note(judge_no_answer(item.open)) for item in due])


async def _act(dialer: Dialer, terms: TermsBook, due: Sequence[FollowedAttempt], looks: dict[str, Look]) -> Round:
    done = Round(looked=len(due))
    notes: list[LookNote] = []
    adopted: list[Answered] = []
    endings: list[tuple[FollowedAttempt, End]] = []
    for item in due:
        look = looks[dialer.room_name(item.open.attempt_id)]
        match judge_look(item.open, present=look.present, status=look.status, fence=dialer.fence):
            case KeepLooking(attempt):
                notes.append(_note(attempt))
            case Adopt(attempt):
                log.warning("call_adopted", attempt_id=str(attempt.attempt_id), status=attempt.seen_status)
                adopted.append(Answered(attempt_id=attempt.attempt_id, ring_seconds=None, evidence={"adopted": True}))
                notes.append(_note(attempt))
            case RemoveGhost(attempt):
                await _remove_ghost(dialer, attempt)
                notes.append(_note(attempt))
            case End() as end:
                endings.append((item, end))
    if notes:
        await note_looks(dialer.ledger, notes)
    if adopted:
        await mark_answered(dialer.ledger, adopted)
    if endings:
        await settle(dialer, [await _settlement(dialer, terms, item, end) for item, end in endings])
    done.ended, done.adopted = len(endings), len(adopted)
    return done


async def _remove_ghost(dialer: Dialer, attempt: OpenAttempt) -> None:
    log.error("ghost_found", attempt_id=str(attempt.attempt_id))
    try:
        await dialer.line.delete_room(dialer.room_name(attempt.attempt_id))
    except LineUnavailable as error:
        log.warning(
            "ghost_not_removed", attempt_id=str(attempt.attempt_id), error=str(error)
        )  # the next look tries again


async def _settlement(dialer: Dialer, terms: TermsBook, item: FollowedAttempt, end: End) -> Settlement:
    known = (await terms.of([item.campaign_id])).get(item.campaign_id)
    decision = decide(
        end.verdict,
        history=item.history,
        policy=known.policy if known else RetryPolicy(),
        now=item.open.now,
        chance=dialer.chance(),
    )
    talk = end.talk.total_seconds() * dialer.time_scale if end.talk is not None else None
    if end.verdict.outcome is not Outcome.ANSWERED:
        log.warning("doubt_ended", attempt_id=str(item.open.attempt_id), outcome=end.verdict.outcome.value)
    return Settlement(
        attempt_id=item.open.attempt_id,
        verdict=end.verdict,
        due_in=decision.due_in,
        finish_reason=decision.finish_reason,
        evidence=_evidence(item.open),
        talk_seconds=round(max(talk, 0.0), 3) if talk is not None else None,
    )


def _evidence(attempt: OpenAttempt) -> dict[str, object]:
    def at(moment: object) -> str | None:
        return None if moment is None else str(moment)

    return {
        "last_seen_at": at(attempt.seen_at),
        "last_seen_status": attempt.seen_status,
        "doubt_since": at(attempt.doubt_since),
        "doubt_rule": attempt.doubt_rule,
    }


def _note(attempt: OpenAttempt) -> LookNote:
    return LookNote(
        attempt_id=attempt.attempt_id,
        looked_at=attempt.looked_at,
        seen_at=attempt.seen_at,
        seen_status=attempt.seen_status,
        empty_since=attempt.empty_since,
        doubt_since=attempt.doubt_since,
        doubt_rule=attempt.doubt_rule,
    )


def next_round_in(dialer: Dialer) -> timedelta:
    """How long to rest between two rounds: short beside the gaps the fence allows, never a busy loop."""
    return max(timedelta(milliseconds=50), min(dialer.fence.look, dialer.fence.gone) / 10)
