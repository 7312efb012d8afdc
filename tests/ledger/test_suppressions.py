"""The one rule for whoever writes an entry: what stands is never shortened, what has ended keeps its row."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dialer.app import Dialer
from dialer.domain.suppression import NewSuppression, SuppressionSource
from dialer.ledger.suppressions import Put, check_number, put_suppressions
from tests.factories import NUMBERS, make_campaign, make_trunk

pytestmark = pytest.mark.ledger

NUMBER = NUMBERS[0]
SOON, LATE = datetime(2090, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
OPERATOR, FILE, AGENT, LINE = SuppressionSource


def entry(source: SuppressionSource, reason: str, ends_at: datetime | None, **more: Any) -> NewSuppression:
    return NewSuppression(pattern=NUMBER, source=source, reason=reason, ends_at=ends_at, **more)


async def rows(dialer: Dialer) -> list[dict[str, Any]]:
    return await dialer.ledger.rows(
        """SELECT source, reason, ends_at, attempt_id, removed_at IS NOT NULL AS is_past,
               removed_at = ends_at AS ran_out
        FROM suppressions ORDER BY id"""
    )


@pytest.mark.parametrize(
    ("standing", "put", "reason", "ends_at", "outcome"),
    [
        pytest.param((OPERATOR, "letter", SOON), (AGENT, "asked", None), "letter", None, "changed", id="agent extends"),
        pytest.param((FILE, "", SOON), (AGENT, "asked", None), "asked", None, "changed", id="agent says why"),
        pytest.param((OPERATOR, "", None), (AGENT, "asked", None), "asked", None, "changed", id="agent adds a reason"),
        pytest.param(
            (AGENT, "asked", None), (AGENT, "again", None), "asked", None, "unchanged", id="agent says it twice"
        ),
        pytest.param((AGENT, "asked", None), (LINE, "607", None), "asked", None, "unchanged", id="line after agent"),
        pytest.param(
            (AGENT, "asked", None), (FILE, "list", SOON), "asked", None, "unchanged", id="file never shortens"
        ),
        pytest.param((FILE, "list", SOON), (FILE, "", LATE), "list", LATE, "changed", id="file extends"),
        pytest.param((FILE, "list", LATE), (FILE, "", SOON), "list", LATE, "unchanged", id="file with an earlier end"),
        pytest.param(
            (FILE, "", LATE), (FILE, "list", SOON), "list", LATE, "changed", id="file says why, keeps the end"
        ),
        pytest.param((AGENT, "asked", None), (OPERATOR, "", SOON), "asked", SOON, "changed", id="operator may shorten"),
        pytest.param((AGENT, "asked", None), (OPERATOR, "ok", None), "ok", None, "changed", id="operator may explain"),
    ],
)
async def test_what_becomes_of_an_entry_that_stands(
    dialer: Dialer, standing: tuple[Any, ...], put: tuple[Any, ...], reason: str, ends_at: object, outcome: str
) -> None:
    await put_suppressions(dialer.ledger, [entry(*standing)])

    done = await put_suppressions(dialer.ledger, [entry(*put)])

    assert done == Put(0, int(outcome == "changed"), int(outcome == "unchanged"))
    [row] = await rows(dialer)
    assert (row["source"], row["reason"], row["ends_at"]) == (standing[0], reason, ends_at)


async def test_an_entry_that_a_call_changes_tells_in_which_it_was_first_asked_for(dialer: Dialer) -> None:
    first, second = dialer.new_id(), dialer.new_id()
    await put_suppressions(dialer.ledger, [entry(OPERATOR, "", SOON)])
    await put_suppressions(dialer.ledger, [entry(AGENT, "", None, attempt_id=first)])
    await put_suppressions(dialer.ledger, [entry(AGENT, "asked", None, attempt_id=second)])

    [row] = await rows(dialer)
    assert (row["attempt_id"], row["reason"]) == (first, "asked")


@pytest.mark.parametrize("source", list(SuppressionSource))
async def test_one_that_has_ended_keeps_its_row_and_the_new_one_is_another(
    dialer: Dialer, source: SuppressionSource
) -> None:
    await put_suppressions(dialer.ledger, [entry(OPERATOR, "letter", SOON)])
    await dialer.ledger.changed("UPDATE suppressions SET ends_at = now() - interval '1 day'")
    attempt_id = dialer.new_id()

    assert await put_suppressions(dialer.ledger, [entry(source, "", None, attempt_id=attempt_id)]) == Put(1, 0, 0)

    old, new = await rows(dialer)
    assert (old["source"], old["reason"], old["ran_out"]) == ("operator", "letter", True)
    assert (new["source"], new["reason"], new["attempt_id"], new["is_past"]) == (source, "", attempt_id, False)


async def test_two_who_renew_the_same_ended_entries_in_another_order_leave_one_new_entry_each(
    dialer: Dialer, database_url: str
) -> None:
    both = [NewSuppression(pattern=number, source=AGENT) for number in NUMBERS[:2]]
    await put_suppressions(dialer.ledger, both)
    await dialer.ledger.changed("UPDATE suppressions SET ends_at = now() - interval '1 day'")
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT FROM suppressions FOR UPDATE")
        puts = [asyncio.create_task(put_suppressions(dialer.ledger, each)) for each in (both, both[::-1])]
        async with asyncio.timeout(5):
            while await _waiting(other) < len(puts):
                await asyncio.sleep(0.01)
        await other.commit()
        done = await asyncio.gather(*puts)

    assert sorted([each.added, each.unchanged] for each in done) == [[0, 2], [2, 0]]
    assert [row["is_past"] for row in await rows(dialer)] == [True, True, False, False]


async def _waiting(connection: psycopg.AsyncConnection) -> int:
    """So many statements wait for a lock."""
    found = await connection.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    row = await found.fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize(
    ("change", "suppressed"),
    [
        pytest.param({}, True, id="the number"),
        pytest.param({"pattern": NUMBER[:-1]}, False, id="what it begins with, not as a prefix"),
        pytest.param({"pattern": NUMBER[:-1], "is_prefix": True}, True, id="prefix"),
        pytest.param({"pattern": NUMBER[:3], "is_prefix": True}, True, id="the shortest prefix"),
        pytest.param({"pattern": NUMBER, "is_prefix": True}, True, id="the whole number as a prefix"),
        pytest.param({"pattern": NUMBER + "0", "is_prefix": True}, False, id="a longer prefix"),
        pytest.param({"pattern": NUMBERS[1]}, False, id="another number"),
        pytest.param({"ends_at": "now() + interval '1 hour'"}, True, id="ends in an hour"),
        pytest.param({"ends_at": "now() - interval '1 s'"}, False, id="has ended"),
        pytest.param({"removed_at": "now()"}, False, id="was removed"),
        pytest.param({"own": True}, True, id="of this campaign"),
        pytest.param({"own": False}, False, id="of another campaign"),
        pytest.param(
            {"pattern": NUMBER[:-1], "is_prefix": True, "ends_at": "now() - interval '1 s'"}, False, id="ended prefix"
        ),
        pytest.param({"pattern": NUMBER[:-1], "is_prefix": True, "own": False}, False, id="another campaign's prefix"),
    ],
)
async def test_who_is_suppressed(dialer: Dialer, change: dict[str, Any], suppressed: bool) -> None:
    trunk = await make_trunk(dialer.ledger)
    one, other = [await make_campaign(dialer.ledger, trunk, name=name, numbers=1) for name in ("one", "other")]
    campaign_id = {None: None, True: one.id, False: other.id}[change.get("own")]
    await put_suppressions(
        dialer.ledger,
        [
            NewSuppression(
                pattern=change.get("pattern", NUMBER),
                is_prefix=change.get("is_prefix", False),
                campaign_id=campaign_id,
            )
        ],
    )
    for column in change.keys() & {"ends_at", "removed_at"}:
        await dialer.ledger.changed(f"UPDATE suppressions SET {column} = {change[column]}")

    assert (await check_number(dialer.ledger, NUMBER, campaign_id=one.id)).suppressed is suppressed
