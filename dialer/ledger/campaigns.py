"""Campaigns in the ledger."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import DeadlockDetected, LockNotAvailable, UniqueViolation
from psycopg.types.json import Json
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from dialer.domain.calling_window import CallingHours
from dialer.domain.campaign import CampaignState
from dialer.errors import Conflict, NotFound
from dialer.ledger.closed_jobs import HOURS_MARK, forget_windows
from dialer.ledger.routes import CampaignTrunk, set_campaign_trunks
from dialer.ledger.session import Ledger, Row, Statements


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """A campaign's rules and where it stands.

    Attributes:
        policy: the retry policy as stored.
        agent_name: the voice agent that is in the room before a phone rings; None: nobody is.
        agent_left: how long a person may be alone in the room after the agent has left, before we hang up.
        reads_columns: a contact file had columns that change the dial (see ``domain.dial_options``).
        time_zone: of contacts whose own zone is not known; None: UTC.
    """

    id: int
    name: str
    trunk_id: int | None
    caller_id: str | None
    country: str | None
    ringing_timeout: timedelta
    talk_limit: timedelta
    max_attempts: int
    policy: dict[str, Any]  # JSON of the retry policy; domain.retry reads it
    agent_name: str | None
    agent_left: timedelta
    dial_options: dict[str, Any]  # JSON; domain.dial_options reads it
    reads_columns: bool
    start_at: datetime | None
    end_at: datetime | None
    time_zone: str | None
    calling_hours: dict[str, Any]  # JSON; domain.calling_window reads it
    state: CampaignState
    held_reason: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    weight: int = 1  #: of its share of a trunk
    max_concurrent_calls: int | None = None  #: over all its trunks
    retries_first: bool = True  #: before people who were never tried
    trunk_choice: str = "ordered"  #: or weighted
    prefixes: tuple[str, ...] = ()  #: all that its routes tell apart
    agents_missed: int = 0  #: numbers in a row for which no agent came
    hours_mark: int | None = None  #: of the hours (``closed_jobs.HOURS_MARK``); ``read_campaigns`` alone tells it

    @property
    def hours(self) -> CallingHours:
        """When its contacts may be called."""
        return _hours(self)


def _campaign(row: Row) -> Campaign:
    return Campaign(
        id=row["id"],
        name=row["name"],
        trunk_id=row["trunk_id"],
        caller_id=row["caller_id"],
        country=row["country"],
        ringing_timeout=timedelta(seconds=row["ringing_timeout_seconds"]),
        talk_limit=timedelta(seconds=row["talk_limit_seconds"]),
        max_attempts=row["max_attempts"],
        policy=row["policy"],
        agent_name=row["agent_name"],
        agent_left=timedelta(seconds=row["agent_left_seconds"]),
        dial_options=row["dial_options"],
        reads_columns=row["reads_columns"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        time_zone=row["time_zone"],
        calling_hours=row["calling_hours"],
        state=CampaignState(row["state"]),
        held_reason=row["held_reason"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        weight=row["weight"],
        max_concurrent_calls=row["max_concurrent_calls"],
        retries_first=row["retries_first"],
        trunk_choice=row["trunk_choice"],
        prefixes=tuple(row["prefixes"]),
        agents_missed=len(row["agents_missed"]),
        hours_mark=row.get("hours_mark"),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRules:
    """What an operator sets."""

    trunk_id: int | None
    caller_id: str | None
    country: str | None
    ringing_timeout: timedelta
    talk_limit: timedelta
    max_attempts: int
    policy: dict[str, Any]  # JSON of the retry policy
    agent_name: str | None = None
    agent_left: timedelta = timedelta(seconds=5)
    dial_options: dict[str, Any] = field(default_factory=dict)  # JSON
    start_at: datetime | None = None
    end_at: datetime | None = None
    time_zone: str | None = None
    calling_hours: dict[str, Any] = field(default_factory=dict)  # JSON
    weight: int = 1
    max_concurrent_calls: int | None = None
    retries_first: bool = True
    trunk_choice: str = "ordered"
    trunks: tuple[CampaignTrunk, ...] | None = None  #: None: ``trunk_id`` alone, or as they are if that stays

    @property
    def hours(self) -> CallingHours:
        """When the contacts may be called."""
        return _hours(self)


def _hours(rules: Campaign | CampaignRules) -> CallingHours:
    return CallingHours.from_json(
        rules.calling_hours,
        time_zone=rules.time_zone,
        start_at=rules.start_at,
        end_at=rules.end_at,
        ringing_timeout=rules.ringing_timeout,
    )


def _parameters(rules: CampaignRules) -> dict[str, object]:
    return {
        "trunk": rules.trunk_id,
        "caller_id": rules.caller_id,
        "country": rules.country,
        "ringing": round(rules.ringing_timeout.total_seconds()),
        "talk": round(rules.talk_limit.total_seconds()),
        "attempts": rules.max_attempts,
        "policy": Json(rules.policy),
        "agent": rules.agent_name,
        "agent_left": round(rules.agent_left.total_seconds()),
        "options": Json(rules.dial_options),
        "start_at": rules.start_at,
        "end_at": rules.end_at,
        "zone": rules.time_zone,
        "hours": Json(rules.calling_hours),
        "weight": rules.weight,
        "channels": rules.max_concurrent_calls,
        "retries_first": rules.retries_first,
        "choice": rules.trunk_choice,
    }


async def create_campaign(ledger: Ledger, name: str, rules: CampaignRules) -> Campaign:
    """Write a campaign as a draft.

    Raises:
        Conflict: the name is taken, or one of its trunks was removed.
    """
    try:
        async with ledger.transaction() as transaction:
            campaign_id = await _insert(transaction, name, rules)
            await set_campaign_trunks(transaction, campaign_id, _trunks(rules))
            [campaign] = await read_campaigns(transaction, [campaign_id])
    except UniqueViolation as error:
        raise Conflict(
            f"a campaign named {name!r} is there already", hint="choose another name, or `dialer campaign edit`"
        ) from error
    return campaign


async def _insert(statements: Statements, name: str, rules: CampaignRules) -> int:
    row = await statements.row(
        """/* create_campaign */
        INSERT INTO campaigns (name, trunk_id, caller_id, country, ringing_timeout_seconds, talk_limit_seconds,
                               max_attempts, policy, agent_name, agent_left_seconds, dial_options, start_at, end_at,
                               time_zone, calling_hours, weight, max_concurrent_calls, retries_first, trunk_choice)
        VALUES (%(name)s, %(trunk)s, %(caller_id)s, %(country)s, %(ringing)s, %(talk)s, %(attempts)s, %(policy)s,
                %(agent)s, %(agent_left)s, %(options)s, %(start_at)s, %(end_at)s, %(zone)s, %(hours)s, %(weight)s,
                %(channels)s, %(retries_first)s, %(choice)s)
        RETURNING id""",
        {"name": name, **_parameters(rules)},
    )
    assert row is not None
    campaign_id: int = row["id"]
    return campaign_id


def _trunks(rules: CampaignRules) -> tuple[CampaignTrunk, ...]:
    if rules.trunks is not None:
        return rules.trunks
    return () if rules.trunk_id is None else (CampaignTrunk(trunk_id=rules.trunk_id),)


# The call jobs that it touches may be locked by batches of callers, in any order.
@retry(
    retry=retry_if_exception_type((DeadlockDetected, LockNotAvailable)),
    stop=stop_after_attempt(3),
    wait=wait_random(0.05, 0.3),
    reraise=True,
)
async def edit_campaign(ledger: Ledger, campaign_id: int, rules: CampaignRules) -> None:
    """Write the rules; other hours than before are in force at once, for whoever waits or is queued."""
    async with ledger.transaction() as transaction:
        row = await transaction.row(
            "/* edit_campaign */ SELECT * FROM campaigns WHERE id = %(id)s FOR NO KEY UPDATE", {"id": campaign_id}
        )
        assert row is not None
        await transaction.changed(
            """/* edit_campaign */
            UPDATE campaigns SET trunk_id = %(trunk)s, caller_id = %(caller_id)s, country = %(country)s,
                ringing_timeout_seconds = %(ringing)s, talk_limit_seconds = %(talk)s, max_attempts = %(attempts)s,
                policy = %(policy)s, agent_name = %(agent)s, agent_left_seconds = %(agent_left)s,
                dial_options = %(options)s, start_at = %(start_at)s, end_at = %(end_at)s, time_zone = %(zone)s,
                calling_hours = %(hours)s, weight = %(weight)s, max_concurrent_calls = %(channels)s,
                retries_first = %(retries_first)s, trunk_choice = %(choice)s
            WHERE id = %(id)s""",
            {"id": campaign_id, **_parameters(rules)},
        )
        if rules.trunks is not None or rules.trunk_id != row["trunk_id"]:
            await set_campaign_trunks(transaction, campaign_id, _trunks(rules))
        if _campaign(row).hours.is_other_than(rules.hours):
            await forget_windows(transaction, campaign_id)


async def list_campaigns(ledger: Ledger) -> list[Campaign]:
    """Every campaign, the newest first."""
    return [
        _campaign(row) for row in await ledger.rows("/* list_campaigns */ SELECT * FROM campaigns ORDER BY id DESC")
    ]


async def find_campaign(ledger: Ledger, name: str) -> Campaign:
    """The campaign of this name.

    Raises:
        NotFound: with the names there are.
    """
    row = await ledger.row("/* find_campaign */ SELECT * FROM campaigns WHERE name = %(name)s", {"name": name})
    if row is not None:
        return _campaign(row)
    names = [campaign.name for campaign in await list_campaigns(ledger)][:10]
    raise NotFound(
        f"there is no campaign named {name!r}",
        hint=f"campaigns: {', '.join(names)}" if names else "none is there yet: `dialer campaign create`",
    )


async def read_campaigns(ledger: Statements, ids: Collection[int]) -> list[Campaign]:
    rows = await ledger.rows(
        f"/* read_campaigns */ SELECT *, {HOURS_MARK} AS hours_mark FROM campaigns c "  # noqa: S608 - a constant
        "WHERE id = ANY (%(ids)s)",
        {"ids": list(ids)},
    )
    return [_campaign(row) for row in rows]


async def running_by_trunk(ledger: Ledger) -> dict[int, list[int]]:
    """The running campaigns, by trunk."""
    rows = await ledger.rows(
        "/* running_campaigns */ SELECT id, trunk_id FROM campaigns WHERE state = 'running' ORDER BY id"
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["trunk_id"], []).append(row["id"])
    return found


async def are_running(ledger: Ledger, ids: Collection[int]) -> set[int]:
    """Which of these campaigns are running now."""
    rows = await ledger.rows(
        "/* are_running */ SELECT id FROM campaigns WHERE id = ANY (%(ids)s) AND state = 'running'", {"ids": list(ids)}
    )
    return {row["id"] for row in rows}


async def live_campaign_ids(ledger: Ledger) -> list[int]:
    """Of the campaigns that are not over."""
    rows = await ledger.rows(
        "/* live_campaigns */ SELECT id FROM campaigns WHERE state NOT IN ('draft', 'finished', 'cancelled')"
    )
    return [row["id"] for row in rows]
