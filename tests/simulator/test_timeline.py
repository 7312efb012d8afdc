"""When what happens in a call."""

import json
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol.models import DisconnectReason

from simulator import numbers, sip_errors
from simulator.timeline import Step, Terms, plan
from tests.simulator.test_replay import number_of

pytestmark = pytest.mark.unit

ANSWERS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "recorded/answers.json").read_text())
HANGS_UP = DisconnectReason.CLIENT_INITIATED
RINGS_3_S = numbers.answer(ring_seconds=3, talk_seconds=None)


def timed(steps: list[Step]) -> list[tuple[float, str]]:
    return [(step.at_seconds, step.status) for step in steps]


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: str(row["carrier"]))
def test_the_participant_leaves_as_recorded(row: dict[str, Any]) -> None:
    left = [event for event in row["webhooks"] if event["event"] == "participant_left"]
    fate = numbers.scripted_fate(number_of(row["carrier"]))
    assert fate is not None
    steps = plan(fate, Terms(ringing_timeout_seconds=12))
    if not left:  # the recorder hung up later
        assert steps[-1].at_seconds == 86_400
        return
    assert steps[-1].leaves is not None
    assert DisconnectReason.Name(steps[-1].leaves) == left[0]["disconnectReason"]
    statuses = ["dialing", *[step.status for step in steps if step.status]]
    assert statuses[-1] == left[0]["sip.callStatus"]


@pytest.mark.parametrize(
    ("terms", "end"),
    [
        pytest.param(Terms(ringing_timeout_seconds=12), (12, sip_errors.RING_TIMEOUT), id="12 s"),
        pytest.param(Terms(), (80, sip_errors.RPC_DEADLINE), id="not set"),
        pytest.param(Terms(ringing_timeout_seconds=-5), (80, sip_errors.RPC_DEADLINE), id="negative"),
        pytest.param(Terms(ringing_timeout_seconds=81), (80, sip_errors.RPC_DEADLINE), id="over 80 s"),
        pytest.param(Terms(waits_for_answer=False), (180, sip_errors.RING_TIMEOUT), id="nobody waits"),
        pytest.param(Terms(max_call_seconds=7), (7, sip_errors.RING_TIMEOUT), id="the call may last 7 s"),
    ],
)
def test_ringing_ends(terms: Terms, end: tuple[float, object]) -> None:
    steps = plan(numbers.RINGS_FOREVER, terms)
    assert timed(steps)[0] == (0, "ringing")
    assert (steps[-1].at_seconds, steps[-1].failure) == end


@pytest.mark.parametrize(("ringing_timeout", "ends_at"), [(31, 31), (32, 32), (60, 32)], ids=["31 s", "32 s", "60 s"])
def test_silence_ends_with_the_transaction_at_the_latest(ringing_timeout: float, ends_at: float) -> None:
    [end] = plan(numbers.SILENCE, Terms(ringing_timeout_seconds=ringing_timeout))
    assert end.at_seconds == ends_at
    assert (end.failure == sip_errors.transaction_failed(0)) is (ringing_timeout >= 32)


def test_the_callee_hangs_up_some_time_after_the_answer() -> None:
    fate = numbers.answer(ring_seconds=1, talk_seconds=2)
    steps = plan(fate, Terms(dtmf="w1"))
    assert timed(steps) == [(0, "ringing"), (1, "automation"), (2.0, "active"), (3, "hangup")]


def test_the_longest_call_counts_the_ringing() -> None:
    steps = plan(RINGS_3_S, Terms(max_call_seconds=5))
    assert timed(steps) == [(0, "ringing"), (3, "active"), (5, "hangup")]


def test_a_call_that_is_over_during_the_tones_was_answered() -> None:
    end = plan(numbers.answer(ring_seconds=0, talk_seconds=1), Terms(dtmf="1234"))[-1]
    assert (end.at_seconds, end.is_connected, end.leaves) == (1, True, HANGS_UP)


def test_junk_among_the_tones_takes_no_time() -> None:
    steps = plan(RINGS_3_S, Terms(dtmf="1, hello!"))
    assert timed(steps)[1:3] == [(3, "automation"), (3.5, "active")]


def test_an_answer_after_the_ringing_timeout_comes_too_late() -> None:
    steps = plan(RINGS_3_S, Terms(ringing_timeout_seconds=2))
    assert timed(steps) == [(0, "ringing"), (2, "")]


def test_wrong_credentials_are_another_failure_than_none() -> None:
    [refused] = plan(numbers.final(407), Terms(has_credentials=True))
    assert refused.failure == sip_errors.AUTH_WRONG
