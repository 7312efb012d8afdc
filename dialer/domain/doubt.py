"""What a look into the room of an open attempt means: what we know, how long we wait, what it becomes.  Pure.

Nobody waits for these attempts any more: they were answered, or no usable answer came, or their caller is gone.  An
empty room alone proves nothing: a restarted LiveKit knows no room while the phone still rings.  See ``docs/protocol``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from dialer.domain.attempt import AttemptState
from dialer.domain.fence import Fence
from dialer.domain.outcome import Blame, Outcome, Verdict

#: ``sip.callStatus`` of a call that was picked up (``automation``: its DTMF tones are being sent).
PICKED_UP = frozenset({"active", "automation", "hangup"})
RANG = frozenset({"ringing"}) | PICKED_UP


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAttempt:
    """An open attempt as the ledger knows it.  All times are the ledger's.

    Attributes:
        seen_at: the callee was last seen in its room, with ``seen_status``.
        empty_since: its room was found empty at every look since then.
        looked_at: the last look that got an answer.
        livekit_forgot: our sentinel room is another one than when the call was answered.
        livekit_away_at: when LiveKit was last found away.
        mark: what we did to it, or mean to do again until it is known to have worked.
        has_agent: its campaign gave it an agent.
        agent_at: an agent was last seen beside the callee.
        alone_since: the callee has been alone in the room since then.
        report: what the agent has reported so far, as it came.
    """

    attempt_id: UUID
    state: AttemptState
    claimed_at: datetime
    ringing_timeout: timedelta
    talk_limit: timedelta
    now: datetime
    mark: str | None = None
    has_agent: bool = False
    agent_at: datetime | None = None
    alone_since: datetime | None = None
    report: Mapping[str, str] = field(default_factory=dict)
    answered_at: datetime | None = None
    doubt_since: datetime | None = None
    doubt_rule: str | None = None
    seen_at: datetime | None = None
    seen_status: str | None = None
    empty_since: datetime | None = None
    looked_at: datetime | None = None
    livekit_forgot: bool = False
    livekit_away_at: datetime | None = None

    @property
    def marked(self) -> bool:
        """We hung up or cancelled it ourselves."""
        return self.mark is not None


@dataclass(frozen=True, slots=True)
class KeepLooking:
    """It stays open; ``attempt`` carries what is now known."""

    attempt: OpenAttempt


@dataclass(frozen=True, slots=True)
class Adopt:
    """The callee is talking and nobody follows the call: it is answered, and followed from now on."""

    attempt: OpenAttempt


@dataclass(frozen=True, slots=True)
class RemoveGhost:
    """LiveKit lists a call longer than it can last: its node died.  Delete the room, then it is empty."""

    attempt: OpenAttempt


@dataclass(frozen=True, slots=True)
class End:
    """It is over.

    Attributes:
        talk: None where nobody can know it.
        end_reason: LiveKit's DisconnectReason of the callee, where it told.
        ended_by: who hung up an answered call, as far as it can be known.
    """

    verdict: Verdict
    talk: timedelta | None = None
    end_reason: str | None = None
    ended_by: str | None = None


Finding = KeepLooking | Adopt | RemoveGhost | End


def judge_look(attempt: OpenAttempt, *, present: bool, status: str | None, fence: Fence) -> Finding:
    """What a look that got an answer means: ``present`` is the callee's being in the room, with ``status``."""
    looked = replace(attempt, looked_at=attempt.now)
    if present:
        return _judge_present(replace(looked, seen_at=attempt.now, seen_status=status, empty_since=None), fence)
    if attempt.state is AttemptState.ANSWERED and attempt.doubt_since is None:
        return _judge_gone(looked, fence)
    return _judge_empty(_in_doubt(looked, "no_answer_read"), previous=attempt.looked_at, fence=fence)


def judge_no_answer(attempt: OpenAttempt) -> OpenAttempt:
    """LiveKit could not be asked: whatever was empty must be found empty anew, for the whole time."""
    return replace(attempt, empty_since=None)


def _judge_present(attempt: OpenAttempt, fence: Fence) -> Finding:
    longest = attempt.ringing_timeout + attempt.talk_limit
    if attempt.now > attempt.claimed_at + fence.visible_after + longest + fence.ghost:
        return RemoveGhost(attempt)
    if attempt.state is AttemptState.DIALING and attempt.seen_status in PICKED_UP:
        return Adopt(attempt)
    return KeepLooking(attempt)


def _judge_gone(attempt: OpenAttempt, fence: Fence) -> Finding:
    """An answered call is over when it is gone at two looks ``gone`` apart, unless LiveKit cannot be believed."""
    since = attempt.empty_since or attempt.now
    gone = replace(attempt, empty_since=since)
    if attempt.livekit_forgot or _was_away(attempt):
        return KeepLooking(_in_doubt(gone, "livekit_forgot" if attempt.livekit_forgot else "livekit_was_away"))
    if attempt.now - since < fence.gone:
        return KeepLooking(gone)
    return End(_answered("gone_at_two_looks"), talk=since - (attempt.answered_at or since))


def _judge_empty(attempt: OpenAttempt, *, previous: datetime | None, fence: Fence) -> Finding:
    """Doubt ends when the room was empty at every look for ``hold``, the first not before the fence is over."""
    if attempt.seen_at is None and attempt.now < attempt.claimed_at + fence.visible_after:
        return KeepLooking(replace(attempt, empty_since=None))
    unbroken = previous is not None and attempt.now - previous <= 2 * fence.look
    since = attempt.empty_since if attempt.empty_since is not None and unbroken else attempt.now
    if attempt.now - since < fence.hold:
        return KeepLooking(replace(attempt, empty_since=since))
    return End(_doubt_over(attempt))


def _was_away(attempt: OpenAttempt) -> bool:
    """LiveKit was away since it was last known to have this call."""
    known_at = max(moment for moment in (attempt.seen_at, attempt.answered_at, attempt.claimed_at) if moment)
    return attempt.livekit_away_at is not None and attempt.livekit_away_at > known_at


def _in_doubt(attempt: OpenAttempt, rule: str) -> OpenAttempt:
    if attempt.doubt_since is not None:
        return attempt
    return replace(attempt, doubt_since=attempt.now, doubt_rule=rule)


def _answered(rule: str) -> Verdict:
    return Verdict(outcome=Outcome.ANSWERED, blame=Blame.CONTACT, counted=True, rule=rule, rang=True)


def _doubt_over(attempt: OpenAttempt) -> Verdict:
    if attempt.state is AttemptState.ANSWERED:
        return _answered("doubt_over_answered")
    rang = attempt.seen_status in RANG
    if attempt.marked:
        return Verdict(outcome=Outcome.CANCELLED, blame=Blame.SYSTEM, counted=rang, rule="doubt_over_marked", rang=rang)
    return Verdict(outcome=Outcome.UNKNOWN, blame=Blame.UNKNOWN, counted=True, rule="doubt_over", rang=rang)
