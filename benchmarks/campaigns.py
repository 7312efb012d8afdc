"""Campaigns to measure with: one trunk, invented numbers, one attempt each."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import psycopg

from dialer.domain.campaign import CampaignState
from dialer.domain.retry_policy import RetryPolicy, policy_to_json
from dialer.domain.trunk import Trunk, TrunkSettings
from dialer.ledger.campaign_moves import move_campaign
from dialer.ledger.campaigns import Campaign, CampaignRules, create_campaign
from dialer.ledger.contacts import NewContact, begin_import, import_chunk
from dialer.ledger.routes import CampaignTrunk, set_campaign_trunks
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import add_trunk

CHUNK = 5000
AGENT = "sim-ready"
RINGING_TIMEOUT = timedelta(seconds=60)
LOOK_SECONDS = 0.2


async def make_trunk(
    ledger: Ledger,
    *,
    calls_per_second: float,
    max_concurrent_calls: int,
    name: str = "bench",
    livekit_trunk_id: str = "ST_simulated",
) -> Trunk:
    """A trunk of the simulated LiveKit, with these limits."""
    return await add_trunk(
        ledger,
        TrunkSettings(
            name=name,
            livekit_trunk_id=livekit_trunk_id,
            calls_per_second=calls_per_second,
            max_concurrent_calls=max_concurrent_calls,
            caller_id="+12125550100",
        ),
    )


def numbers(count: int, *, first: int = 0) -> list[str]:
    """Invented numbers, each another, none of them one of the simulator's scripted ones."""
    return [f"+1212{2_000_000 + number:07d}" for number in range(first, first + count)]


async def make_campaign(
    ledger: Ledger,
    trunk: Trunk | Sequence[Trunk],
    name: str,
    dialed: Sequence[str],
    *,
    agent: str | None = None,
    weight: int = 1,
) -> Campaign:
    """A draft with these numbers, each to be called once, through the first of its trunks that can."""
    trunks = [trunk] if isinstance(trunk, Trunk) else trunk
    policy = RetryPolicy(max_attempts=1, max_per_24h=0, max_per_7d=0)
    rules = CampaignRules(
        trunk_id=trunks[0].id,
        caller_id=None,
        country="US",
        ringing_timeout=RINGING_TIMEOUT,
        talk_limit=timedelta(hours=1),
        max_attempts=policy.max_attempts,
        policy=policy_to_json(policy),
        agent_name=agent,
        weight=weight,
    )
    campaign = await create_campaign(ledger, name, rules)
    if len(trunks) > 1:
        async with ledger.transaction() as transaction:
            await set_campaign_trunks(transaction, campaign.id, [CampaignTrunk(trunk_id=each.id) for each in trunks])
    await add_contacts(ledger, campaign, dialed)
    return campaign


async def add_contacts(ledger: Ledger, campaign: Campaign, dialed: Sequence[str]) -> None:
    """Import numbers into a campaign, without a file."""
    begun = await begin_import(ledger, campaign.id, sha256=f"{campaign.name} {dialed[0]}", file_name="bench.csv")
    standing = begun
    for start in range(0, len(dialed), CHUNK):
        chunk = [
            NewContact(line=line, number=number, data={"name": f"Contact {line}"})
            for line, number in enumerate(dialed[start : start + CHUNK], start + 2)
        ]
        written = await import_chunk(
            ledger,
            begun.id,
            campaign.id,
            chunk,
            rows=len(chunk),
            rejected=0,
            after_line=standing.last_line,
            last_line=chunk[-1].line,
        )
        standing = written.standing


async def postpone(ledger: Ledger, campaign: Campaign) -> None:
    """None of the campaign's call jobs is due today."""
    await ledger.changed(
        "/* bench */ UPDATE call_jobs SET due_at = now() + interval '1 day' WHERE campaign_id = %(id)s",
        {"id": campaign.id},
    )


async def start(ledger: Ledger, campaign: Campaign) -> None:
    """Let the feeder release the campaign's call jobs from now on."""
    assert await move_campaign(ledger, campaign.id, before=[CampaignState.DRAFT], after=CampaignState.RUNNING)


async def tidy_up(database_url: str) -> None:
    """VACUUM and ANALYZE, as autovacuum does within a minute of an import."""

    def vacuum() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("/* bench */ VACUUM (ANALYZE)")

    await asyncio.to_thread(vacuum)


async def stop_autovacuum(database_url: str) -> None:
    """No autovacuum from now on: when it comes is chance, and its pages are not ours."""

    def stop() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("/* bench */ ALTER SYSTEM SET autovacuum = off")
            connection.execute("/* bench */ SELECT pg_reload_conf()")

    await asyncio.to_thread(stop)


async def attempts_settled(ledger: Ledger) -> dict[str, int]:
    """How many attempts have ended, by outcome: one page to read, however many there are."""
    rows = await ledger.rows("/* bench */ SELECT outcome, sum(value)::int AS ended FROM attempt_counters GROUP BY 1")
    return {row["outcome"]: row["ended"] for row in rows}


async def wait_for(ledger: Ledger, outcome: str, count: int, *, seconds: float) -> dict[str, int]:
    """Wait until so many attempts ended like this, ``seconds`` at most; returns how all ended that have."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (settled := await attempts_settled(ledger)).get(outcome, 0) < count:
                await asyncio.sleep(LOOK_SECONDS)
            return settled
    return await attempts_settled(ledger)
