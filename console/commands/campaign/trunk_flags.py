"""The options that say through which trunks a campaign calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from console.terminal import say
from dialer.domain.number_prefix import NumberPrefix, parse_prefix
from dialer.domain.trunk import Trunk
from dialer.errors import InvalidInput, NotFound
from dialer.ledger.campaigns import Campaign, CampaignRules
from dialer.ledger.routes import CampaignTrunk, read_campaign_trunks
from dialer.ledger.session import Ledger
from dialer.ledger.trunks import list_trunks

_PANEL = "Through which trunks"
_HEAVIEST = 1000


@dataclass(frozen=True, slots=True)
class _Given:
    """A trunk as it was written."""

    trunk: Trunk
    weight: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkFlags:
    """What was given on the command line; None: not given."""

    trunk: Annotated[
        list[str] | None,
        typer.Option(
            "--trunk",
            metavar="NAME[:WEIGHT]",
            help="The trunk to call through; may come often: the next is taken when those before it are full or fail. "
            "With weights, as a:3 and b:1, they share the calls. none: only its routes.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="PREFIX=TRUNK,...",
            help="Numbers that begin so, as +44 or GB (a country), go through these trunks. May come often; the "
            "longest prefix wins; PREFIX= takes it away.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    async def apply(self, ledger: Ledger, rules: CampaignRules, to: Campaign | None) -> CampaignRules:
        """The rules with what was given: of --trunk all are replaced, of --route those with the same prefix.

        Raises:
            NotFound: there is no such trunk.
            InvalidInput: a weight or prefix cannot be used, or a trunk does not serve what it is given for.
        """
        if self.trunk is None and self.route is None:
            return rules
        trunks = {trunk.name: trunk for trunk in await list_trunks(ledger)}
        given = {prefix: _read(names, trunks) for prefix, names in self._written(trunks).items()}
        _check_served(given)
        kept = await read_campaign_trunks(ledger, to.id) if to else ()
        ways = [way for way in kept if way.prefix not in given]
        ways += [
            CampaignTrunk(trunk_id=each.trunk.id, prefix=prefix, weight=each.weight or 1)
            for prefix, written in given.items()
            for each in written
        ]
        ways.sort(key=lambda way: way.prefix)  # within a prefix they stay as they are
        return replace(
            rules,
            trunk_id=ways[0].trunk_id if ways else None,
            trunks=tuple(ways),
            trunk_choice=_choice(given, ways, rules.trunk_choice),
        )

    def _written(self, trunks: Mapping[str, Trunk]) -> dict[str, list[str]]:
        """Names with weights, by prefix."""
        written = {} if self.trunk is None else {"": [] if _is_none(self.trunk, trunks) else self.trunk}
        for text in self.route or []:
            prefix, names = _split_route(text)
            if prefix.digits in written:
                raise InvalidInput(
                    f"two routes for {prefix.digits}", hint=f"give all its trunks in one: --route {prefix.digits}=A,B"
                )
            if prefix.notice:
                say(f"note: {prefix.notice}.")
            written[prefix.digits] = names
        return written


def _is_none(names: Sequence[str], trunks: Mapping[str, Trunk]) -> bool:
    return [name.strip().casefold() for name in names] == ["none"] and "none" not in trunks


def _split_route(text: str) -> tuple[NumberPrefix, list[str]]:
    prefix, sign, names = text.partition("=")
    if not sign or not prefix.strip():
        raise InvalidInput(f"--route {text[:60]!r} is not PREFIX=TRUNK", hint="write --route +44=uk, or +44=uk,spare")
    return parse_prefix(prefix), [name for name in (part.strip() for part in names.split(",")) if name]


def _read(names: Sequence[str], trunks: Mapping[str, Trunk]) -> list[_Given]:
    ways = [_read_one(name.strip(), trunks) for name in names]
    twice = [way.trunk.name for place, way in enumerate(ways) if way.trunk in [before.trunk for before in ways[:place]]]
    if twice:
        raise InvalidInput(f"trunk {twice[0]!r} is given twice", hint="give it once; its weight says how much it gets")
    return ways


def _read_one(text: str, trunks: Mapping[str, Trunk]) -> _Given:
    if text in trunks:
        return _Given(trunks[text], None)
    name, sign, weight = text.rpartition(":")
    if sign and name in trunks:
        if not (weight.isascii() and weight.isdecimal() and 1 <= int(weight) <= _HEAVIEST):
            raise InvalidInput(
                f"trunk {name!r} has weight {weight!r}, which is not from 1 to {_HEAVIEST}",
                hint="a trunk that is to get nothing is left out",
            )
        return _Given(trunks[name], int(weight))
    names = ", ".join(trunks) or "none yet: `dialer trunk add`"
    raise NotFound(f"there is no trunk named {text!r}", hint=f"trunks: {names}")


def _check_served(given: Mapping[str, Sequence[_Given]]) -> None:
    for prefix, ways in given.items():
        for way in ways:
            serves = way.trunk.serves
            if prefix and serves and not any(s.startswith(prefix) or prefix.startswith(s) for s in serves):
                raise InvalidInput(
                    f"trunk {way.trunk.name!r} carries only {', '.join(serves)}, and the route is for {prefix}",
                    hint=f"`dialer trunk edit NAME --serves {prefix}` says that it carries them as well",
                )


def _choice(given: Mapping[str, Sequence[_Given]], ways: Sequence[CampaignTrunk], before: str) -> str:
    """Weights make it weighted; new unrouted trunks without any make it ordered again."""
    if any(way.weight is not None for trunks in given.values() for way in trunks):
        return "weighted"
    has_weights = any(way.weight != 1 for way in ways)
    return before if "" not in given or has_weights else "ordered"
