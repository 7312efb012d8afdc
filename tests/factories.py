"""Makes what tests need in the ledger, with good defaults."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from dialer.actions.rebuild_limits import rebuild_limits
from dialer.app import Dialer
from dialer.domain.campaign import CampaignState
from dialer.domain.due_work import WorkKind
from dialer.domain.release_plan import Pick
from dialer.domain.retry_policy import RetryPolicy, policy_to_json
from dialer.domain.trunk import Trunk, TrunkSettings
from dialer.ledger.call_jobs import Ticket
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign, CampaignRules, create_campaign, find_campaign
from dialer.ledger.contacts import NewContact, begin_import, import_chunk
from dialer.ledger.releases import release_jobs
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import add_trunk

#: Numbers reserved for fiction, each another.
NUMBERS = [f"+1212555{number:04d}" for number in range(100, 200)]


async def make_trunk(
    ledger: Ledger,
    *,
    name: str = "trunk",
    livekit_trunk_id: str = "ST_simulated",
    calls_per_second: float = 100.0,
    max_concurrent_calls: int = 50,
) -> Trunk:
    return await add_trunk(
        ledger,
        TrunkSettings(
            name=name,
            livekit_trunk_id=livekit_trunk_id,
            calls_per_second=calls_per_second,
            max_concurrent_calls=max_concurrent_calls,
            caller_id="+12125550199",
        ),
    )


async def make_campaign(
    ledger: Ledger,
    trunk: Trunk,
    *,
    name: str = "campaign",
    numbers: int | list[str] = 3,
    max_attempts: int = 4,
    policy: RetryPolicy | None = None,
    state: CampaignState = CampaignState.RUNNING,
    zones: str = "",
    **more: Any,
) -> Campaign:
    """A campaign with contacts, running unless told otherwise; ``more`` are further ``CampaignRules``."""
    policy = replace(policy or RetryPolicy(), max_attempts=max_attempts)
    rules = CampaignRules(
        trunk_id=trunk.id,
        caller_id=None,
        country="US",
        ringing_timeout=timedelta(seconds=30),
        talk_limit=timedelta(hours=1),
        max_attempts=max_attempts,
        policy=policy_to_json(policy),
        **more,
    )
    campaign = await create_campaign(ledger, name, rules)
    chosen = NUMBERS[:numbers] if isinstance(numbers, int) else numbers
    started = await begin_import(ledger, campaign.id, sha256=name, file_name=f"{name}.csv")
    contacts = [NewContact(line=line, number=number, data={}, zones=zones) for line, number in enumerate(chosen, 2)]
    await import_chunk(
        ledger,
        started.id,
        campaign.id,
        contacts,
        rows=len(contacts),
        rejected=0,
        after_line=0,
        last_line=len(contacts) + 1,
        openings={zones: campaign.hours.next_opening(await ledger.now(), zones)},
    )
    if state is not CampaignState.DRAFT:
        await move_campaign(ledger, campaign.id, before=[CampaignState.DRAFT], after=state)
    return await find_campaign(ledger, name)


async def make_tickets(
    dialer: Dialer, campaign: Campaign, *, most: int = 100, lease: timedelta = timedelta(seconds=60)
) -> list[Ticket]:
    """Release what is due in the campaign, as the feeder would, and take it up, as a caller would."""
    assert campaign.trunk_id is not None
    picks = [
        Pick(trunk_id=campaign.trunk_id, campaign_id=campaign.id, kind=kind, routes=("",), jobs=most)
        for kind in (WorkKind.PROMISED, WorkKind.OLDEST)
    ]
    releases = await release_jobs(
        dialer.ledger,
        picks,
        lease=lease,
        releases={campaign.trunk_id: [dialer.new_id(), dialer.new_id()]},
        size=most,
    )
    return [
        Ticket(attempt_id=dialer.new_id(), call_job_id=job_id, release_id=release_id, trunk_id=campaign.trunk_id)
        for release_id, ids in releases.items()
        for job_id in sorted(ids)
    ]


async def open_epoch(dialer: Dialer) -> int:
    """Rebuild the limits and let the first turn come at once."""
    assert await rebuild_limits(dialer, why="test")
    async for key in dialer.redis.client.scan_iter(match=dialer.redis.key("tat:*").replace("{", "\\{")):
        await dialer.redis.client.delete(key)
    row = await dialer.ledger.row("SELECT epoch FROM installation")
    assert row is not None
    return int(row["epoch"])


async def job_state(ledger: Ledger, call_job_id: int) -> tuple[str, str | None]:
    """State and finish reason of a call job."""
    row = await ledger.row("SELECT state, finish_reason FROM call_jobs WHERE id = %(id)s", {"id": call_job_id})
    assert row is not None
    return row["state"], row["finish_reason"]


async def attempt_row(ledger: Ledger, attempt_id: UUID) -> dict[str, object]:
    row = await ledger.row("SELECT * FROM attempts WHERE id = %(id)s", {"id": attempt_id})
    assert row is not None
    return row
