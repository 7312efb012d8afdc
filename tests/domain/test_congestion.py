"""Rates and channels that nobody told us: cut, remembered, approached, left behind."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from dialer.domain.congestion import (
    CUT_EVERY,
    ChannelsCut,
    Cut,
    channels_cut_after,
    cut_after,
    learned_channels,
    learned_rate,
    measured_over,
    ramped,
)
from tests.domain.unknown_limit import START, Calling, at

pytestmark = pytest.mark.unit

CUT = Cut(ceiling=10.0, rate=9.0, at=START, reason="too much")


def cut(last: Cut | None = None, *, sent: float, accepted: float, configured: float = 20.0, now: float = 0.0) -> Cut:
    found = cut_after(
        last,
        sent_per_second=sent,
        accepted_per_second=accepted,
        configured=configured,
        now=at(now),
        reason="too much",
    )
    assert found is not None
    return found


# -- the carrier's limit is told to nobody ----------------------------------------------------------------------------

LIMITS = [
    pytest.param(20, 7, {}, id="7 of 20"),
    pytest.param(20, 7, {"lateness": 0.015}, id="7 of 20, calls up to 15 ms late"),
    pytest.param(20, 7, {"ahead": 3.0, "lateness": 0.015}, id="7 of 20, rates known 3 s late"),
    pytest.param(20, 3, {}, id="3 of 20"),
    pytest.param(20, 3, {"lateness": 0.015}, id="3 of 20, calls up to 15 ms late"),
    pytest.param(20, 1, {}, id="1 of 20"),
    pytest.param(100, 50, {}, id="50 of 100"),
    pytest.param(100, 3, {}, id="3 of 100"),
    pytest.param(50, 45, {}, id="45 of 50"),
]


@pytest.mark.parametrize(("configured", "limit", "how"), LIMITS)
def test_an_unknown_limit_is_found_within_a_minute_and_then_hardly_passed(
    configured: float, limit: int, how: dict[str, Any]
) -> None:
    calling = Calling(configured, lambda _: limit, **how).run(660)

    assert 0.85 * limit <= calling.taken_per_second(60, 660) <= limit
    assert calling.refused_share(60, 660) < 0.025


def test_in_every_minute_after_the_first_a_carrier_gets_what_it_takes() -> None:
    calling = Calling(20, lambda _: 7).run(660)

    for minute in range(60, 660, 60):
        assert 0.85 * 7 <= calling.taken_per_second(minute, minute + 60) <= 7
        assert calling.refused_share(minute, minute + 60) < 0.03


def test_a_carrier_that_counts_what_it_refuses_is_not_kept_over_its_limit() -> None:
    calling = Calling(20, lambda _: 7, counts_refused=True, lateness=0.01).run(660)

    assert calling.taken_per_second(90, 660) > 0.85 * 7
    assert calling.refused_share(90, 660) < 0.05


@pytest.mark.parametrize(("configured", "limit"), [(20, 7), (20, 3), (100, 50), (100, 7)])
def test_a_limit_that_is_lifted_is_left_behind_within_three_minutes(configured: float, limit: int) -> None:
    lifted = 300
    calling = Calling(configured, lambda now: limit if now < lifted else 10_000).run(lifted + 200)

    assert calling.taken_per_second(lifted + 180, lifted + 190) == pytest.approx(0.98 * configured, rel=0.02)
    assert calling._allowed(lifted + 180) == configured  # nothing is learned any more


def test_a_limit_that_is_lowered_again_is_found_again() -> None:
    calling = Calling(20, lambda now: 15 if now < 120 else 5).run(300)

    assert calling.taken_per_second(60, 120) > 0.85 * 15
    assert 0.85 * 5 <= calling.taken_per_second(180, 300) <= 5


# -- one cut ----------------------------------------------------------------------------------------------------------

CUTS = [
    pytest.param(20, 19, 18.0, id="a tenth below what was sent"),
    pytest.param(10, 9.5, 9.0, id="what was sent, not what was configured"),
    pytest.param(20, 7, 10.0, id="clearly less is taken: at once, to half at most"),
    pytest.param(12, 7, 7.0, id="clearly less is taken: to what was taken"),
    pytest.param(3.05, 2.29, 2.745, id="3 of 4 taken at 3.05 a second is a limit of 3, not of 2.3"),
    pytest.param(20, 0, 10.0, id="nothing is taken"),
    pytest.param(0.2, 0.2, 0.2, id="not below one in a hundred of what is configured"),
]


@pytest.mark.parametrize(("sent", "accepted", "rate"), CUTS)
def test_a_refusal_cuts_the_rate(sent: float, accepted: float, rate: float) -> None:
    assert cut(sent=sent, accepted=accepted).rate == pytest.approx(rate)


def test_a_cut_never_raises_the_rate_when_what_was_sent_is_counted_late() -> None:
    first = cut(sent=20, accepted=7)
    second = cut(first, sent=18, accepted=12, now=3)

    assert first.rate == 10
    assert second.rate == pytest.approx(9, rel=0.01)


def test_a_second_cut_waits_until_refusals_speak_of_the_first() -> None:
    young, old = CUT_EVERY - timedelta(milliseconds=1), CUT_EVERY
    arguments: dict[str, Any] = {"sent_per_second": 9, "accepted_per_second": 5, "configured": 20, "reason": ""}

    assert cut_after(CUT, now=START + young, **arguments) is None
    assert cut_after(CUT, now=START + old, **arguments) is not None


def test_a_tenth_of_a_call_per_second_is_the_least() -> None:
    last = cut(sent=0.105, accepted=0, configured=2)
    assert last.rate == pytest.approx(0.1)
    assert cut(sent=0.05, accepted=0, configured=0.05).rate == 0.05


# -- the climb --------------------------------------------------------------------------------------------------------


def test_the_rate_climbs_back_to_its_ceiling_rests_there_and_looks_for_more() -> None:
    rates = [learned_rate(CUT, 20, at(seconds)) for seconds in (0, 15, 30, 45, 60, 90)]

    assert rates == pytest.approx([9.0, 9.875, 10.0, 10.125, 11.0, 18.0])


def test_the_rate_only_climbs_and_then_nothing_is_learned_any_more() -> None:
    rates = [learned_rate(CUT, 20, at(seconds)) for seconds in range(300)]
    climbing = [rate for rate in rates if rate is not None]

    assert all(before < after or after == pytest.approx(10) for before, after in pairwise(climbing))
    assert max(climbing) < 20
    assert rates[len(climbing) :] == [None] * (300 - len(climbing))
    assert len(climbing) < 180


def test_a_configured_limit_below_what_was_learned_stands() -> None:
    assert learned_rate(CUT, 9, START) is None
    assert learned_rate(CUT, 9.5, START) == 9
    assert learned_rate(None, 9, START) is None


def test_a_clock_that_is_a_little_behind_sees_the_rate_right_after_the_cut() -> None:
    assert learned_rate(CUT, 20, at(-5)) == pytest.approx(9)


def test_a_slow_carrier_is_asked_for_more_less_often() -> None:
    slow = replace(CUT, ceiling=1.0, rate=0.9)
    assert learned_rate(slow, 20, at(60)) == pytest.approx(1 - 0.1 / 27)
    assert learned_rate(slow, 20, at(90)) == pytest.approx(1)


@pytest.mark.parametrize(("rate", "seconds"), [(50, 2), (3, 2), (0.5, 12)])
def test_a_slow_rate_is_told_from_several_calls(rate: float, seconds: float) -> None:
    assert measured_over(rate) == timedelta(seconds=seconds)


# -- channels ---------------------------------------------------------------------------------------------------------


def channels_cut(last: ChannelsCut | None, *, in_use: int, up: int, now: float = 0) -> ChannelsCut | None:
    return channels_cut_after(last, in_use=in_use, accepted_open=up, configured=30, now=at(now), reason="full")


@pytest.mark.parametrize(
    ("in_use", "up", "channels"),
    [(21, 20, 18), (21, 12, 12), (3, 2, 2), (2, 1, 1), (1, 0, 1), (1, 1, 1)],
)
def test_a_refusal_for_too_many_at_once_cuts_the_channels(in_use: int, up: int, channels: int) -> None:
    found = channels_cut(None, in_use=in_use, up=up)
    assert found is not None
    assert found.channels == channels
    assert learned_channels(found, 30, START) == channels


def test_right_after_a_cut_as_many_are_allowed_as_it_says() -> None:
    for up in range(2, 300):
        found = channels_cut_after(None, in_use=up, accepted_open=up, configured=400, now=START, reason="")
        assert found is not None
        assert learned_channels(found, 400, START) == found.channels


def test_channels_climb_back_to_what_was_up_and_then_look_for_one_more() -> None:
    found = channels_cut(None, in_use=21, up=20)
    seen = [learned_channels(found, 30, at(seconds)) for seconds in (0, 10, 30, 31, 50, 61, 120)]
    assert seen == [18, 19, 20, 20, 20, 22, None]


def test_a_second_cut_of_channels_waits_and_counts_from_what_is_allowed() -> None:
    first = channels_cut(None, in_use=21, up=20)
    assert channels_cut(first, in_use=20, up=19, now=2) is None
    second = channels_cut(first, in_use=20, up=20, now=3)
    assert second is not None
    assert second.channels == 16  # 18 were allowed; two more were still up


# -- the ramp ---------------------------------------------------------------------------------------------------------


def test_a_ramp_leads_from_a_fifth_to_all_of_it_by_the_same_factor_each_second() -> None:
    rates = [ramped(50, since=START, now=at(seconds)) for seconds in (0, 2.5, 5, 7.5, 10, 11)]
    assert rates == pytest.approx([10, 14.95, 22.36, 33.44, 50, 50], rel=0.001)


def test_a_ramp_begins_at_one_call_per_second_or_at_the_limit_below() -> None:
    assert ramped(3, since=START, now=START) == 1
    assert ramped(0.5, since=START, now=START) == 0.5


def test_a_ramp_takes_as_long_as_the_trunk_says_and_a_minute_at_most() -> None:
    assert ramped(50, since=START, now=at(0), span=timedelta(0)) == 50
    assert ramped(50, since=START, now=at(59), span=timedelta(hours=1)) < 50
    assert ramped(50, since=START, now=at(60), span=timedelta(hours=1)) == 50
