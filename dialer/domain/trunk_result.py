"""What one call says about its trunk: that it works, a fault, a fault of its settings, too much, or nothing.  Pure.

Other packages import these from ``dialer.domain.breaker``.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from dialer.domain.line_result import LineResult
from dialer.domain.outcome import Outcome, Verdict
from dialer.domain.rule_words import rule_words

#: A final answer that comes sooner, and not from a phone known to have rung, is the network's.
FAST_SECONDS = 1.5


class ResultKind(StrEnum):
    """What a result says about the trunk.  Values are stored in Redis for some minutes."""

    OK = "ok"  #: the trunk works: a phone was reached, or the network has looked for it
    FAILURE = "failure"  #: the trunk, or the way to it, failed
    HARD = "hard"  #: the trunk's or account's settings are wrong: it will fail until a person mends it
    CONGESTION = "congestion"  #: too many calls per second or at once; LiveKit's own quota has the rule livekit_quota
    SILENT_ON_HEALTH = "silent_on_health"  #: nothing: one call alone cannot tell whose doing it was


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkResult:
    """How one call ended, as far as its trunk is concerned.

    Attributes:
        begun_at: when its attempt was claimed, by the ledger's clock.
        number_mark: tells numbers apart, see ``number_mark``.
        rule: of the verdict.
        seconds: from the INVITE to the answer; of a call that is still silent, how long it has been.
        rang: True or False where it is known.
    """

    begun_at: datetime
    attempt_id: UUID
    number_mark: str
    kind: ResultKind
    rule: str
    sip_code: int | None
    seconds: float
    rang: bool | None

    @property
    def reason(self) -> str:
        """In words."""
        return rule_words(self.rule, sip_code=self.sip_code)

    @property
    def is_fast(self) -> bool:
        """The network answered; no phone rang."""
        return self.sip_code is not None and self.rang is not True and self.seconds < FAST_SECONDS

    @property
    def says_nothing(self) -> bool:
        """Not even that the carrier answers."""
        return self.kind is ResultKind.SILENT_ON_HEALTH and self.sip_code is None


def number_mark(number: str) -> str:
    """A short hash: enough to tell whether two calls went to the same number."""
    return hashlib.sha256(number.encode()).hexdigest()[:10]


def _sip(*codes: int) -> frozenset[str]:
    return frozenset(f"sip_{code}" for code in codes)


#: Only the trunk's or the account's settings can be the cause, whatever number was called.
TRUNK_SETTINGS = frozenset({"carrier_login", "trunk_host_unknown", "trunk_incomplete", "phrase_account"}) | _sip(
    300, 305, 380, 401, 402, 407
)
#: Settings too, but one number, or the network behind it, may be the cause.
CALL_SETTINGS = frozenset({"media_refused", "phrase_caller_id"}) | _sip(415, 416, 417, 420, 421, 422, 423, 428, 488)
#: Said of one destination, of our LiveKit or of a race: nothing about the trunk.
_SILENT_RULES = frozenset({"phrase_destination", "livekit_login", "request_refused"}) | _sip(302, 491)
#: A long wait proves nothing here: a dead trunk is waited for just as long.
_ONLY_RINGING_PROVES = frozenset({"ring_timeout"}) | _sip(408, 487)
_FAILURE_RULES = frozenset({"livekit_failed", "trunk_network"})
_THROTTLE = _sip(429)

_OF_THE_CONTACT = frozenset({Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED, Outcome.UNAVAILABLE})


def result_kind(verdict: Verdict, result: LineResult) -> ResultKind:
    """What a call that was judged says about its trunk."""
    if verdict.rule in TRUNK_SETTINGS | CALL_SETTINGS:
        return ResultKind.HARD
    if verdict.outcome is Outcome.CONGESTION or verdict.rule in _THROTTLE:
        return ResultKind.CONGESTION
    if _proves_the_trunk(verdict, result):
        return ResultKind.OK
    if verdict.rule in _FAILURE_RULES:
        return ResultKind.FAILURE
    if verdict.rule in _SILENT_RULES or result.rang:
        return ResultKind.SILENT_ON_HEALTH
    if verdict.outcome in (Outcome.TRUNK_FAILURE, Outcome.CONFIG_ERROR):
        return ResultKind.FAILURE
    return ResultKind.SILENT_ON_HEALTH


def _proves_the_trunk(verdict: Verdict, result: LineResult) -> bool:
    """Whether the call came as far as a phone, or the network has looked for one."""
    match verdict.outcome:
        case Outcome.ANSWERED | Outcome.UNWANTED:
            return True
        case Outcome.INVALID_NUMBER:
            return verdict.counted  # else it is 404 and its like, which are also "no route"
        case Outcome.CANCELLED:
            return result.rang is True
        case outcome if outcome in _OF_THE_CONTACT and verdict.rule not in _SILENT_RULES:
            looked_for = result.seconds >= FAST_SECONDS and verdict.rule not in _ONLY_RINGING_PROVES
            return result.rang is True or looked_for
        case _:
            return False


def in_order(results: Iterable[TrunkResult], *, since: datetime | None = None) -> list[TrunkResult]:
    """One result for each attempt, the last that was noted, in the order in which the calls were begun."""
    latest = {result.attempt_id: result for result in results if since is None or result.begun_at >= since}
    return sorted(latest.values(), key=lambda result: result.begun_at)


def last_row(
    ordered: list[TrunkResult],
    fits: Callable[[TrunkResult], bool],
    *,
    under_way: Mapping[UUID, datetime],
    now: datetime,
) -> list[TrunkResult]:
    """The newest calls that all fit, oldest first, with no other call begun between them.

    Fast answers come first, whatever they are: when a campaign starts, five refusals may be all that has ended while
    fifty phones ring.  So a call that is under way stands between them, as soon as it has taken longer than they did.
    """
    row: list[TrunkResult] = []
    for result in reversed(ordered):
        if fits(result):
            row.insert(0, result)
        elif not result.says_nothing:
            break
    known = {result.attempt_id for result in ordered}
    begun = [at for attempt_id, at in under_way.items() if attempt_id not in known]
    while row and (between := _slower_than(row, begun, now)):
        row = [result for result in row if result.begun_at > max(between)]
    return row


def _slower_than(row: list[TrunkResult], begun: list[datetime], now: datetime) -> list[datetime]:
    """Calls under way, begun between the first and the last of the row, that have taken longer than all of it."""
    slowest = max(result.seconds for result in row)
    first, last = row[0].begun_at, row[-1].begun_at
    return [at for at in begun if first <= at <= last and (now - at).total_seconds() > slowest]
