"""Starts, pauses, resumes and cancels a campaign; tells before a start what it will do.

Nothing is dialed here: a running campaign's call jobs are the feeder's to release.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import ceil

from dialer.actions.check_line import check_clock, check_way
from dialer.clock import Clock
from dialer.domain.calling_window import Opening
from dialer.domain.campaign import CampaignState
from dialer.domain.fence import Fence
from dialer.domain.time_words import local
from dialer.domain.trunk import Trunk
from dialer.errors import Conflict
from dialer.ledger.call_jobs import cancel_waiting
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign, find_campaign
from dialer.ledger.reports import first_numbers, report_campaign
from dialer.ledger.routes import CampaignTrunk, count_unserved, read_campaign_trunks
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import list_trunks
from dialer.telephony.line import Line

NUMBERS_SHOWN = 3


class Verb(Enum):
    """What an operator does to a campaign: from which states, and to which one."""

    START = ("start", (CampaignState.DRAFT, CampaignState.FINISHED), CampaignState.RUNNING)
    PAUSE = ("pause", (CampaignState.RUNNING,), CampaignState.PAUSED)
    RESUME = ("resume", (CampaignState.PAUSED, CampaignState.HELD), CampaignState.RUNNING)
    CANCEL = (
        "cancel",
        (CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.HELD),
        CampaignState.CANCELLED,
    )

    def __init__(self, word: str, before: tuple[CampaignState, ...], after: CampaignState) -> None:
        self.word = word
        self.before = before
        self.after = after


@dataclass(frozen=True, kw_only=True, slots=True)
class StartPlan:
    """What a start will do.

    Attributes:
        trunks: all of the campaign, in order.
        ways: what each of them is for.
        people: who wait to be called.
        first_numbers: of those who come first, not masked.
        at_least: the time of one attempt for each, by the trunks' rates alone.
        now: the ledger's clock.
        opening: of the hours in the campaign's own zone; None: they do not open again.
        unserved: of the people, those whose numbers no trunk carries, by what they begin with.
    """

    campaign: Campaign
    trunks: tuple[Trunk, ...]
    ways: tuple[CampaignTrunk, ...]
    people: int
    first_numbers: tuple[str, ...]
    at_least: timedelta
    now: datetime
    opening: Opening | None
    unserved: Mapping[str, int]

    def caller_id(self, trunk: Trunk) -> str | None:
        """What is shown through this trunk; None: LiveKit takes the trunk's own number."""
        return self.campaign.caller_id or trunk.caller_id


async def plan_start(ledger: Ledger, name: str) -> StartPlan:
    """What starting a campaign will do, as far as the ledger knows.

    Raises:
        NotFound: there is no such campaign.
        Conflict: its state does not allow it, or it has no trunk, or nobody waits to be called, or its end is past.
    """
    campaign = await find_campaign(ledger, name)
    check_verb(campaign, Verb.START)
    now = await ledger.now()
    _check_end(campaign, now)
    people = await _people(ledger, campaign)
    trunks, ways = await _trunks(ledger, campaign)
    return StartPlan(
        campaign=campaign,
        trunks=trunks,
        ways=ways,
        people=people,
        first_numbers=tuple(await first_numbers(ledger, campaign.id, most=NUMBERS_SHOWN)),
        at_least=timedelta(seconds=ceil(people / sum(trunk.configured_calls_per_second for trunk in trunks))),
        now=now,
        opening=campaign.hours.next_opening(now),
        unserved=await count_unserved(ledger, campaign.id),
    )


async def check_plan(ledger: Ledger, line: Line, plan: StartPlan, *, clock: Clock, fence: Fence) -> list[str]:
    """Ask LiveKit whether it would carry the plan out; returns warnings.

    Raises:
        InvalidInput: LiveKit does not know a trunk, or would send no caller ID.
        LineUnavailable: LiveKit does not answer, refuses the key, or its clock is off.
    """
    await check_clock(line, ledger, clock=clock, fence=fence)
    known = await line.outbound_trunks()
    told = [check_way(known, trunk, caller_id=plan.caller_id(trunk)) for trunk in plan.trunks]
    return [warning for warning in told if warning]


async def move(ledger: Ledger, name: str, verb: Verb) -> Campaign:
    """Change a campaign's state and return it as it is now.

    Raises:
        NotFound: there is no such campaign.
        Conflict: its state does not allow it.
    """
    campaign = await find_campaign(ledger, name)
    check_verb(campaign, verb)
    moved = await move_campaign(ledger, campaign.id, before=verb.before, after=verb.after)
    campaign = await find_campaign(ledger, name)
    if not moved:
        check_verb(campaign, verb)  # somebody else was faster
    if verb is Verb.CANCEL:
        while await cancel_waiting(ledger):
            pass
    return campaign


def check_verb(campaign: Campaign, verb: Verb) -> None:
    """Raise ``Conflict`` when the campaign's state does not allow it, with what it does allow."""
    if campaign.state in verb.before:
        return
    name = shlex.quote(campaign.name)
    ways = [f"`dialer campaign {way.word} {name}`" for way in Verb if campaign.state in way.before]
    raise Conflict(
        f"campaign {campaign.name!r} is {campaign.state} and cannot be {_DONE[verb]}",
        hint=f"what is possible: {', '.join(ways)}" if ways else "a cancelled campaign is over: create a new one",
    )


_DONE = {Verb.START: "started", Verb.PAUSE: "paused", Verb.RESUME: "resumed", Verb.CANCEL: "cancelled"}


def _check_end(campaign: Campaign, now: datetime) -> None:
    if campaign.end_at and campaign.end_at <= now + campaign.ringing_timeout:
        raise Conflict(
            f"campaign {campaign.name!r} was over at {local(campaign.end_at, campaign.hours.time_zone)}",
            hint=f"`dialer campaign edit {shlex.quote(campaign.name)} --end-at TIME`, or --end-at none",
        )


async def _trunks(ledger: Ledger, campaign: Campaign) -> tuple[tuple[Trunk, ...], tuple[CampaignTrunk, ...]]:
    ways = await read_campaign_trunks(ledger, campaign.id)
    if not ways:
        raise Conflict(
            f"campaign {campaign.name!r} has no trunk to call through",
            hint=f"`dialer campaign edit {shlex.quote(campaign.name)} --trunk NAME`; `dialer trunk list` shows names",
        )
    trunks = {trunk.id: trunk for trunk in await list_trunks(ledger)}
    return tuple(trunks[trunk_id] for trunk_id in dict.fromkeys(way.trunk_id for way in ways)), ways


async def _people(ledger: Ledger, campaign: Campaign) -> int:
    report = await report_campaign(ledger, campaign.id)
    if waiting := report.call_jobs["waiting"]:
        return waiting
    nobody = "has no contacts" if not report.contacts else "has nobody left to call"
    raise Conflict(
        f"campaign {campaign.name!r} {nobody}",
        hint=f"`dialer campaign import {shlex.quote(campaign.name)} FILE`",
    )
