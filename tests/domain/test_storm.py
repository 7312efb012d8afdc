"""The same fast refusal over many numbers, and what only looks like it."""

from dataclasses import replace
from datetime import datetime
from random import Random
from uuid import UUID

import pytest

from dialer.domain.breaker import TrunkResult
from dialer.domain.storm import Storm, StormKind, find_storm
from tests.domain.trunk_results import FAILURE, OK, SILENT, after, begun_in_turn, call, under_way

pytestmark = pytest.mark.unit


def fast(code: int, *, seconds: float = 0.3, rang: bool | None = None, number: int | None = None) -> TrunkResult:
    return call(SILENT, code=code, seconds=seconds, rang=rang, number=number)


def slow(code: int = 486) -> TrunkResult:
    return call(OK, code=code, seconds=12, rang=True)


def find(
    calls: list[TrunkResult],
    *,
    calls_up: int = 3,
    every: float = 0.2,
    others: dict[UUID, datetime] | None = None,
    now: float | None = None,
) -> Storm | None:
    return find_storm(
        begun_in_turn(calls, every=every),
        calls_up=calls_up,
        now=after(len(calls) * every if now is None else now),
        under_way=others or {},
    )


STORMS = [
    pytest.param(603, 5, StormKind.BLOCKED, True, id="603"),
    pytest.param(403, 5, StormKind.REFUSED, True, id="403"),
    pytest.param(404, 10, StormKind.NO_ROUTE, True, id="404"),
    pytest.param(486, 5, StormKind.FULL, False, id="486"),
    pytest.param(480, 5, StormKind.FULL, False, id="480"),
]


@pytest.mark.parametrize(("code", "calls", "kind", "holds"), STORMS)
def test_so_many_of_them_in_a_row_are_a_storm(code: int, calls: int, kind: StormKind, holds: bool) -> None:
    assert find([fast(code)] * (calls - 1)) is None
    storm = find([fast(code)] * calls)
    assert storm is not None
    assert (storm.kind, storm.rule, storm.sip_code, storm.holds) == (kind, f"storm_{code}", code, holds)


SAYS = [
    pytest.param(603, ["603", "caller ID is blocked", "account is closed", "dialer trunk probe"], id="603"),
    pytest.param(403, ["403", "caller ID", "addresses", "dialer trunk probe"], id="403"),
    pytest.param(404, ["404", "no route", "dialer trunk probe"], id="404"),
    pytest.param(486, ["486", "channels are full", "limits"], id="486"),
]


@pytest.mark.parametrize(("code", "says"), SAYS)
def test_a_storm_says_what_it_is_and_what_to_do(code: int, says: list[str]) -> None:
    storm = find([fast(code)] * 10)
    assert storm is not None
    assert [words for words in says if words not in storm.reason] == []
    assert storm.todo in storm.reason


def test_a_storm_names_all_the_attempts_it_cost_and_no_other() -> None:
    storm = find([slow(), slow(), *[fast(603)] * 12])
    assert storm is not None
    assert [attempt_id.int for attempt_id in storm.attempt_ids] == list(range(3, 15))
    assert storm.since == after(0.4)


@pytest.mark.parametrize("code", [600, 410, 604, 607, 487, 484])
def test_what_speaks_for_the_person_or_the_number_is_never_a_storm(code: int) -> None:
    assert find([fast(code)] * 50) is None


NO_STORMS = [
    pytest.param([*[fast(603)] * 4, slow(), fast(603)], id="one that rang between"),
    pytest.param([*[fast(603)] * 4, fast(486), fast(603)], id="another answer between"),
    pytest.param([*[fast(603)] * 9, slow()], id="the newest rang"),
    pytest.param([fast(603, rang=True)] * 9, id="all are known to have rung"),
    pytest.param([fast(603, seconds=1.6)] * 9, id="slow enough for people"),
    pytest.param([fast(603, number=1)] * 9, id="one number"),
    pytest.param([fast(603, number=place % 4) for place in range(12)], id="four numbers again and again"),
    pytest.param([replace(fast(603), rule="phrase_blocked")] * 9, id="the carrier says why"),
    pytest.param([replace(fast(403), rule="phrase_destination")] * 9, id="403 with a reason"),
    pytest.param([call(FAILURE, code=503)] * 9, id="failures are the breaker's"),
]


@pytest.mark.parametrize("calls", NO_STORMS)
def test_what_is_no_storm(calls: list[TrunkResult]) -> None:
    assert find(calls) is None


def test_calls_that_were_called_off_do_not_end_a_storm() -> None:
    assert find([*[fast(603)] * 4, call(SILENT), fast(603)]) is not None


def test_a_list_where_everybody_is_busy_is_no_storm() -> None:
    everybody = [fast(486)] * 20
    assert find(everybody, calls_up=0) is None
    assert find(everybody, calls_up=1) is not None


def test_an_account_that_is_dead_shows_without_a_call_up() -> None:
    assert find([fast(603)] * 5, calls_up=0) is not None


def test_a_storm_is_of_one_minute_and_full_channels_of_ten_seconds() -> None:
    assert find([fast(603)] * 5, every=14) is None
    assert find([fast(603)] * 5, every=11) is not None
    assert find([fast(486)] * 5, every=2.5) is None
    assert find([fast(486)] * 5, every=1.9) is not None


def test_a_call_that_has_got_through_meanwhile_stands_in_the_row() -> None:
    calls = [fast(603)] * 5
    assert find(calls, others=under_way(0.3)) is None
    assert find(calls, others=under_way(-5)) is not None


def test_what_was_begun_before_the_breaker_closed_is_over() -> None:
    calls = begun_in_turn([fast(603)] * 9, every=0.2)
    assert find_storm(calls, calls_up=0, now=after(2), since=after(0.9)) is None
    assert find_storm(calls, calls_up=0, now=after(2), since=after(0.7)) is not None


def test_a_list_in_which_half_of_the_numbers_do_not_exist_hardly_ever_looks_like_a_broken_route() -> None:
    chance, seen, rows_of_ten, storms = Random(7), [fast(404), slow()] * 20, 0, 0
    for _ in range(20_000):
        seen = [*seen[1:], fast(404) if chance.random() < 0.5 else slow()][-50:]
        if [result.sip_code for result in seen[-10:]] == [404] * 10:
            rows_of_ten += 1
            storms += find(seen) is not None
    assert rows_of_ten > 10
    assert storms == 0


def test_a_route_that_breaks_in_a_list_with_many_wrong_numbers_is_seen() -> None:
    list_before = [fast(404), slow()] * 12
    assert find([*list_before, *[fast(404)] * 12]) is None
    assert find([*list_before, *[fast(404)] * 25]) is not None


def test_half_a_window_of_nothing_else_is_a_storm_whatever_the_list() -> None:
    bad_list = [*[fast(404)] * 20, slow()]
    assert find([*bad_list, *[fast(404)] * 24]) is None
    assert find([*bad_list, *[fast(404)] * 25]) is not None


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_answers_of_people_are_no_storm(seed: int) -> None:
    chance = Random(seed)
    fates = [fast(486), fast(404), fast(603), fast(480), slow(), slow(603), call(OK), call(OK), call(OK), call(OK)]
    window: list[TrunkResult] = []
    for _ in range(300):
        window = [*window, chance.choice(fates)][-50:]
        assert find(window) is None
