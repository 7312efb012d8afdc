"""When a trunk is left alone, when it is tried, and when it is well again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from dialer.domain.breaker import (
    MOVES,
    Breaker,
    BreakerState,
    TrunkResult,
    hold,
    is_probe_due,
    judge_probe,
    judge_results,
    probe_asked,
    probe_begun,
    probe_failed,
    probe_succeeded,
    resumed_by_operator,
)
from dialer.errors import InvariantBroken
from tests.domain.trunk_results import (
    CONGESTION,
    FAILURE,
    HARD,
    NOON,
    OK,
    SILENT,
    after,
    begun_in_turn,
    call,
    under_way,
)

pytestmark = pytest.mark.unit

CLOSED, OPEN, HALF_OPEN, HELD = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.HELD
DOWN = [call(FAILURE, code=503)] * 5
LOGIN = call(HARD, rule="carrier_login")
MEDIA = call(HARD, code=488)


def judge(
    calls: list[TrunkResult], *, every: float = 0.5, others: dict[UUID, datetime] | None = None, now: float = 30
) -> Breaker:
    return judge_results(Breaker(), begun_in_turn(calls, every=every), now=after(now), under_way=others or {})


def opened(now: float = 3) -> Breaker:
    return judge(DOWN, now=now)


def tried(breaker: Breaker, now: float = 11) -> Breaker:
    return probe_begun(breaker, now=after(now))


def held(now: float = 3) -> Breaker:
    return hold(Breaker(), rule="storm_603", reason="all are declined: ask", now=after(now))


# -- when it opens ----------------------------------------------------------------------------------------------------

STATES = [
    pytest.param(DOWN, OPEN, id="five failures in a row"),
    pytest.param(DOWN[:4], CLOSED, id="four"),
    pytest.param([*DOWN[:4], call(OK), DOWN[0]], OPEN, id="five of six: more than half"),
    pytest.param([*DOWN[:4], *[call(OK)] * 5, DOWN[0]], OPEN, id="five of ten: half"),
    pytest.param([*DOWN[:4], *[call(OK)] * 6, DOWN[0]], CLOSED, id="five of eleven"),
    pytest.param([call(OK)] * 40 + [call(FAILURE), call(OK)] * 10, OPEN, id="half of the last twenty"),
    pytest.param([call(FAILURE), call(OK), call(OK)] * 10, CLOSED, id="a third of them"),
    pytest.param([*[call(SILENT)] * 20, *DOWN], OPEN, id="calls that were called off say nothing"),
    pytest.param([call(FAILURE, code=502, number=1)] * 9, CLOSED, id="a code of one and the same number"),
    pytest.param([call(FAILURE, rule="transaction_silent", number=1)] * 5, OPEN, id="silence at one number"),
    pytest.param([call(CONGESTION, code=503)] * 50, CLOSED, id="congestion"),
    pytest.param([LOGIN], CLOSED, id="one fault of settings"),
    pytest.param([LOGIN, LOGIN], HELD, id="a second number with it"),
    pytest.param([replace(LOGIN, number_mark="one")] * 4, CLOSED, id="the same number with it"),
    pytest.param([LOGIN, call(OK), LOGIN], CLOSED, id="one that went well between"),
    pytest.param([call(HARD, code=402), LOGIN], HELD, id="two faults of its settings"),
    pytest.param([MEDIA, MEDIA], CLOSED, id="two numbers that accept no codec may be two numbers"),
    pytest.param([MEDIA, MEDIA, MEDIA], HELD, id="three are the trunk"),
]


@pytest.mark.parametrize(("calls", "state"), STATES)
def test_what_the_last_calls_mean_for_a_trunk(calls: list[TrunkResult], state: BreakerState) -> None:
    assert judge(calls).state is state


CONTACTS = [
    call(code=code, kind=kind, seconds=seconds, rang=rang)
    for code in (403, 404, 410, 480, 486, 487, 600, 603, 604, 607, 608)
    for kind, seconds, rang in ((SILENT, 0.1, None), (SILENT, 0.1, False), (OK, 20.0, True), (OK, 5.0, None))
]


@pytest.mark.parametrize("seed", range(20))
def test_people_and_numbers_never_open_it_however_many(seed: int) -> None:
    chance = Random(seed)
    calls = [chance.choice(CONTACTS) for _ in range(50)]
    assert judge(calls, every=0.05).state is CLOSED
    assert judge([chance.choice(CONTACTS)] * 50, every=0.05).state is CLOSED


def test_failures_of_a_minute_ago_are_past() -> None:
    assert judge(DOWN, now=59).state is OPEN
    assert judge(DOWN, now=61).state is CLOSED


def test_the_start_of_a_campaign_is_no_outage_though_fast_failures_come_first() -> None:
    failed = begun_in_turn([call(FAILURE, code=503, seconds=0.1)] * 6, every=0.2)
    ringing = under_way(*(place * 0.02 for place in range(55) if place % 10))

    assert judge_results(Breaker(), failed, now=after(1.2), under_way=ringing).state is CLOSED
    assert judge_results(Breaker(), failed, now=after(1.2)).state is OPEN


def test_calls_that_have_ended_and_are_not_settled_yet_do_not_speak_for_the_trunk() -> None:
    failed = begun_in_turn(DOWN)
    unsettled = {result.attempt_id: result.begun_at for result in failed}
    assert judge_results(Breaker(), failed, now=after(9), under_way=unsettled).state is OPEN


def test_people_who_talk_since_before_the_failures_do_not_speak_for_the_trunk() -> None:
    calls = [call(FAILURE, code=503), call(OK)] * 5
    assert judge(calls, others=under_way(*range(-40, 0))).state is OPEN
    assert judge(calls, others=under_way(0.1, 1.1)).state is CLOSED


def test_an_outage_shows_while_calls_from_before_it_still_ring_and_end_well() -> None:
    rang = begun_in_turn([call(OK, seconds=20)] * 20, every=0.5)
    failed = [replace(each, begun_at=each.begun_at + timedelta(seconds=25)) for each in begun_in_turn(DOWN, first=50)]
    mixed = [*failed[:3], *rang, *failed[3:]]

    assert judge_results(Breaker(), mixed, now=after(28), under_way=under_way(9, 12, 20)).state is OPEN


def test_a_silent_trunk_opens_though_others_wait_as_long() -> None:
    silent = begun_in_turn([call(FAILURE, rule="no_ringing", seconds=10)] * 5, every=0.1)
    assert judge_results(Breaker(), silent, now=after(10), under_way=under_way(0.05, 0.25, 0.35)).state is OPEN


def test_it_says_what_happened_and_what_is_done() -> None:
    breaker = opened()
    assert breaker.reason == (
        "5 of its last calls failed, the newest like this: the carrier answered SIP 503; one call at a time tries "
        "whether it is well again; if it stays so, ask the carrier"
    )
    assert (breaker.rule, breaker.since, breaker.opened_at) == ("sip_503", after(3), after(3))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (LOGIN, ["user and password", "auth_username", "dialer trunk probe"]),
        (call(HARD, code=402), ["no balance", "top up", "dialer trunk probe"]),
        (call(HARD, rule="phrase_account"), ["empty or barred", "dialer trunk probe"]),
    ],
)
def test_a_held_one_says_what_a_person_has_to_do(fault: TrunkResult, says: list[str]) -> None:
    reason = judge([fault, fault]).reason
    assert [words for words in says if words not in reason] == []


# -- what does not move it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaker", [opened(), tried(opened()), held()], ids=["open", "half open", "held"])
def test_results_never_close_it(breaker: Breaker) -> None:
    well = begun_in_turn([call(OK)] * 50, every=0.1)
    assert judge_results(breaker, well, now=after(10)) == breaker


def test_results_of_calls_begun_before_it_closed_do_not_open_it_again() -> None:
    closed = probe_succeeded(tried(opened()), now=after(14))
    late = begun_in_turn([call(FAILURE, rule="transaction_silent", seconds=32)] * 20, every=0.5)

    assert judge_results(closed, late, now=after(40)) == closed
    again = [replace(each, begun_at=each.begun_at + timedelta(seconds=15)) for each in late]
    assert judge_results(closed, again, now=after(40)).state is OPEN


def test_an_open_one_is_held_when_calls_show_a_fault_of_settings() -> None:
    breaker = judge_results(opened(), begun_in_turn([LOGIN, LOGIN]), now=after(5))
    assert (breaker.state, breaker.probe_at, breaker.opened_at) == (HELD, None, after(3))


# -- probes -----------------------------------------------------------------------------------------------------------


def test_one_probe_at_a_time_after_a_rest() -> None:
    breaker = opened(now=3)
    assert [is_probe_due(breaker, after(seconds)) for seconds in (3, 10.9, 11)] == [False, False, True]

    trying = tried(breaker, now=11)
    assert trying.state is HALF_OPEN
    assert [is_probe_due(trying, after(seconds)) for seconds in (11, 30.9, 31)] == [False, False, True]


PROBES = [
    pytest.param(call(OK, seconds=9), CLOSED, id="answered"),
    pytest.param(call(CONGESTION, code=503), CLOSED, id="too many: it answers, and the rate sees to the rest"),
    pytest.param(call(SILENT, code=404), CLOSED, id="404: it handles calls again"),
    pytest.param(call(FAILURE, code=500), OPEN, id="fails again"),
    pytest.param(call(SILENT, rule="ring_timeout", seconds=30), OPEN, id="rang out without ringing"),
    pytest.param(LOGIN, OPEN, id="another fault, once"),
]


@pytest.mark.parametrize(("result", "state"), PROBES)
def test_what_the_probe_of_an_open_one_means(result: TrunkResult, state: BreakerState) -> None:
    breaker = judge_probe(tried(opened()), result, now=after(12))
    assert breaker.state is state
    assert breaker.probe_at == (after(20) if state is OPEN else None)
    assert breaker.closed_at == (after(12) if state is CLOSED else None)


def test_a_failed_probe_tells_the_newest_fault_and_a_lost_one_nothing_new() -> None:
    failed = judge_probe(tried(opened()), call(FAILURE, rule="trunk_unreachable"), now=after(12))
    assert "refuses connections" in failed.reason
    assert failed.rule == "trunk_unreachable"
    lost = probe_failed(tried(opened()), now=after(31))
    assert (lost.rule, lost.reason) == ("sip_503", opened().reason)


def test_two_probes_with_the_same_fault_of_settings_hold_it() -> None:
    first = judge_probe(tried(opened()), LOGIN, now=after(12))
    second = judge_probe(tried(first, now=20), LOGIN, now=after(21))
    assert (second.state, second.rule) == (HELD, "carrier_login")


HELD_PROBES = [
    pytest.param(call(OK, seconds=9), CLOSED, id="answered"),
    pytest.param(call(SILENT, code=603), HELD, id="the very answer of the storm"),
    pytest.param(call(SILENT, code=486), CLOSED, id="another answer of a network"),
    pytest.param(call(FAILURE, code=503), HELD, id="fails otherwise"),
    pytest.param(call(SILENT, rule="ring_timeout"), HELD, id="tells nothing"),
]


@pytest.mark.parametrize(("result", "state"), HELD_PROBES)
def test_what_the_probe_of_a_held_one_means(result: TrunkResult, state: BreakerState) -> None:
    asked = probe_asked(held(), now=after(5))
    breaker = judge_probe(tried(asked), result, now=after(12))
    assert breaker.state is state
    if state is HELD:
        assert (breaker.reason, breaker.probe_at) == (held().reason, None)


def test_a_held_one_that_fails_its_probe_is_held_since_the_first_time() -> None:
    once = judge([LOGIN, LOGIN], now=3)
    again = judge_probe(tried(probe_asked(once, now=after(50)), now=50), LOGIN, now=after(51))
    assert again == once


def test_a_held_one_is_never_tried_unless_a_person_asks() -> None:
    assert not is_probe_due(held(), NOON + timedelta(days=1))
    assert is_probe_due(probe_asked(held(), now=after(5)), after(5))
    assert probe_asked(Breaker(), now=NOON) == Breaker()
    assert probe_asked(tried(opened()), now=NOON) == tried(opened())


def test_a_probe_that_comes_late_changes_nothing() -> None:
    closed = resumed_by_operator(tried(opened()), now=after(12))
    assert judge_probe(closed, call(FAILURE), now=after(13)) == closed


def test_it_rests_longer_the_longer_it_is_open() -> None:
    breaker, now = opened(now=0), 8.0
    rests: dict[float, float] = {}
    while now < 2 * 3600:
        breaker = probe_failed(probe_begun(breaker, now=after(now)), now=after(now))
        assert breaker.probe_at is not None
        rest = (breaker.probe_at - after(now)).total_seconds()
        rests.setdefault(rest, now)
        now += rest
    assert rests == pytest.approx({8: 8, 30: 600, 60: 3600})


def test_one_that_fails_again_right_after_a_good_probe_rests_twice_as_long_each_time() -> None:
    breaker, now, rests = Breaker(), 0.0, []
    for _ in range(5):
        failed = [replace(each, begun_at=after(now + place * 0.1)) for place, each in enumerate(begun_in_turn(DOWN))]
        breaker = judge_results(breaker, failed, now=after(now + 1))
        assert breaker.probe_at is not None
        rests.append((breaker.probe_at - after(now + 1)).total_seconds())
        breaker = probe_succeeded(probe_begun(breaker, now=breaker.probe_at), now=breaker.probe_at)
        now += 1 + rests[-1]
    assert rests == [8, 16, 32, 60, 60]


def test_one_that_was_well_for_a_while_rests_as_at_first() -> None:
    closed = probe_succeeded(tried(opened()), now=after(12))
    later = [replace(each, begun_at=each.begun_at + timedelta(minutes=3)) for each in begun_in_turn(DOWN)]
    assert judge_results(closed, later, now=after(190)).probe_at == after(198)


# -- moves ------------------------------------------------------------------------------------------------------------


def test_a_person_lets_it_go_from_any_state_and_nothing_of_it_remains() -> None:
    for breaker in (opened(), tried(opened()), held()):
        closed = resumed_by_operator(breaker, now=after(60))
        assert (closed.state, closed.reason, closed.rule, closed.openings) == (CLOSED, "", "", 0)
        assert (closed.since, closed.closed_at, closed.probe_at) == (after(60), after(60), None)


ILLEGAL: list[tuple[str, Callable[[], Breaker]]] = [
    ("a probe of a closed one", lambda: probe_begun(Breaker(), now=NOON)),
    ("a failed probe without one", lambda: probe_failed(opened(), now=NOON)),
    ("a good probe of a closed one", lambda: probe_succeeded(Breaker(), now=NOON)),
    ("holding a held one", lambda: hold(held(), rule="", reason="", now=NOON)),
    ("letting go a closed one", lambda: resumed_by_operator(Breaker(), now=NOON)),
]


@pytest.mark.parametrize("move", [move for _, move in ILLEGAL], ids=[name for name, _ in ILLEGAL])
def test_a_move_that_is_not_in_the_table_is_a_bug(move: Callable[[], Breaker]) -> None:
    with pytest.raises(InvariantBroken):
        move()


def test_every_state_has_its_row_of_moves() -> None:
    assert set(MOVES) == set(BreakerState)
