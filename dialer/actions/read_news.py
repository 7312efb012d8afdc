"""Acts on what LiveKit told about attempts: ends those that are over, or puts them in doubt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from dialer.actions.call_terms import TermsBook
from dialer.actions.correct_outcomes import correct_outcomes
from dialer.actions.end_answered import settlement_of_end
from dialer.actions.late_reports import hear_late_reports
from dialer.actions.settle_attempt import settle
from dialer.app import Dialer
from dialer.batch import taken_apart
from dialer.domain.late_news import leaving_of
from dialer.domain.news import Doubt, NewsFinding, NotYet, Over, agent_has_left, judge_news, reported
from dialer.domain.outcome import Outcome
from dialer.errors import LineUnavailable
from dialer.ledger.attempts import FollowedAttempt
from dialer.ledger.events import KeptNews, events_of, mark_handled
from dialer.ledger.news import AttemptInTheNews, attempts_in_the_news, note_alone, note_doubts
from dialer.ledger.settlements import Settlement

log = structlog.get_logger()

MOST_LOOKS = 100  #: rooms that are asked for an agent's report in one go
MOST_NAMED = 20  #: attempts named in one line of the log


@dataclass(frozen=True, slots=True)
class NewsRound:
    """What one reading did.  The events of ``broken`` stay unhandled: a bug, or data that nobody foresaw."""

    read: int = 0
    ended: int = 0
    doubted: int = 0
    put_off: int = 0
    broken: tuple[UUID, ...] = ()


async def read_news(dialer: Dialer, terms: TermsBook, attempt_ids: Collection[UUID]) -> NewsRound:
    """Judge the news of these attempts and write what follows.  Safe to repeat; late and doubled news is harmless.

    One attempt that breaks, in judging or in settling, takes no others along.

    Raises:
        StoreUnavailable: the ledger does not answer; the events stay unhandled.
    """
    rounds: list[NewsRound] = []

    async def read(some: Sequence[UUID]) -> None:
        rounds.append(await _read(dialer, terms, some))

    broken = await taken_apart(list(attempt_ids), read)
    if broken:
        named = [str(attempt_id) for attempt_id, _ in broken[:MOST_NAMED]]
        log.error("news_broke", attempts=len(broken), attempt_ids=named, exc_info=broken[0][1])
    return NewsRound(
        read=sum(each.read for each in rounds),
        ended=sum(each.ended for each in rounds),
        doubted=sum(each.doubted for each in rounds),
        put_off=sum(each.put_off for each in rounds),
        broken=tuple(attempt_id for attempt_id, _ in broken),
    )


async def _read(dialer: Dialer, terms: TermsBook, attempt_ids: Collection[UUID]) -> NewsRound:
    known = await attempts_in_the_news(dialer.ledger, attempt_ids, fence=dialer.fence, leases=dialer.leases)
    news = await events_of(dialer.ledger, attempt_ids)
    found = {about.followed.open.attempt_id: (about, _judge(dialer, about, news)) for about in known}
    over = [(about, finding) for about, finding in found.values() if isinstance(finding, Over)]
    doubts = [(id_, finding) for id_, (_, finding) in found.items() if isinstance(finding, Doubt)]
    put_off = {id_ for id_, (_, finding) in found.items() if isinstance(finding, NotYet)}
    if over:
        await _end(dialer, terms, over, news)
    if doubts:
        log.warning("news_in_doubt", attempts=len(doubts), rules=sorted({doubt.rule for _, doubt in doubts}))
        await note_doubts(dialer.ledger, doubts)
    left = [id_ for id_, items in news.items() if agent_has_left(kept.item for kept in items)]
    if left:
        await note_alone(dialer.ledger, left)
    await _hear_late(dialer, terms, {id_: items for id_, items in news.items() if id_ not in found})
    handled = [kept.event_id for id_, items in news.items() for kept in items if not _stays(id_ in put_off, kept, id_)]
    if handled:
        await mark_handled(dialer.ledger, handled)
    return NewsRound(len(known), len(over), len(doubts), len(put_off))


async def _hear_late(dialer: Dialer, terms: TermsBook, late: Mapping[UUID, list[KeptNews]]) -> None:
    """News of attempts that are settled, or never were."""
    await hear_late_reports(dialer, {id_: reported(kept.item for kept in items) for id_, items in late.items()})
    left = {id_: leaving_of((kept.item for kept in items), str(id_)) for id_, items in late.items()}
    await correct_outcomes(dialer, terms, {id_: leaving for id_, leaving in left.items() if leaving is not None})


def _judge(dialer: Dialer, about: AttemptInTheNews, news: dict[UUID, list[KeptNews]]) -> NewsFinding:
    attempt = about.followed.open
    return judge_news(
        attempt,
        [kept.item for kept in news[attempt.attempt_id]],
        is_ours=about.followed.is_nobodys,
        rang_for=about.rang_for,
        time_scale=dialer.time_scale,
    )


def _stays(is_put_off: bool, kept: KeptNews, attempt_id: UUID) -> bool:
    """Only what will decide later is read again."""
    return is_put_off and kept.item.identity == str(attempt_id) and kept.item.event != "participant_joined"


async def _end(
    dialer: Dialer,
    terms: TermsBook,
    over: Sequence[tuple[AttemptInTheNews, Over]],
    news: dict[UUID, list[KeptNews]],
) -> None:
    told = {
        about.followed.open.attempt_id: reported(kept.item for kept in news[about.followed.open.attempt_id])
        for about, _ in over
    }
    await _ask_agents(dialer, [(about, finding) for about, finding in over], told)
    settlements = [
        await _settlement(dialer, terms, about.followed, finding, told[about.followed.open.attempt_id])
        for about, finding in over
    ]
    await settle(dialer, settlements)


async def _settlement(
    dialer: Dialer, terms: TermsBook, followed: FollowedAttempt, over: Over, report: dict[str, str]
) -> Settlement:
    heard = replace(followed, open=replace(followed.open, report={**followed.open.report, **report}))
    settlement = await settlement_of_end(dialer, terms, heard, over.end)
    return replace(settlement, end_reason=over.end_reason, ended_by=over.ended_by)


async def _ask_agents(
    dialer: Dialer, over: Sequence[tuple[AttemptInTheNews, Over]], told: dict[UUID, dict[str, str]]
) -> None:
    """When the callee leaves first the agent is still there, and no webhook has told what it has reported so far."""
    silent = [
        about.followed.open.attempt_id
        for about, finding in over
        if about.followed.open.has_agent
        and finding.end.verdict.outcome is Outcome.ANSWERED
        and not told[about.followed.open.attempt_id]
    ][:MOST_LOOKS]
    if not silent:
        return
    rooms = {dialer.room_name(attempt_id): attempt_id for attempt_id in silent}
    try:
        looks = await dialer.line.look({name: str(attempt_id) for name, attempt_id in rooms.items()})
    except LineUnavailable as error:
        log.warning("agents_not_asked", attempts=len(silent), error=str(error))
        return
    for name, look in looks.items():
        told[rooms[name]] |= dict(look.report)
