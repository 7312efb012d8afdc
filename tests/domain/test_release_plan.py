"""Which trunk lets out what: order, weight, classes of numbers, limits of campaigns, calls back, probes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from dialer.domain.due_work import Work, WorkKind
from dialer.domain.release_plan import (
    Claimant,
    Memory,
    Pick,
    Room,
    Situation,
    demands,
    pick_probe,
    plan_releases,
    share_room,
)
from dialer.domain.route import CampaignWays, Way

pytestmark = pytest.mark.unit

A, B, C = 1, 2, 3  #: trunks
BACKLOG = 10_000


def ways(campaign_id: int, *trunks: int, weights: Sequence[int] = (), **classes: Sequence[int]) -> CampaignWays:
    """One list of trunks for every number; ``plus44=[...]``: and another one for those."""
    given = weights or [1] * len(trunks)
    found = {"": tuple(Way(trunk, weight) for trunk, weight in zip(trunks, given, strict=True))}
    found |= {name.replace("plus", "+"): tuple(Way(trunk, 1) for trunk in own) for name, own in classes.items()}
    return CampaignWays(campaign_id=campaign_id, weighted=bool(weights), ways=found)


def new(campaign_id: int, jobs: int, *, route: str = "", not_trunks: Sequence[int] = ()) -> Work:
    return Work(campaign_id=campaign_id, route=route, not_trunks=frozenset(not_trunks), due={WorkKind.NEW: jobs})


def plan(
    rooms: Mapping[int, int | Room],
    own_ways: Sequence[CampaignWays],
    works: Sequence[Work],
    *,
    claimants: Sequence[Claimant] = (),
    mine: Sequence[int] | None = None,
    memory: Memory | None = None,
) -> list[Pick]:
    known = {each.campaign_id: each for each in claimants}
    situation = Situation(
        rooms={trunk: Room(room) if isinstance(room, int) else room for trunk, room in rooms.items()},
        mine=list(rooms) if mine is None else mine,
        claimants={
            each.campaign_id: known.get(each.campaign_id, Claimant(campaign_id=each.campaign_id)) for each in own_ways
        },
        ways={each.campaign_id: each for each in own_ways},
        works=works,
    )
    return plan_releases(situation, memory or Memory()).picks


def by_trunk(picks: Sequence[Pick]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for pick in picks:
        found[pick.trunk_id] += pick.jobs
    return dict(found)


@pytest.mark.parametrize(
    ("rooms", "due", "taken"),
    [
        pytest.param({A: 10, B: 5}, 4, {A: 4}, id="the first has room"),
        pytest.param({A: 10, B: 5}, 12, {A: 10, B: 2}, id="the next takes what it has no room for"),
        pytest.param({A: 10, B: 5}, BACKLOG, {A: 10, B: 5}, id="a backlog: all are used"),
        pytest.param({B: 5}, 4, {B: 4}, id="the first cannot dial"),
        pytest.param({A: 0, B: 5}, 4, {B: 4}, id="the first is full"),
    ],
)
def test_an_ordered_campaign(rooms: dict[int, int], due: int, taken: dict[int, int]) -> None:
    assert by_trunk(plan(rooms, [ways(1, A, B)], [new(1, due)])) == taken


def test_what_another_feeder_releases_for_is_left_to_it() -> None:
    assert by_trunk(plan({A: 10, B: 5}, [ways(1, A, B)], [new(1, 12)], mine=[B])) == {B: 2}


def test_two_campaigns_with_the_opposite_order_each_get_their_first_trunk() -> None:
    picks = plan({A: 10, B: 10}, [ways(1, A, B), ways(2, B, A)], [new(1, 8), new(2, 8)])
    assert {(pick.campaign_id, pick.trunk_id): pick.jobs for pick in picks} == {(1, A): 8, (2, B): 8}


def test_the_overflow_of_one_campaign_shares_the_next_trunk_with_its_own() -> None:
    picks = plan({A: 2, B: 10}, [ways(1, A, B), ways(2, B)], [new(1, BACKLOG), new(2, BACKLOG)])
    assert {(pick.campaign_id, pick.trunk_id): pick.jobs for pick in picks} == {(1, A): 2, (1, B): 5, (2, B): 5}


def test_scarce_work_of_a_weighted_campaign_goes_by_weight_also_one_by_one() -> None:
    memory, found = Memory(), Counter[int]()
    for _ in range(40):
        found.update(by_trunk(plan({A: 9, B: 9}, [ways(1, A, B, weights=[3, 1])], [new(1, 1)], memory=memory)))
    assert found == {A: 30, B: 10}


def test_of_a_weighted_campaign_with_a_backlog_every_trunk_takes_what_it_can() -> None:
    assert by_trunk(plan({A: 3, B: 9}, [ways(1, A, B, weights=[3, 1])], [new(1, BACKLOG)])) == {A: 3, B: 9}


def test_each_class_of_numbers_takes_its_own_trunks() -> None:
    picks = plan({A: 9, B: 9}, [ways(1, A, plus44=[B])], [new(1, 3), new(1, 4, route="+44"), new(1, 5, route="+33")])
    assert {(pick.trunk_id, pick.routes): pick.jobs for pick in picks} == {(A, ("",)): 3, (B, ("+44",)): 4}


def test_a_fall_back_is_taken_only_while_no_other_can_dial() -> None:
    own = [ways(1, A, B, weights=[1, 0])]
    assert by_trunk(plan({A: 1, B: 9}, own, [new(1, BACKLOG)])) == {A: 1}, "however full it is"
    assert by_trunk(plan({B: 9}, own, [new(1, BACKLOG)])) == {B: 9}


def test_of_two_fall_backs_the_second_is_not_taken_while_the_first_can_dial() -> None:
    own = [ways(1, A, B, C, weights=[1, 0, 0])]
    assert by_trunk(plan({B: 2, C: 9}, own, [new(1, BACKLOG)])) == {B: 2}


def test_who_failed_on_a_trunk_in_this_try_goes_through_the_next_although_the_first_has_room() -> None:
    picks = plan({A: 9, B: 9}, [ways(1, A, B)], [new(1, 2), new(1, 1, not_trunks=[A])])
    assert by_trunk(picks) == {A: 2, B: 1}


def test_campaigns_share_a_trunk_by_weight() -> None:
    claimants = [Claimant(campaign_id=1, weight=3), Claimant(campaign_id=2)]
    picks = plan({A: 12}, [ways(1, A), ways(2, A)], [new(1, BACKLOG), new(2, BACKLOG)], claimants=claimants)
    assert {pick.campaign_id: pick.jobs for pick in picks} == {1: 9, 2: 3}


def test_a_campaigns_own_limit_holds_over_all_its_trunks_and_leaves_the_rest_to_others() -> None:
    claimants = [Claimant(campaign_id=1, room=3), Claimant(campaign_id=2)]
    picks = plan({A: 2, B: 8}, [ways(1, A, B), ways(2, B)], [new(1, BACKLOG), new(2, BACKLOG)], claimants=claimants)
    assert {(pick.campaign_id, pick.trunk_id): pick.jobs for pick in picks} == {(1, A): 2, (1, B): 1, (2, B): 7}


def test_what_a_campaign_may_still_take_is_left_to_its_first_trunk_when_another_feeder_has_it() -> None:
    claimants = [Claimant(campaign_id=1, room=3)]
    assert plan({A: 10, B: 8}, [ways(1, A, B)], [new(1, BACKLOG)], claimants=claimants, mine=[B]) == []


def test_channels_kept_for_promised_calls_back_are_theirs_alone() -> None:
    work = Work(campaign_id=1, route="", due={WorkKind.PROMISED: 5, WorkKind.NEW: 9})
    picks = plan({A: Room(2, 4)}, [ways(1, A)], [work])
    assert {pick.kind: pick.jobs for pick in picks} == {WorkKind.PROMISED: 5}
    work = Work(campaign_id=1, route="", due={WorkKind.NEW: 9})
    assert by_trunk(plan({A: Room(2, 4)}, [ways(1, A)], [work])) == {A: 2}


def test_the_demand_for_a_trunk_is_what_those_before_it_leave() -> None:
    rooms = {A: Room(10), B: Room(5)}
    assert demands(rooms, [new(1, 14)], {1: ways(1, A, B)}) == {A: 14, B: 4}
    assert demands(rooms, [new(1, 8)], {1: ways(1, A, B)}) == {A: 8}


def test_what_trunks_have_in_common_is_shared_also_one_by_one() -> None:
    memory, found = Memory(), Counter[int]()
    for _ in range(10):
        rooms = share_room({A: Room(9), B: Room(9)}, [A, B], 1, {A: 9, B: 9}, memory=memory, of="account:1")
        found.update({trunk: room.jobs for trunk, room in rooms.items()})
    assert found == {A: 5, B: 5}


def test_a_trunk_without_work_leaves_its_part_of_what_is_shared() -> None:
    rooms = share_room({A: Room(9), B: Room(9)}, [A, B], 8, {A: 20}, memory=Memory(), of="account:1")
    assert rooms == {A: Room(8), B: Room(0)}


def test_a_probe_is_anybody_who_may_take_the_trunk_and_has_not_failed_on_it() -> None:
    failed = Work(campaign_id=1, route="", not_trunks=frozenset([A]), due={WorkKind.RETRY: 1})
    promised = Work(campaign_id=1, route="", due={WorkKind.PROMISED: 1})
    own = {1: ways(1, A, B)}
    assert pick_probe(C, [promised], own) is None
    assert pick_probe(A, [failed], own) is None
    found = pick_probe(A, [failed, promised, new(1, 1)], own)
    assert found == Pick(trunk_id=A, campaign_id=1, kind=WorkKind.NEW, routes=("",), jobs=1)
    last = pick_probe(A, [promised], own)
    assert last is not None
    assert last.kind is WorkKind.PROMISED
    assert promised.jobs == 0, "what is tried with is taken"
