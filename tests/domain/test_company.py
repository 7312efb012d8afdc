"""Who is with the callee."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialer.domain.attempt import AttemptState
from dialer.domain.company import judge_company
from dialer.domain.doubt import OpenAttempt

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LEFT = timedelta(seconds=5)
TALKING = OpenAttempt(
    attempt_id=UUID("0190d0a0-0000-7000-8000-000000000000"),
    state=AttemptState.ANSWERED,
    claimed_at=NOW - timedelta(seconds=60),
    ringing_timeout=timedelta(seconds=30),
    talk_limit=timedelta(hours=1),
    now=NOW,
    has_agent=True,
)
ALONE = replace(TALKING, alone_since=NOW - timedelta(seconds=6))


@pytest.mark.parametrize(
    ("attempt", "agents", "others", "mark"),
    [
        pytest.param(TALKING, 1, False, None, id="with its agent"),
        pytest.param(TALKING, 0, False, None, id="alone since now"),
        pytest.param(replace(TALKING, alone_since=NOW - timedelta(seconds=4)), 0, False, None, id="not for long"),
        pytest.param(replace(ALONE, agent_at=NOW), 0, False, "agent_left", id="the agent has left"),
        pytest.param(ALONE, 0, False, "no_agent", id="no agent ever came"),
        pytest.param(ALONE, 0, True, None, id="somebody took over"),
        pytest.param(ALONE, 1, False, None, id="the agent is back"),
        pytest.param(replace(ALONE, has_agent=False), 0, False, None, id="a campaign without agents"),
        pytest.param(replace(ALONE, state=AttemptState.DIALING), 0, False, None, id="it still rings"),
        pytest.param(replace(ALONE, mark="cancelled"), 0, False, None, id="hung up on already"),
    ],
)
def test_when_a_person_is_hung_up_on(attempt: OpenAttempt, agents: int, others: bool, mark: str | None) -> None:
    assert judge_company(attempt, present=True, agents=agents, others=others, left=LEFT)[1] == mark


def test_who_has_company_is_not_alone_any_more() -> None:
    seen, _ = judge_company(ALONE, present=True, agents=1, others=False, left=LEFT)
    assert (seen.alone_since, seen.agent_at) == (None, NOW)


def test_an_empty_room_says_nothing_of_company() -> None:
    assert judge_company(ALONE, present=False, agents=0, others=False, left=LEFT) == (ALONE, None)
