"""One campaign twice, for the same invented people: with LiveKit's webhooks, and asking the rooms instead.

``python -m tests.journeys.both_ways --contacts 1000`` is the long run; ``test_both_ways.py`` a short one.  With
``--unhurried`` only asking is tried, with looks as far apart as they are by default.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dialer.domain.fence import Fence
from dialer.ledger.campaigns import find_campaign
from tests.factories import make_campaign
from tests.faults.chaos import POLICY, SPEED
from tests.journeys.freed_slots import percentiles, watched_slots
from tests.journeys.stage import GONE_SECONDS, LOOK_SECONDS, PEOPLE, Stage, open_stage

#: What differs between two codes of one kind of failure is whether the phone rang.
BY_RINGING = {"no_answer", "unavailable", "trunk_failure", "rejected", "unknown"}
#: One look, as long as it is on the line: LiveKit is asked no more often, so asking knows no end better than that.
ONE_LOOK = LOOK_SECONDS * SPEED


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a campaign went: a row for each number, and the seconds from the end of each answered call to its slot."""

    rows: dict[str, dict[str, Any]]
    freed_seconds: list[float]
    inside: dict[str, Any]
    webhooks: dict[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class TalkApart:
    """A call whose talk seconds differ."""

    number: str
    told: float
    asked: float

    @property
    def seconds(self) -> float:
        return abs(self.told - self.asked)


async def go(
    *,
    contacts: int,
    seed: int,
    webhooks: bool,
    agent: str | None = None,
    look_seconds: float = LOOK_SECONDS,
    gone_seconds: float = GONE_SECONDS,
) -> Way:
    """Run the campaign to its end on processes of its own."""
    opening = open_stage(
        seed=seed, webhooks=webhooks, calls_per_second=20, look_seconds=look_seconds, gone_seconds=gone_seconds
    )
    async with opening as stage, watched_slots(stage) as freed:
        await make_campaign(
            stage.ledger,
            stage.trunk,
            numbers=PEOPLE[:contacts],
            max_attempts=3,
            policy=POLICY,
            agent_name=agent,
            time_zone="UTC",
        )
        await stage.play(["campaign"])
        inside = await stage.emptied(alone_seconds=3)
        answered = await stage.ledger.rows("SELECT id FROM attempts WHERE outcome = 'answered'")
        return Way(
            rows=await _rows(stage),
            freed_seconds=await freed.seconds(stage, [row["id"] for row in answered]),
            inside=inside,
            webhooks=await stage.page("webhooks"),
            state=(await find_campaign(stage.ledger, "campaign")).state.value,
        )


async def _rows(stage: Stage) -> dict[str, dict[str, Any]]:
    """By number.  ``story``: outcome, whether it rang, SIP code and talk seconds of each attempt that was sent."""
    rows = await stage.ledger.rows(
        """SELECT j.number, j.finish_reason, count(a.id) AS attempts,
                  count(*) FILTER (WHERE a.outcome = 'answered') AS answered,
                  coalesce(json_agg(json_build_array(a.outcome, a.rang, a.sip_code, a.talk_seconds)
                                    ORDER BY a.claimed_at) FILTER (WHERE a.id IS NOT NULL), '[]') AS story
           FROM call_jobs j LEFT JOIN attempts a ON a.call_job_id = j.id AND a.sent GROUP BY j.id"""
    )
    return {row["number"]: row for row in rows}


def differences(told: Way, asked: Way) -> tuple[list[str], list[str]]:
    """Numbers whose rows differ, in an outcome or in the result: only through whether a phone rang, and otherwise.

    Attempts that were not sent (a turn missed on a busy machine) are nobody's call, and left out.
    """
    by_ringing: list[str] = []
    others: list[str] = []
    for number, row in told.rows.items():
        twin = asked.rows[number]
        if _result(row) == _result(twin) and _outcomes(row) == _outcomes(twin):
            continue
        pairs = zip(row["story"], twin["story"], strict=False)
        first = next((pair for pair in pairs if _end(pair[0]) != _end(pair[1])), None)
        is_ringing = first is not None and first[0][2] == first[1][2] and {first[0][0], first[1][0]} <= BY_RINGING
        (by_ringing if is_ringing else others).append(number)
    return by_ringing, others


def talks(told: Way, asked: Way) -> Iterator[TalkApart]:
    """Every call that was answered both ways, as long as the story of its number is the same until then."""
    for number, row in told.rows.items():
        for one, other in zip(row["story"], asked.rows[number]["story"], strict=False):
            if one[0] != other[0]:
                break
            if one[0] == "answered":
                yield TalkApart(number, one[3], other[3])


def _end(attempt: list[Any]) -> tuple[Any, ...]:
    """Outcome and whether it rang."""
    return attempt[0], attempt[1]


def _outcomes(row: dict[str, Any]) -> list[Any]:
    return [attempt[0] for attempt in row["story"]]


def _result(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["finish_reason"], row["attempts"], row["answered"]


async def compare(*, contacts: int, seed: int, agent: str | None = None) -> dict[str, Any]:
    """Both ways, one after the other, and what differs."""
    told = await go(contacts=contacts, seed=seed, webhooks=True, agent=agent)
    asked = await go(contacts=contacts, seed=seed, webhooks=False, agent=agent)
    return report(told, asked)


def report(told: Way, asked: Way) -> dict[str, Any]:
    """What there is to say about two ways of one campaign."""
    by_ringing, others = differences(told, asked)
    pairs = list(talks(told, asked))
    return {
        "contacts": len(told.rows),
        "states": [told.state, asked.state],
        "differ_only_by_ringing": by_ringing,
        "of_them_in_the_result": [one for one in by_ringing if _result(told.rows[one]) != _result(asked.rows[one])],
        "differ_otherwise": [(number, told.rows[number]["story"], asked.rows[number]["story"]) for number in others],
        "talks_compared": percentiles([pair.seconds for pair in pairs]),
        "talks_apart": [pair for pair in pairs if pair.seconds > ONE_LOOK],
        "slot_freed_after_the_end": {
            "told": percentiles(told.freed_seconds),
            "asked": percentiles(asked.freed_seconds),
        },
        "rooms_left": [told.inside["left_over"], asked.inside["left_over"]],
        "agents_alone": [told.inside["agents_alone_now"], asked.inside["agents_alone_now"]],
        "callees_alone": [told.inside["callees_alone_now"], asked.inside["callees_alone_now"]],
        "webhooks": told.webhooks,
    }


async def unhurried(*, contacts: int, seed: int) -> dict[str, Any]:
    """How long after its end an answered call's slot is free when LiveKit is asked as often as by default."""
    bounds = Fence()
    asked = await go(
        contacts=contacts,
        seed=seed,
        webhooks=False,
        look_seconds=bounds.look.total_seconds(),
        gone_seconds=bounds.gone.total_seconds(),
    )
    return {"contacts": contacts, "state": asked.state, "slot_freed_after_the_end": percentiles(asked.freed_seconds)}


def main() -> None:
    """The long run: prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--agent")
    parser.add_argument("--unhurried", action="store_true")
    given = parser.parse_args()
    if given.unhurried:
        print(json.dumps(asyncio.run(unhurried(contacts=given.contacts, seed=given.seed))))  # noqa: T201 - as below
        return
    found = asyncio.run(compare(contacts=given.contacts, seed=given.seed, agent=given.agent))
    found |= {f"{name}_count": len(found[name]) for name in ("differ_only_by_ringing", "of_them_in_the_result")}
    print(json.dumps(found, indent=2, default=str))  # noqa: T201 - the report is what this program is for


if __name__ == "__main__":
    main()
