"""One campaign for each kind of voice agent, all at once on one trunk: who comes, who never does, who says nonsense.

``python -m tests.journeys.agents_of_every_kind --contacts 500`` is the long run; ``test_agents_of_every_kind.py`` a
short one.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from console.demo_judge import compare, read_record
from dialer.ledger.campaigns import find_campaign
from dialer.ledger.reports import trace_attempts
from tests.factories import make_campaign
from tests.faults.chaos import POLICY
from tests.journeys.stage import LOOK_SECONDS, PEOPLE, Stage, open_stage

NEXT_YEAR: Final = (datetime.now(UTC) + timedelta(days=365)).isoformat(timespec="seconds")
CALL_BACK: Final = "sim-callback-1"
#: Agents that come in time, and what they do then; ``simulator.behaviours`` tells of each.
COME: Final = (
    "sim-ready",
    "sim-slow-8",
    "sim-leaves-5",
    "sim-reports-booked",
    "sim-metadata-booked",
    "sim-machine",
    "sim-dnc",
    "sim-long-65536",
    CALL_BACK,
)
#: Agents that ask for a call back at a moment that does not act: past, too far ahead, on nobody's clock, no time.
ASK_IN_VAIN: Final = tuple(
    f"sim-callback-at-{moment}" for moment in ("2020-01-01T00:00:00Z", NEXT_YEAR, "2026-12-01T09:30:00", "tomorrow")
)
#: One that crashes at its start, a name that nobody serves, and one that comes after everybody stopped waiting.
NEVER_COME: Final = ("sim-crash", "nobody-of-this-name", "sim-slow-30")
KINDS: Final = (*COME, *ASK_IN_VAIN, *NEVER_COME)

#: How long a person may be alone after the agent has left, and by when the call is really down.
AGENT_LEFT: Final = timedelta(seconds=1)
ALONE_SECONDS: Final = AGENT_LEFT.total_seconds() + 2 * LOOK_SECONDS + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """How the campaign of one kind of agent went.

    Attributes:
        call_jobs: by state, and the finished ones by their reason.
        outcomes: of the attempts that were sent.
        reported: answered calls with a report, by what was kept of it.
        not_understood: reports of which something did not act.
        ended_by: who hung up the answered calls.
        called_again: answered calls after which the person was called once more.
        opted_out: numbers that its agents put onto the suppression list.
        first_calls_per_second: of the first call of each person.
    """

    agent: str
    contacts: int
    state: str
    held_reason: str | None
    call_jobs: dict[str, int]
    outcomes: dict[str, int]
    reported: int
    not_understood: int
    ended_by: dict[str, int]
    called_again: int
    opted_out: int
    first_calls_per_second: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All campaigns, and what was wrong: nothing, when all is well."""

    played: dict[str, Played]
    invites: int
    problems: list[str]


async def play(kinds: Sequence[str], people: Sequence[str], *, seed: int, calls_per_second: float = 20.0) -> Found:
    """Share the people among the kinds, call them all, and judge."""
    async with open_stage(seed=seed, webhooks=True, calls_per_second=calls_per_second) as stage:
        for place, agent in enumerate(kinds):
            await make_campaign(
                stage.ledger,
                stage.trunk,
                name=agent,
                numbers=list(people[place :: len(kinds)]),
                max_attempts=3,
                policy=POLICY,
                agent_name=agent,
                agent_left=AGENT_LEFT,
                time_zone="UTC",
            )
        await stage.play(kinds)
        await stage.emptied(alone_seconds=ALONE_SECONDS)
        await _settled(stage)
        played = {agent: await _played(stage, agent) for agent in kinds}
        record = await stage.page("record")
        return Found(played=played, invites=len(record["invites"]), problems=await _problems(stage, played, record))


async def _settled(stage: Stage) -> None:
    """A held campaign's call jobs go back to where they wait, a moment after it was held; and an agent may report a
    call back when its campaign has just finished, which goes on then.
    """
    async with asyncio.timeout(60):
        while await stage.ledger.row(_GOES_ON):
            await asyncio.sleep(0.1)


_GOES_ON = """
SELECT true AS goes_on
WHERE EXISTS (SELECT FROM call_jobs WHERE state IN ('queued', 'in_progress'))
   OR EXISTS (SELECT FROM campaigns WHERE state = 'running')
   OR EXISTS (SELECT FROM events WHERE handled_at IS NULL)
"""


async def _played(stage: Stage, agent: str) -> Played:
    campaign = await find_campaign(stage.ledger, agent)
    jobs = await stage.ledger.rows(
        """SELECT coalesce(finish_reason, state) AS name, count(*) AS n FROM call_jobs
           WHERE campaign_id = %(id)s GROUP BY 1 ORDER BY 1""",
        {"id": campaign.id},
    )
    row = await stage.ledger.row(_SUMMARY, {"id": campaign.id})
    assert row is not None
    call_jobs = {found["name"]: found["n"] for found in jobs}
    return Played(
        agent=agent,
        contacts=sum(call_jobs.values()),
        state=campaign.state.value,
        held_reason=campaign.held_reason,
        call_jobs=call_jobs,
        **row,
    )


_SUMMARY = """
WITH sent AS (
    SELECT a.*, row_number() OVER each_job AS place, lead(a.id) OVER each_job AS next_id
    FROM attempts a WHERE a.campaign_id = %(id)s AND a.sent
    WINDOW each_job AS (PARTITION BY a.call_job_id ORDER BY a.claimed_at)
)
SELECT
    (SELECT coalesce(json_object_agg(name, n), '{}')
     FROM (SELECT outcome AS name, count(*) AS n FROM sent GROUP BY 1) AS by_outcome) AS outcomes,
    (SELECT coalesce(json_object_agg(name, n), '{}')
     FROM (SELECT coalesce(ended_by, '?') AS name, count(*) AS n FROM sent
           WHERE outcome = 'answered' GROUP BY 1) AS by_whom) AS ended_by,
    (SELECT count(*) FROM sent WHERE outcome = 'answered' AND report <> '{}') AS reported,
    (SELECT count(*) FROM sent WHERE evidence ? 'report_problems') AS not_understood,
    (SELECT count(*) FROM sent WHERE outcome = 'answered' AND next_id IS NOT NULL) AS called_again,
    (SELECT count(*) FROM suppressions s JOIN sent ON sent.id = s.attempt_id WHERE s.source = 'agent') AS opted_out,
    (SELECT count(*) / nullif(extract(epoch FROM max(claimed_at) - min(claimed_at))::float8, 0)
     FROM sent WHERE place = 1) AS first_calls_per_second
"""


async def _problems(stage: Stage, played: Mapping[str, Played], record: Mapping[str, Any]) -> list[str]:
    inside = await stage.emptied(alone_seconds=ALONE_SECONDS)
    traces = [
        trace
        for agent in played
        for trace in await trace_attempts(stage.ledger, (await find_campaign(stage.ledger, agent)).id)
    ]
    return [
        *compare(
            traces,
            read_record(record),
            installation=stage.room_prefix.rstrip("-"),
            calls_per_second=stage.trunk.calls_per_second,
            max_concurrent_calls=stage.trunk.max_concurrent_calls,
        ),
        *await _rung_without_an_agent(stage, record),
        *(problem for one in played.values() for problem in _wrong_end(one) + _lost_call_backs(one)),
        *(f"left over: room {name}" for name in inside["left_over"]),
        *(
            f"{inside[key]} {key} for more than {ALONE_SECONDS} s"
            for key in ("agents_alone_now", "callees_alone_now", "callees_alone_ever")
            if inside[key]
        ),
    ]


async def _rung_without_an_agent(stage: Stage, record: Mapping[str, Any]) -> list[str]:
    rows = await stage.ledger.rows(
        """SELECT j.number FROM call_jobs j JOIN campaigns c ON c.id = j.campaign_id
           WHERE c.agent_name = ANY (%(agents)s)""",
        {"agents": list(NEVER_COME)},
    )
    never = {row["number"] for row in rows}
    return [
        f"INVITE for {invite['number']}, whose agent never came"
        for invite in record["invites"]
        if invite["number"] in never
    ]


def _lost_call_backs(one: Played) -> list[str]:
    """Whoever asked for a call back that acts is called once more, however late it was reported."""
    if one.agent != CALL_BACK or one.called_again == one.reported:
        return []
    return [f"{one.agent}: {one.reported} call backs were asked for, {one.called_again} were made"]


def _wrong_end(one: Played) -> list[str]:
    """Every person is finished, or waits under a campaign that is held for want of its agent."""
    if one.agent in NEVER_COME:
        is_right = one.state == "held" and repr(one.agent) in str(one.held_reason)
        is_right = is_right and one.call_jobs == {"waiting": one.contacts}
    else:
        is_right = one.state == "finished" and not one.call_jobs.keys() & {"waiting", "queued", "in_progress"}
    return [] if is_right else [f"{one.agent}: {one.state} ({one.held_reason}), call jobs {one.call_jobs}"]


def main() -> None:
    """The long run: prints what was found and exits 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--kind", action="append", help="only agents of this name; repeatable")
    given = parser.parse_args()
    found = asyncio.run(play(given.kind or KINDS, PEOPLE[: given.contacts], seed=given.seed))
    print(json.dumps(asdict(found), indent=2, default=str))  # noqa: T201 - the report is what this program is for
    sys.exit(1 if found.problems else 0)


if __name__ == "__main__":
    main()
