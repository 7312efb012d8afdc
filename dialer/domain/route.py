"""Which trunks may carry a campaign's call to a number, in which order.  Pure.

Numbers fall into classes by the longest prefix that they begin with, of all that the campaign's routes and its trunks
tell apart: each class has one list of trunks.  The class of a call job is kept beside it (``call_jobs.route``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Way:
    """A trunk that may carry a class of numbers.

    Attributes:
        weight: of its share, from 1; 0: only while no trunk before it can dial (``is_fallback``), however full they
            are.
    """

    trunk_id: int
    weight: int

    @property
    def is_fallback(self) -> bool:
        """It is of a route with a shorter prefix: calls go through it when those of the longer one fail."""
        return self.weight == 0


@dataclass(frozen=True, slots=True)
class CampaignWays:
    """The trunks of a campaign.

    Attributes:
        weighted: calls are shared out by weight; else the first trunk that has room takes them.
        ways: by class of numbers (``call_jobs.route``; '' is all that no longer prefix fits), in order; empty where no
            trunk serves that class, or those that did were removed.
    """

    campaign_id: int
    weighted: bool
    ways: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)

    def of(self, route: str) -> tuple[Way, ...]:
        """The trunks of a class, in order."""
        return self.ways.get(route, ())

    @property
    def trunk_ids(self) -> tuple[int, ...]:
        """Every trunk of the campaign, each once."""
        return tuple(dict.fromkeys(way.trunk_id for ways in self.ways.values() for way in ways))


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A row of the view ``routes`` with what its trunk serves (empty: any number)."""

    trunk_id: int
    prefix: str = ""
    place: int = 0
    weight: int = 1
    serves: tuple[str, ...] = ()


def prefixes_of(routes: Iterable[Route]) -> tuple[str, ...]:
    """All that routes and trunks tell apart, sorted; '' is not among them."""
    return tuple(sorted({prefix for route in routes for prefix in (route.prefix, *route.serves) if prefix}))


def route_of(number: str, prefixes: Iterable[str]) -> str:
    """The longest prefix that the number begins with, or ''; the ledger has a function that says the same."""
    return max((prefix for prefix in prefixes if number.startswith(prefix)), key=len, default="")


def ways_of(routes: Sequence[Route], prefixes: Iterable[str]) -> dict[str, tuple[Way, ...]]:
    """The trunks of each class, '' included.

    Trunks of the longest fitting route come first, by place; those of shorter ones follow as fall-backs.  A trunk that
    does not serve a class is not among its trunks.
    """
    return {each: _ways(routes, each) for each in ("", *prefixes)}


def _ways(routes: Sequence[Route], number_class: str) -> tuple[Way, ...]:
    fitting = [r for r in routes if number_class.startswith(r.prefix) and may_serve(r.serves, number_class)]
    longest = max((len(route.prefix) for route in fitting), default=0)
    ways: dict[int, Way] = {}
    for route in sorted(fitting, key=lambda r: (-len(r.prefix), r.place, r.trunk_id)):
        weight = route.weight if len(route.prefix) == longest else 0
        ways.setdefault(route.trunk_id, Way(route.trunk_id, weight))
    return tuple(ways.values())


def may_serve(serves: Sequence[str], prefix: str) -> bool:
    """Whether a trunk that serves only these prefixes carries every number that begins with ``prefix``."""
    return not serves or any(prefix.startswith(each) for each in serves)
