"""Which trunks carry which numbers, in which order."""

import pytest

from dialer.domain.route import CampaignWays, Route, Way, may_serve, prefixes_of, route_of, ways_of

pytestmark = pytest.mark.unit

MAIN, SPARE, UK, LONDON = 1, 2, 3, 4
UNROUTED = (Route(trunk_id=MAIN, place=1), Route(trunk_id=SPARE, place=2))
ROUTED = (*UNROUTED, Route(trunk_id=UK, prefix="+44"), Route(trunk_id=LONDON, prefix="+4420"))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("+442071838750", "+4420", id="the longest prefix wins"),
        pytest.param("+441614960123", "+44", id="the next longest"),
        pytest.param("+12125550100", "", id="none of them"),
        pytest.param("+44", "+44", id="the prefix itself"),
    ],
)
def test_route_of(number: str, expected: str) -> None:
    assert route_of(number, ["+4420", "+44", "+49"]) == expected
    assert route_of(number, []) == ""


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param((), {"": []}, id="no trunk"),
        pytest.param(UNROUTED, {"": [(MAIN, 1), (SPARE, 1)]}, id="by place"),
        pytest.param(
            ROUTED,
            {
                "": [(MAIN, 1), (SPARE, 1)],
                "+44": [(UK, 1), (MAIN, 0), (SPARE, 0)],
                "+4420": [(LONDON, 1), (UK, 0), (MAIN, 0), (SPARE, 0)],
            },
            id="shorter routes are fall-backs of longer ones",
        ),
        pytest.param(
            (Route(trunk_id=MAIN, weight=3), Route(trunk_id=SPARE, place=1, weight=1)),
            {"": [(MAIN, 3), (SPARE, 1)]},
            id="weights",
        ),
        pytest.param(
            (Route(trunk_id=MAIN), Route(trunk_id=UK, place=1, serves=("+44",))),
            {"": [(MAIN, 1)], "+44": [(MAIN, 1), (UK, 1)]},
            id="a trunk is taken only for what it serves",
        ),
        pytest.param((Route(trunk_id=UK, serves=("+44",)),), {"": [], "+44": [(UK, 1)]}, id="nobody serves the others"),
        pytest.param(
            (Route(trunk_id=MAIN), Route(trunk_id=UK, prefix="+44", serves=("+33",))),
            {"": [(MAIN, 1)], "+33": [(MAIN, 1)], "+44": [(MAIN, 1)]},
            id="where the routed trunk serves no such number, the next longest route is no fall-back",
        ),
        pytest.param(
            (Route(trunk_id=MAIN), Route(trunk_id=MAIN, prefix="+44"), Route(trunk_id=UK, prefix="+44", place=1)),
            {"": [(MAIN, 1)], "+44": [(MAIN, 1), (UK, 1)]},
            id="a trunk stands once, where it comes first",
        ),
    ],
)
def test_ways_of(routes: tuple[Route, ...], expected: dict[str, list[tuple[int, int]]]) -> None:
    found = ways_of(routes, prefixes_of(routes))
    assert {prefix: [(way.trunk_id, way.weight) for way in ways] for prefix, ways in found.items()} == expected


def test_all_that_routes_and_trunks_tell_apart() -> None:
    routes = (*ROUTED, Route(trunk_id=5, serves=("+33", "+44")))
    assert prefixes_of(routes) == ("+33", "+44", "+4420")


def test_a_campaign_names_each_trunk_once_and_knows_its_fall_backs() -> None:
    ways = CampaignWays(campaign_id=1, weighted=False, ways=ways_of(ROUTED, prefixes_of(ROUTED)))
    assert ways.trunk_ids == (MAIN, SPARE, UK, LONDON)
    assert [way.is_fallback for way in ways.of("+44")] == [False, True, True]
    assert ways.of("+99") == ()
    assert Way(MAIN, 1).is_fallback is False


@pytest.mark.parametrize(
    ("serves", "prefix", "expected"),
    [
        ((), "+44", True),
        (("+44",), "+4420", True),
        (("+4420",), "+44", False),
        (("+33", "+44"), "+44", True),
        (("+33",), "", False),
    ],
)
def test_may_serve(serves: tuple[str, ...], prefix: str, expected: bool) -> None:
    assert may_serve(serves, prefix) is expected
