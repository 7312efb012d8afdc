"""The same campaign with webhooks and by asking: the same results, row by row."""

import pytest

from tests.journeys.both_ways import compare, go

pytestmark = pytest.mark.journey


async def test_both_ways_agree_row_by_row() -> None:
    found = await compare(contacts=40, seed=42, agent=None)

    assert found["states"] == ["finished", "finished"]
    assert found["differ_otherwise"] == []
    assert found["answered_told"] > 0
    assert found["rooms_left"] == [[], []]


async def test_agents_are_there_report_and_leave_nobody_alone() -> None:
    way = await go(contacts=40, seed=42, webhooks=True, agent="sim-ready")

    said = [attempt[6] for row in way.rows.values() for attempt in row["story"] if attempt[0] == "answered"]
    assert way.state == "finished"
    assert said
    assert all("dialer.amd" in report for report in said)
    assert (way.rooms_left, way.agents_alone, way.callees_alone) == ([], 0, 0)


async def test_a_campaign_whose_agents_never_come_is_held_and_calls_nobody() -> None:
    way = await go(contacts=10, seed=42, webhooks=True, agent="sim-crash")

    assert way.state == "held"
    assert all(row["attempts"] == 0 for row in way.rows.values())
    assert (way.rooms_left, way.agents_alone) == ([], 0)
