"""What a trunk may do at one moment: its own limits, its account's, and what was learned of both."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dialer.domain.breaker import Breaker, BreakerState
from dialer.domain.congestion import ChannelsCut, Cut
from dialer.domain.trunk import Account, Trunk
from dialer.domain.trunk_state import WELL, Health, TrunkState
from tests.domain.trunk_results import NOON, after

pytestmark = pytest.mark.unit

TRUNK = Trunk(id=1, name="one", livekit_trunk_id="ST_1", calls_per_second=20, max_concurrent_calls=30)
ACCOUNT = Account(id=7, name="carrier", calls_per_second=14, max_concurrent_calls=10)
PROBE, OTHER = UUID(int=1), UUID(int=2)
CUT = Cut(ceiling=10, rate=9, at=NOON, reason="too many")
FEWER = ChannelsCut(ceiling=12, channels=11, at=NOON, reason="all taken")


def state(*, trunk: Health = WELL, account: Health = WELL, livekit: Health = WELL, seconds: float = 0) -> TrunkState:
    return TrunkState(
        trunk=TRUNK,
        account=ACCOUNT,
        now=after(seconds),
        trunk_health=trunk,
        account_health=account,
        livekit_health=livekit,
    )


def health(kind: BreakerState, *, probe: UUID | None = None) -> Health:
    return Health(breaker=Breaker(state=kind, openings=1), probe_release=probe)


def well_since(seconds: float) -> Health:
    return Health(breaker=Breaker(closed_at=after(seconds)))


def test_a_trunk_of_which_nothing_was_learned_may_do_what_is_set() -> None:
    one = state()
    assert (one.calls_per_second, one.account_calls_per_second, one.requests_per_minute_now) == (20, 14, None)
    assert one.channels(promised=False) == 30


def test_the_rate_that_was_learned_climbs_by_the_ledgers_clock() -> None:
    rates = [state(trunk=Health(breaker=Breaker(), rate_cut=CUT), seconds=s).calls_per_second for s in (0, 30, 200)]
    assert rates == [pytest.approx(9), pytest.approx(10), 20]


@pytest.mark.parametrize(
    ("invites", "safety", "rate"), [(1, 1.0, 20.0), (2, 1.0, 10.0), (1, 0.8, 16.0), (2, 0.55, 5.0)]
)
def test_its_limit_is_counted_in_calls(invites: int, safety: float, rate: float) -> None:
    one = replace(state(), trunk=replace(TRUNK, invites_per_call=invites, safety_factor=safety))
    assert one.calls_per_second == pytest.approx(rate)
    assert one.account_calls_per_second == pytest.approx(14 if invites == 1 else 7), "its own safety factor only"


@pytest.mark.parametrize("scope", ["trunk", "account"])
def test_after_an_outage_of_either_it_begins_with_a_fifth(scope: str) -> None:
    outage = state(trunk=well_since(0)) if scope == "trunk" else state(account=well_since(0))
    found = [replace(outage, now=after(seconds)).calls_per_second for seconds in (0, 5, 10, 60)]
    assert found == [pytest.approx(4), pytest.approx(20 * 0.2**0.5), 20, 20]


def test_the_ramp_begins_where_the_later_of_the_two_outages_ended_and_leads_to_what_was_learned() -> None:
    trunk = Health(breaker=Breaker(closed_at=after(-60)), rate_cut=CUT)
    assert state(trunk=trunk, account=well_since(0)).calls_per_second == pytest.approx(9 * 0.2)
    assert state(trunk=trunk).calls_per_second == pytest.approx(9)


def test_a_trunk_without_a_ramp_is_at_full_rate_at_once() -> None:
    one = replace(state(trunk=well_since(0)), trunk=replace(TRUNK, ramp=timedelta(0)))
    assert one.calls_per_second == 20


@pytest.mark.parametrize(
    ("cut", "promised", "channels"),
    [
        pytest.param(None, False, 25, id="two for people who call in, three for promised calls back"),
        pytest.param(None, True, 28, id="a promised call back"),
        pytest.param(FEWER, False, 11, id="learned"),
        pytest.param(FEWER, True, 11, id="learned, for a promised call back too"),
        pytest.param(ChannelsCut(ceiling=29, channels=28, at=NOON, reason=""), False, 25, id="learned above it"),
    ],
)
def test_its_channels(cut: ChannelsCut | None, promised: bool, channels: int) -> None:
    kept = replace(TRUNK, reserved_channels=2, callback_channels=3)
    one = replace(state(trunk=Health(breaker=Breaker(), channels_cut=cut)), trunk=kept)
    assert one.channels(promised=promised) == channels


@pytest.mark.parametrize(
    ("configured", "cut", "seconds", "requests"),
    [
        pytest.param(None, None, 0, None, id="no limit is known"),
        pytest.param(1000, None, 0, 1000, id="as it is set"),
        pytest.param(1000, CUT, 0, 540, id="learned"),
        pytest.param(300, CUT, 0, 300, id="set below what was learned"),
        pytest.param(None, CUT, 0, 540, id="learned where none is set"),
        pytest.param(None, CUT, 30, 600, id="and climbing"),
        pytest.param(None, CUT, 600, None, id="until it is forgotten"),
    ],
)
def test_livekits_quota(configured: float | None, cut: Cut | None, seconds: float, requests: float | None) -> None:
    one = state(livekit=Health(breaker=Breaker(), rate_cut=cut), seconds=seconds)
    found = replace(one, requests_per_minute=configured).requests_per_minute_now
    assert found == (requests if requests is None else pytest.approx(requests))


CLOSED, OPEN, HALF_OPEN, HELD = BreakerState


@pytest.mark.parametrize("kind", [OPEN, HALF_OPEN, HELD])
@pytest.mark.parametrize("scope", ["trunk", "account"])
def test_only_the_probe_is_let_through(kind: BreakerState, scope: str) -> None:
    ill = health(kind, probe=PROBE)
    one = state(trunk=ill) if scope == "trunk" else state(account=ill)

    assert [one.lets_through(release) for release in (PROBE, OTHER, None)] == [True, False, False]
    assert [one.is_probe(release) for release in (PROBE, OTHER)] == [True, False]
    assert one.breaker.state is kind


def test_without_a_probe_nobody_is_let_through() -> None:
    assert not state(trunk=health(OPEN)).lets_through(None)
    assert not state(trunk=health(OPEN)).lets_through(OTHER)


def test_the_probe_of_an_account_is_not_let_through_a_trunk_that_is_held_itself() -> None:
    one = state(trunk=health(HELD), account=health(HALF_OPEN, probe=PROBE))
    assert not one.lets_through(PROBE)


def test_a_trunk_without_an_account_has_no_limits_of_one() -> None:
    assert replace(state(), account=None).account_calls_per_second is None
