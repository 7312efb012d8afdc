"""The options that say how much of its trunks a campaign takes, and who comes first."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from dialer.domain.trunk import check_channels
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import CampaignRules

_PANEL = "How much it takes"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareFlags:
    """What was given on the command line; None: not given."""

    weight: Annotated[
        int | None,
        typer.Option(
            "--weight",
            min=1,
            max=1000,
            metavar="N",
            help="Its share of a trunk beside other campaigns: 3 gets three times what 1 gets. 1 if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    max_concurrent_calls: Annotated[
        str | None,
        typer.Option(
            "--max-concurrent-calls",
            metavar="N",
            help="Its calls up at once, at most, over all its trunks; none: as many as they allow.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    retries_first: Annotated[
        bool | None,
        typer.Option(
            "--retries-first/--no-retries-first",
            help="Who is due again is called before who was never called, but new people get a quarter; or all in the "
            "order in which they are due. Retries first if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def apply(self, rules: CampaignRules) -> CampaignRules:
        """The rules with what was given.

        Raises:
            InvalidInput: an option cannot be used.
        """
        return replace(
            rules,
            weight=rules.weight if self.weight is None else self.weight,
            max_concurrent_calls=self._channels(rules.max_concurrent_calls),
            retries_first=rules.retries_first if self.retries_first is None else self.retries_first,
        )

    def _channels(self, before: int | None) -> int | None:
        if self.max_concurrent_calls is None:
            return before
        text = self.max_concurrent_calls.strip()
        if text.casefold() == "none":
            return None
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdecimal():
            raise InvalidInput(
                f"--max-concurrent-calls {text[:40]!r} is not a whole number", hint="as 20; none: no limit of its own"
            )
        check_channels(int(text))
        return int(text)
