"""The carrier's limits and its record."""

import pytest

from simulator import numbers
from simulator.carrier import Carrier
from simulator.record import Invite
from simulator.settings import CarrierLimits

pytestmark = pytest.mark.unit


def carrier(**limits: float) -> Carrier:
    return Carrier(seed=1, limits=CarrierLimits(**limits))  # type: ignore[arg-type]


def invite(at: float, trunk: str = "ST_a") -> Invite:
    return Invite(at=at, trunk=trunk, number="+12125550000", room="room")


@pytest.mark.parametrize(
    ("per_second", "moments", "taken"),
    [
        pytest.param(2, [0, 0.1, 0.2, 1.05], "TTFT", id="the third within a second is refused"),
        pytest.param(0.5, [0, 1.5, 2.0], "TFT", id="one in two seconds"),
        pytest.param(2.5, [0, 0.4, 0.8, 1.2], "TTTT", id="evenly paced calls are always taken"),
    ],
)
def test_calls_per_second(per_second: float, moments: list[float], taken: str) -> None:
    limited = carrier(calls_per_second=per_second)
    fates = [limited.invite(invite(at), call=at) for at in moments]
    assert "".join("F" if fate is numbers.CPS_LIMIT else "T" for fate in fates) == taken


def test_a_refused_invite_is_on_record_but_holds_no_channel() -> None:
    limited = carrier(max_concurrent_calls=1)
    limited.invite(invite(0), call=1)
    assert limited.invite(invite(5), call=2) is numbers.CHANNEL_LIMIT
    limited.hang_up(2)
    assert limited.calls == 1
    limited.hang_up(1)
    assert limited.invite(invite(9), call=3) is numbers.RINGS_FOREVER
    assert (len(limited.record.invites()), limited.record.most_calls) == (3, 1)


def test_the_record_says_when_both_legs_of_a_call_were_down() -> None:
    moments = iter([0.0, 7.5, 99.0])  # its start, and what follows
    clocked = Carrier(seed=1, limits=CarrierLimits(), now=lambda: next(moments))
    clocked.invite(invite(1.0), call="first")
    clocked.invite(invite(2.0), call="second")
    clocked.hang_up("first")
    assert [one.ended_at for one in clocked.record.invites()] == [7.5, None]
    clocked.hang_up("first")
    assert [one.ended_at for one in clocked.record.invites()] == [7.5, None]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"calls_per_second": 1}, id="for its speed"),
        pytest.param({"max_concurrent_calls": 1}, id="for want of a channel"),
    ],
)
def test_a_refused_call_ended_when_it_came(limits: dict[str, float]) -> None:
    limited = carrier(**limits)
    limited.invite(invite(3.0), call=1)
    limited.invite(invite(3.5), call=2)
    limited.hang_up(2)
    assert [one.ended_at for one in limited.record.invites()] == [None, 3.5]


def test_the_record_counts_each_trunk_for_itself() -> None:
    unlimited = carrier()
    for at, trunk in ((0.0, "ST_a"), (0.1, "ST_b"), (0.2, "ST_a")):
        unlimited.invite(invite(at, trunk), call=at)
    assert unlimited.record.worst_second == 3
    assert unlimited.record.worst_second_by_trunk() == {"ST_a": 2, "ST_b": 1}


def test_a_call_refused_for_its_speed_does_not_use_up_a_fate() -> None:
    limited = carrier(calls_per_second=1)
    number = "+12125551234"
    first, _, second = [
        limited.invite(Invite(at=at, trunk="ST_a", number=number, room="room"), call=at) for at in (0.0, 0.5, 1.5)
    ]
    unlimited = carrier()
    assert [first, second] == [
        unlimited.invite(Invite(at=at, trunk="ST_a", number=number, room="room"), call=at) for at in (0.0, 0.1)
    ]


def test_anything_but_digits_after_a_plus_is_no_number() -> None:
    wrong = Invite(at=0, trunk="ST_a", number="+1 212 555 0486", room="room")
    assert carrier().invite(wrong, call=1) == numbers.final(404)


def test_numbers_without_a_fate_of_their_own_take_turns_by_their_last_digits() -> None:
    cycling = Carrier(seed=1, limits=CarrierLimits(), everyone=(486, 600, 0))
    numbers_dialed = ("+12125551230", "+12125551231", "+12125551232", "+12125551233", "+12125550404")
    fates = [
        cycling.invite(Invite(at=at, trunk="ST_a", number=number, room="room"), call=at)
        for at, number in enumerate(numbers_dialed)
    ]
    assert [fate.code for fate in fates] == [600, 0, 486, 600, 404]
