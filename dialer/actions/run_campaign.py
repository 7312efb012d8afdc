"""Starts, pauses, resumes and cancels a campaign; tells before a start what it will do.

Nothing is dialed here: a running campaign's call jobs are the feeder's to release.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import ceil

from dialer.actions.check_line import caller_id_warning, check_clock, check_trunk
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
        people: who wait to be called.
        first_numbers: of those who come first, not masked.
        caller_id: None: LiveKit takes the trunk's own number.
        at_least: the time of one attempt for each, by the trunk's rate alone.
        now: the ledger's clock.
        opening: of the hours in the campaign's own zone; None: they do not open again.
    """

    campaign: Campaign
    trunk: Trunk
    people: int
    first_numbers: tuple[str, ...]
    caller_id: str | None
    at_least: timedelta
    now: datetime
    opening: Opening | None


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
    trunk = await _trunk(ledger, campaign)
    return StartPlan(
        campaign=campaign,
        trunk=trunk,
        people=people,
        first_numbers=tuple(await first_numbers(ledger, campaign.id, most=NUMBERS_SHOWN)),
        caller_id=campaign.caller_id or trunk.caller_id,
        at_least=timedelta(seconds=ceil(people / trunk.calls_per_second)),
        now=now,
        opening=campaign.hours.next_opening(now),
    )


async def check_plan(ledger: Ledger, line: Line, plan: StartPlan, *, clock: Clock, fence: Fence) -> str | None:
    """Ask LiveKit whether it would carry the plan out; returns a warning, or None.

    Raises:
        InvalidInput: LiveKit does not know the trunk, or would send no caller ID.
        LineUnavailable: LiveKit does not answer, refuses the key, or its clock is off.
    """
    await check_clock(line, ledger, clock=clock, fence=fence)
    known = check_trunk(await line.outbound_trunks(), plan.trunk.livekit_trunk_id, caller_id=plan.caller_id)
    return caller_id_warning(known, plan.caller_id)


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


async def _trunk(ledger: Ledger, campaign: Campaign) -> Trunk:
    for trunk in await list_trunks(ledger):
        if trunk.id == campaign.trunk_id:
            return trunk
    raise Conflict(
        f"campaign {campaign.name!r} has no trunk to call through",
        hint=f"`dialer campaign edit {shlex.quote(campaign.name)} --trunk NAME`; `dialer trunk list` shows the names",
    )


async def _people(ledger: Ledger, campaign: Campaign) -> int:
    report = await report_campaign(ledger, campaign.id)
    if waiting := report.call_jobs["waiting"]:
        return waiting
    nobody = "has no contacts" if not report.contacts else "has nobody left to call"
    raise Conflict(
        f"campaign {campaign.name!r} {nobody}",
        hint=f"`dialer campaign import {shlex.quote(campaign.name)} FILE`",
    )
