"""The demo itself: invented people, the real dialer, and a judge afterwards."""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import aiohttp

from console.demo_judge import CarrierRecord, compare, read_record
from console.demo_people import contact_file, invent_people
from console.demo_stage import CALLS_PER_SECOND, MAX_CONCURRENT_CALLS, Stage
from console.supervisor import CLERK, FEEDER, RESCUER, WEB, caller_roles
from dialer.actions.audit_ledger import audit
from dialer.actions.import_contacts import ContactFile, ImportReport, import_contacts
from dialer.actions.look_at_campaign import Standing, look_at_campaign
from dialer.domain.campaign import CampaignState
from dialer.domain.fence import Leases
from dialer.domain.invariants import Audit
from dialer.domain.results_file import results_csv
from dialer.domain.retry_file import read_retry_file
from dialer.domain.retry_policy import policy_to_json
from dialer.domain.trunk import TrunkSettings
from dialer.errors import DialerError
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign, CampaignRules, create_campaign
from dialer.ledger.reports import (
    RESULT_COLUMNS,
    CampaignReport,
    own_columns,
    stream_results,
    trace_attempts,
)
from dialer.ledger.trunks import add_trunk

CAMPAIGN = "demo"
COUNTRY = "US"
AGENT = "sim-ready"  #: the simulator's agent that reports what the person said
RETRY_FILE = """\
max_attempts = 3

[delays]
busy = ["3s", "6s", "12s"]
no_answer = ["3s", "6s", "12s"]
unavailable = ["3s", "6s", "12s"]
rejected = ["3s", "6s", "12s"]
answered = ["3s", "6s", "12s"]   # picked up when we had already hung up
voicemail = ["6s", "12s"]        # a machine picked up, the agent says
invalid_number = ["10s"]         # asked once more
congestion = ["3s"]
trunk_failure = ["3s", "6s", "12s"]
system_error = ["3s", "6s", "12s"]
"""
RINGING_TIMEOUT = timedelta(seconds=30)
TALK_LIMIT = timedelta(minutes=3)
RESULTS_NAME = "dialer-demo-results.csv"
#: Doubt about one call lasts 336 s at most; a demo that stands still for longer is stuck.
STUCK_SECONDS = 400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the operator asked for."""

    contacts: int
    seed: int
    speed: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is known when all is over.  ``problems``: one sentence for each thing that is not as promised."""

    imported: ImportReport
    standing: Standing
    audit: Audit
    record: CarrierRecord
    seconds: float
    results: Path
    problems: tuple[str, ...]


class DemoStuck(DialerError):
    """Nothing moved for so long that nothing will."""

    code = "demo_stuck"


class Screen(Protocol):
    """Who watches, and how often: ``pause`` seconds lie between two calls of ``show``."""

    pause: float

    def note(self, text: str) -> None: ...

    def show(self, standing: Standing, *, seconds: float) -> None: ...


async def play(stage: Stage, wanted: Wanted, screen: Screen) -> Finding:
    """Call everyone and judge how it went.

    Raises:
        DemoStuck: it will never end.
        ChildCannotStart: a worker said so.
    """
    campaign = await _make_campaign(stage)
    imported = await _import_people(stage, campaign, wanted, screen)
    screen.note(
        f"Calling {imported.contacts:,} people, {CALLS_PER_SECOND} a second, {wanted.speed:g} times as fast as life."
    )
    started = asyncio.get_running_loop().time()
    await move_campaign(stage.ledger, campaign.id, before=[CampaignState.DRAFT], after=CampaignState.RUNNING)
    await stage.supervisor.start([FEEDER, RESCUER, CLERK, WEB, *caller_roles(1)])
    await _watch(stage, campaign, screen)
    seconds = asyncio.get_running_loop().time() - started
    return await _judge(stage, campaign, imported, seconds=seconds)


async def _make_campaign(stage: Stage) -> Campaign:
    trunk = await add_trunk(
        stage.ledger,
        TrunkSettings(
            name="demo",
            livekit_trunk_id="ST_simulated",
            calls_per_second=CALLS_PER_SECOND,
            max_concurrent_calls=MAX_CONCURRENT_CALLS,
            caller_id="+12125550100",
        ),
    )
    policy = read_retry_file(RETRY_FILE, name="demo.toml")
    rules = CampaignRules(
        trunk_id=trunk.id,
        caller_id=None,
        country=COUNTRY,
        ringing_timeout=RINGING_TIMEOUT,
        talk_limit=TALK_LIMIT,
        max_attempts=policy.max_attempts,
        policy=policy_to_json(policy),
        agent_name=AGENT,
    )
    return await create_campaign(stage.ledger, CAMPAIGN, rules)


async def _import_people(stage: Stage, campaign: Campaign, wanted: Wanted, screen: Screen) -> ImportReport:
    """Write the contact file and import it, bad rows and all."""
    path = stage.folder / "people.csv"
    path.write_text("".join(contact_file(invent_people(wanted.contacts, seed=wanted.seed))))
    refused: list[str] = []
    done = await import_contacts(
        stage.ledger,
        campaign,
        ContactFile(path=path, country=COUNTRY, phone_column=None),
        on_rejected=lambda row: refused.append(f"  line {row.line}, {row.value}: {row.message}"),
    )
    words = f"{done.rows:,} rows: {done.contacts:,} invented people, {done.duplicates} double, {done.rejected} refused"
    screen.note("\n".join([f"Imported {words}", *refused]))
    return done


async def _watch(stage: Stage, campaign: Campaign, screen: Screen) -> None:
    """Show how the campaign stands until it is over."""
    watching = asyncio.create_task(stage.supervisor.watch())
    try:
        await _show_until_over(stage, campaign, screen, watching)
    finally:
        watching.cancel()


async def _show_until_over(stage: Stage, campaign: Campaign, screen: Screen, watching: "asyncio.Task[None]") -> None:
    loop = asyncio.get_running_loop()
    started = moved_at = loop.time()
    before: CampaignReport | None = None
    while True:
        standing = await look_at_campaign(stage.ledger, stage.slots, campaign.name, silence=Leases().owner)
        screen.show(standing, seconds=loop.time() - started)
        if standing.campaign.state is not CampaignState.RUNNING:
            return
        if standing.report != before:
            before, moved_at = standing.report, loop.time()
        elif loop.time() - moved_at > STUCK_SECONDS:
            raise DemoStuck(f"nothing has moved for {STUCK_SECONDS:.0f} s: {standing.holding_back}")
        await asyncio.wait([watching], timeout=screen.pause)
        if watching.done():
            watching.result()


async def _judge(stage: Stage, campaign: Campaign, imported: ImportReport, *, seconds: float) -> Finding:
    """Look at the ledger's own invariants, and compare it with what the carrier saw."""
    record = await _carrier_record(stage)
    audited = await audit(stage.ledger, stage.slots)
    standing = await look_at_campaign(stage.ledger, stage.slots, campaign.name, silence=Leases().owner)
    return Finding(
        imported=imported,
        standing=standing,
        audit=audited,
        record=record,
        seconds=seconds,
        results=await _write_results(stage, campaign),
        problems=(
            *_unfinished(standing),
            *(f"{check.sentence}: {', '.join(check.broken[:5])}" for check in audited.checked if not check.holds),
            *compare(
                await trace_attempts(stage.ledger, campaign.id),
                record,
                installation=stage.installation,
                calls_per_second=CALLS_PER_SECOND,
                max_concurrent_calls=MAX_CONCURRENT_CALLS,
            ),
        ),
    )


def _unfinished(standing: Standing) -> list[str]:
    if standing.campaign.state is CampaignState.FINISHED:
        return []
    return [f"the campaign is {standing.campaign.state}: {standing.holding_back}"]


async def _carrier_record(stage: Stage) -> CarrierRecord:
    async with aiohttp.ClientSession() as session, session.get(f"{stage.livekit_url}/carrier/record") as answer:
        return read_record(await answer.json(content_type=None))


async def _write_results(stage: Stage, campaign: Campaign) -> Path:
    """Every person's row, as a campaign's results are exported; into the working directory if that may be."""
    columns = [*RESULT_COLUMNS, *await own_columns(stage.ledger, campaign.id)]
    rows = [{**data, **row} async for row, data in stream_results(stage.ledger, campaign.id)]
    folder = Path.cwd() if os.access(Path.cwd(), os.W_OK) else Path(tempfile.gettempdir())
    path = folder / RESULTS_NAME
    path.write_text("".join(results_csv(rows, columns)), newline="")
    return path
