"""Where the calls of one caller process are served: each step for many calls in one statement or script."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from dialer.actions.call_terms import CallTerms, TermsBook, limits_of
from dialer.actions.hear_news import NewsListener
from dialer.actions.settle_attempt import settle
from dialer.actions.trunk_health import TrunkHealth
from dialer.app import Dialer
from dialer.batch import Batcher
from dialer.domain.dial_options import DEFAULT_OPTIONS, DialOptions
from dialer.domain.line_result import LineResult
from dialer.domain.outcome import rang_decides
from dialer.domain.trunk import Trunk
from dialer.domain.trunk_result import TrunkResult
from dialer.domain.trunk_state import TrunkState
from dialer.errors import StoreUnavailable
from dialer.ledger.call_jobs import QueuedJob, Ticket, finish_jobs, give_back_jobs, look_at_jobs
from dialer.ledger.campaigns import are_running
from dialer.ledger.claims import Claim, ClaimRequest, Refusal, bury_claim, claim_attempts
from dialer.ledger.settlements import Answered, Settlement, mark_answered, mark_in_doubt
from dialer.limits.agent_times import note_agent_time
from dialer.limits.buckets import Buckets, CallLimits
from dialer.limits.call_rate import NoSlot, Reservation
from dialer.limits.call_slots import EpochRefused
from dialer.limits.lead import Lead
from dialer.limits.sent_calls import SentCalls
from dialer.telephony.line import Look

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A call job that a look found ready to be dialed."""

    ticket: Ticket
    number: str
    epoch: int
    terms: CallTerms
    trunk: Trunk
    limits: CallLimits
    promised: bool = False
    is_probe: bool = False
    zones: str = ""
    open_until: datetime | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    options: DialOptions = DEFAULT_OPTIONS


#: What a release knows of its trunk was written before it; what was read no longer ago than this may know it, too.
JUST_NOW = timedelta(seconds=0.1)
#: So long an owner waits for the news that the callee has left its room.
PATIENCE = timedelta(seconds=2)

#: Nothing was committed: the batch may be sent again as it is.
NOT_COMMITTED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class Desk:
    """The steps of ``place_call``, batched.  One per caller process."""

    def __init__(self, dialer: Dialer, *, news: NewsListener | None = None) -> None:
        self.dialer = dialer
        self.news = news
        self.terms = TermsBook(dialer)
        self.health = TrunkHealth(dialer, self.terms)
        self.sent_calls = SentCalls(dialer.redis, dialer.clock)
        self._lessons: set[asyncio.Task[None]] = set()
        self.stopping = False
        self.moved = asyncio.Event()  #: set whenever a call is let go
        self._on_their_way: set[UUID] = set()
        self._lead = Lead()
        self._looks: Batcher[Ticket, QueuedJob | None] = Batcher(self._look)
        self._reservations: Batcher[Job, Reservation] = Batcher(self._reserve)
        self._holds: Batcher[Job, bool] = Batcher(self._hold)
        self._rooms: Batcher[str, Look] = Batcher(self._look_into)
        self._agent_times: Batcher[tuple[int, timedelta], None] = Batcher(self._note_agent_times)
        self._claims: Batcher[Job, Claim | Refusal] = Batcher(self._claim)
        self._confirmations: Batcher[tuple[Job, Claim], bool] = Batcher(self._confirm, gather_seconds=0.001)
        self._frees: Batcher[Job, None] = Batcher(self._free)
        self._settlements: Batcher[Settlement, None] = Batcher(self._settle)
        self._answers: Batcher[Answered, None] = Batcher(self._mark_answered)
        self._returns: Batcher[tuple[Ticket, timedelta], None] = Batcher(self._give_back)
        self._states: Batcher[int, bool] = Batcher(self._are_running)

    @contextmanager
    def on_its_way(self, attempt_id: UUID) -> Iterator[None]:
        """Counts a call until it is let go by the gate, or ends before."""
        self._on_their_way.add(attempt_id)
        try:
            yield
        finally:
            self.let_go(attempt_id)

    @contextmanager
    def aside(self, attempt_id: UUID) -> Iterator[None]:
        """Does not count a call while its agent is on the way: nothing of it can come too late yet."""
        self.let_go(attempt_id)
        try:
            yield
        finally:
            self._on_their_way.add(attempt_id)

    def let_go(self, attempt_id: UUID) -> None:
        """The call is on the line, or over."""
        self._on_their_way.discard(attempt_id)
        self.moved.set()

    @property
    def waiting(self) -> int:
        """Calls between their taking and the gate: too many of them, and each comes too late for its turn."""
        return len(self._on_their_way)

    @property
    def lead(self) -> timedelta:
        """How long before its turn an attempt is claimed."""
        return self._lead.span

    def on_the_line(self, result: LineResult) -> LineResult:
        """The result with its time as the line counts it; only the demo's line counts faster than ours."""
        if self.dialer.time_scale == 1.0:
            return result
        return replace(result, seconds=result.seconds * self.dialer.time_scale)

    async def heard(self, attempt_id: UUID, result: LineResult) -> LineResult:
        """The result with whether the phone rang, where that decides and a webhook tells it in time."""
        if self.news is None or not self.news.webhooks_arrive or not rang_decides(result):
            return result
        return replace(result, rang=await self.news.rang(attempt_id, within=PATIENCE))

    def learn(self, trunk_id: int, result: TrunkResult) -> None:
        """Take in what a trunk has answered; the call itself does not wait for it."""
        lesson = asyncio.create_task(self.health.note(trunk_id, result))
        self._lessons.add(lesson)
        lesson.add_done_callback(self._lessons.discard)

    async def quota_refused(self) -> None:
        """LiveKit takes no more requests for now."""
        await self.health.quota_refused()

    def lets_through(self, ticket: Ticket) -> bool:
        """Whether, as far as is known at this moment, the ticket's trunk may be dialed through."""
        state = self.terms.trunk_now(ticket.trunk_id)
        return state is not None and state.lets_through(ticket.release_id)

    async def is_probe(self, ticket: Ticket) -> bool:
        """Whether the ticket's trunk waits for what this very call finds."""
        state = await self.terms.trunk(ticket.trunk_id, not_older=JUST_NOW)
        return state is not None and state.is_probe(ticket.release_id)

    async def open_trunk(self, ticket: Ticket) -> TrunkState | None:
        """The ticket's trunk as it stands; None: it was removed, or does not let this call through.

        What was read a moment ago may be older than the release, which then knows more.
        """
        state = await self.terms.trunk(ticket.trunk_id)
        if state is None or not state.lets_through(ticket.release_id):
            state = await self.terms.trunk(ticket.trunk_id, not_older=JUST_NOW)
        return state if state is not None and state.lets_through(ticket.release_id) else None

    async def look(self, ticket: Ticket) -> QueuedJob | None:
        return await self._looks.ask(ticket)

    async def reserve(self, job: Job) -> Reservation:
        return await self._reservations.ask(job)

    async def hold(self, job: Job) -> bool:
        """Slots without a turn; whether there were any."""
        return await self._holds.ask(job)

    async def look_into(self, room_name: str) -> Look:
        """Who is in a room that has no callee yet."""
        return await self._rooms.ask(room_name)

    async def note_agent_time(self, campaign_id: int, took: timedelta) -> None:
        """How long an agent took to come; the feeder releases accordingly."""
        await self._agent_times.ask((campaign_id, took))

    async def claim(self, job: Job) -> Claim | Refusal:
        """Claim, and learn from how long it took how early to begin the next one."""
        begun = self.dialer.clock.seconds()
        answer = await self._claims.ask(job)
        self._lead.learn(self.dialer.clock.seconds() - begun)
        return answer

    async def confirm(self, job: Job, claim: Claim) -> bool:
        return await self._confirmations.ask((job, claim))

    async def settle(self, settlement: Settlement) -> None:
        """Repeated until it is written: what the line told must not get lost while the ledger is away."""
        await self._until_written(self._settlements, settlement)

    async def mark_answered(self, answer: Answered) -> None:
        await self._until_written(self._answers, answer)

    async def mark_in_doubt(self, attempt_id: UUID, rule: str, evidence: Any) -> None:
        async for attempt in _repeating():
            with attempt:
                await mark_in_doubt(self.dialer.ledger, attempt_id, rule=rule, evidence=dict(evidence))

    async def give_back(self, ticket: Ticket, delay: timedelta) -> None:
        await self._returns.ask((ticket, delay))

    async def finish(self, ticket: Ticket, reason: str) -> None:
        await finish_jobs(self.dialer.ledger, [ticket], [reason])

    async def is_running(self, campaign_id: int) -> bool:
        return await self._states.ask(campaign_id)

    async def free_slots(self, job: Job) -> None:
        """Give back slots that were never confirmed; where Redis is away they lapse."""
        try:
            await self._frees.ask(job)
        except StoreUnavailable as error:
            log.warning("slots_not_freed", attempt_id=str(job.ticket.attempt_id), error=str(error))

    # Each of these serves one batch.

    async def _look(self, tickets: Sequence[Ticket]) -> Sequence[QueuedJob | None]:
        return await look_at_jobs(self.dialer.ledger, tickets)

    async def _reserve(self, jobs: Sequence[Job]) -> Sequence[Reservation]:
        groups = _alike(await self._up_to_date(jobs))
        given = await asyncio.gather(*(self._reserve_alike(*key, group) for key, group in groups.items()))
        answers = {attempt_id: answer for group in given for attempt_id, answer in group}
        return [answers[job.ticket.attempt_id] for job in jobs]

    async def _reserve_alike(
        self, limits: CallLimits, epoch: int, jobs: Sequence[Job]
    ) -> list[tuple[UUID, Reservation]]:
        ids = [job.ticket.attempt_id for job in jobs]
        given = await self.dialer.rate.reserve(limits, ids, epoch=epoch, lead=self.lead)
        if isinstance(given, EpochRefused):
            log.warning("reservation_refused", trunk_id=limits.trunk_id, epoch=epoch, fault=given.fault)
            return [(attempt_id, NoSlot()) for attempt_id in ids]
        return list(zip(ids, given, strict=True))

    async def _up_to_date(self, jobs: Sequence[Job]) -> list[Job]:
        """The same under the limits of this moment: a call may have waited for its agent, or for a turn, for seconds.

        In the buckets in which it may hold slots already, also when its trunk has come to another account.
        """
        terms = await self.terms.of({job.terms.campaign_id for job in jobs})
        found = []
        for job in jobs:
            state = await self.terms.trunk(job.ticket.trunk_id)
            campaign = terms.get(job.terms.campaign_id)
            limits = limits_of(state, campaign, promised=job.promised) if state and campaign else job.limits
            found.append(replace(job, limits=limits) if limits.buckets == job.limits.buckets else job)
        return found

    async def _hold(self, jobs: Sequence[Job]) -> Sequence[bool]:
        groups = _alike(jobs)
        given = await asyncio.gather(*(self._hold_alike(*key, group) for key, group in groups.items()))
        answers = {attempt_id: answer for group in given for attempt_id, answer in group}
        return [answers[job.ticket.attempt_id] for job in jobs]

    async def _hold_alike(self, limits: CallLimits, epoch: int, jobs: Sequence[Job]) -> list[tuple[UUID, bool]]:
        ids = [job.ticket.attempt_id for job in jobs]
        given = await self.dialer.rate.hold(limits, ids, epoch=epoch)
        return list(zip(ids, [False] * len(ids) if isinstance(given, EpochRefused) else given, strict=True))

    async def _look_into(self, rooms: Sequence[str]) -> Sequence[Look]:
        looks = await self.dialer.line.look(dict.fromkeys(rooms, ""))
        return [looks[room] for room in rooms]

    async def _note_agent_times(self, times: Sequence[tuple[int, timedelta]]) -> Sequence[None]:
        for campaign_id, group in _by(times, lambda time: time[0]):
            await note_agent_time(self.dialer.redis, campaign_id, *(took for _, took in group))
        return [None] * len(times)

    async def _claim(self, jobs: Sequence[Job]) -> Sequence[Claim | Refusal]:
        answers: dict[UUID, Claim | Refusal] = {}
        for _, group in _by(jobs, lambda job: job.epoch):
            requests = [_claim_request(job) for job in group]
            try:
                given = await self._claim_once(requests)
            except Exception:
                await self._bury(group, requests)
                raise
            answers.update(zip((job.ticket.attempt_id for job in group), given, strict=True))
        return [answers[job.ticket.attempt_id] for job in jobs]

    async def _claim_once(self, requests: Sequence[ClaimRequest]) -> Sequence[Claim | Refusal]:
        try:
            return await claim_attempts(self.dialer.ledger, requests, worker_id=self.dialer.worker_id)
        except NOT_COMMITTED as error:
            log.info("claim_locked", attempts=len(requests), error=type(error).__name__)
            return [Refusal.LOCKED] * len(requests)

    async def _bury(self, jobs: Sequence[Job], requests: Sequence[ClaimRequest]) -> None:
        """The claim's answer was lost: these attempts are never dialed, whatever the ledger did."""
        log.error("claim_reply_lost", attempts=[str(job.ticket.attempt_id) for job in jobs])
        for job, request in zip(jobs, requests, strict=True):
            async for attempt in _repeating():
                with attempt:
                    await bury_claim(self.dialer.ledger, request, number=job.number, campaign_id=job.terms.campaign_id)

    async def _confirm(self, claimed: Sequence[tuple[Job, Claim]]) -> Sequence[bool]:
        answers: dict[UUID, bool] = {}
        groups: dict[tuple[Buckets, int], list[tuple[Job, Claim]]] = {}
        for job, claim in claimed:
            groups.setdefault((job.limits.buckets, job.epoch), []).append((job, claim))
        for (buckets, epoch), group in groups.items():
            ids = [job.ticket.attempt_id for job, _ in group]
            newest = max(claim.claimed_at for _, claim in group)
            given = await self.dialer.slots.confirm(buckets, ids, epoch=epoch, claimed_at=newest)
            answers.update(zip(ids, [False] * len(ids) if isinstance(given, EpochRefused) else given, strict=True))
        return [answers[job.ticket.attempt_id] for job, _ in claimed]

    async def _free(self, jobs: Sequence[Job]) -> Sequence[None]:
        await self.dialer.slots.free(
            (bucket, job.ticket.attempt_id) for job in jobs for bucket in job.limits.buckets.names
        )
        return [None] * len(jobs)

    async def _settle(self, settlements: Sequence[Settlement]) -> Sequence[None]:
        await settle(self.dialer, settlements)
        return [None] * len(settlements)

    async def _mark_answered(self, answers: Sequence[Answered]) -> Sequence[None]:
        await mark_answered(self.dialer.ledger, answers)
        return [None] * len(answers)

    async def _give_back(self, returns: Sequence[tuple[Ticket, timedelta]]) -> Sequence[None]:
        await give_back_jobs(self.dialer.ledger, [ticket for ticket, _ in returns], [delay for _, delay in returns])
        return [None] * len(returns)

    async def _are_running(self, campaign_ids: Sequence[int]) -> Sequence[bool]:
        running = await are_running(self.dialer.ledger, set(campaign_ids))
        return [campaign_id in running for campaign_id in campaign_ids]

    @staticmethod
    async def _until_written(batcher: Batcher[Any, None], item: Any) -> None:
        async for attempt in _repeating():
            with attempt:
                await batcher.ask(item)


def _claim_request(job: Job) -> ClaimRequest:
    return ClaimRequest(
        ticket=job.ticket,
        epoch=job.epoch,
        ringing_timeout_seconds=round(job.terms.ringing_timeout.total_seconds()),
        talk_limit_seconds=round(job.terms.talk_limit.total_seconds()),
        is_probe=job.is_probe,
    )


def _alike(jobs: Sequence[Job]) -> dict[tuple[CallLimits, int], list[Job]]:
    """Calls under the same limits and of one epoch: one script serves them."""
    groups: dict[tuple[CallLimits, int], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.limits, job.epoch), []).append(job)
    return groups


def _by(items: Sequence[Any], key: Any) -> list[tuple[Any, list[Any]]]:
    return [(found, list(group)) for found, group in groupby(sorted(items, key=key), key=key)]


def _repeating() -> AsyncRetrying:
    """Repeat what is safe to repeat until the ledger takes it; a process killed meanwhile leaves doubt, not loss."""
    return AsyncRetrying(
        retry=retry_if_exception_type((StoreUnavailable, psycopg.OperationalError)),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
