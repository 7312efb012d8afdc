"""What an agent does is in its name, and what it reports in the keys that the dialer reads."""

import json
from datetime import UTC, datetime

import pytest

from simulator.behaviours import JOIN_SECONDS, LEAVE_SECONDS, Behaviour, behaviour_of
from simulator.says import Says, as_metadata

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sim-ready", Behaviour(listens=True, joins_after_seconds=JOIN_SECONDS)),
        ("sim-slow-8", Behaviour(listens=True, joins_after_seconds=8)),
        ("sim-slow-0.5", Behaviour(listens=True, joins_after_seconds=0.5)),
        ("sim-crash", Behaviour(joins_after_seconds=None)),
        ("sim-leaves-5", Behaviour(leaves_after_seconds=5)),
        (
            "sim-reports-booked",
            Behaviour(says=Says(amd="human", disposition="booked"), deletes_after_seconds=LEAVE_SECONDS),
        ),
        ("sim-callback-60", Behaviour(says=Says(callback_after_seconds=60), deletes_after_seconds=LEAVE_SECONDS)),
        ("sim-callback-at-noon", Behaviour(says=Says(callback_at="noon"), deletes_after_seconds=LEAVE_SECONDS)),
        ("sim-long-3", Behaviour(says=Says(disposition="xxx"), deletes_after_seconds=LEAVE_SECONDS)),
        ("sim-dnc", Behaviour(says=Says(do_not_call=True), deletes_after_seconds=LEAVE_SECONDS)),
        ("sim-machine", Behaviour(says=Says(amd="machine-vm"), deletes_after_seconds=LEAVE_SECONDS)),
        ("sim-metadata-booked", Behaviour(says=Says(disposition="booked"), says_in_metadata=True)),
    ],
)
def test_a_name_says_what_its_agent_does(name: str, expected: Behaviour) -> None:
    assert behaviour_of(name) == expected


@pytest.mark.parametrize("name", ["", "sim", "sim-slow", "sim-slow-soon", "sim-reports-", "sim-ready-2", "my-agent"])
def test_nobody_serves_another_name(name: str) -> None:
    assert behaviour_of(name) is None


@pytest.mark.parametrize(
    ("says", "report"),
    [
        pytest.param(Says(), {}, id="nothing"),
        pytest.param(Says(amd="machine-vm"), {"dialer.amd": "machine-vm"}, id="a machine"),
        pytest.param(
            Says(amd="human", disposition="booked", do_not_call=True),
            {"dialer.amd": "human", "dialer.disposition": "booked", "dialer.do_not_call": "true"},
            id="a person",
        ),
        pytest.param(
            Says(callback_after_seconds=90.5),
            {"dialer.callback_at": "2026-11-24T12:01:30.500+00:00"},
            id="a call back, with its offset",
        ),
        pytest.param(Says(callback_at="noon"), {"dialer.callback_at": "noon"}, id="a call back, in the agent's words"),
    ],
)
def test_a_report_has_the_dialer_s_keys(says: Says, report: dict[str, str]) -> None:
    assert says.report(NOON) == report
    assert json.loads(as_metadata(report)) == report
