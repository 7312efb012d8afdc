"""The options that make a trunk, for ``add`` and ``edit``."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, TypeVar

import typer

from console.commands.trunk.inline_flags import InlineFlags
from console.terminal import say
from dialer.domain.carrier import find_carrier
from dialer.domain.number_prefix import parse_prefix
from dialer.domain.trunk import TrunkSettings, check_caller_id
from dialer.errors import InvalidInput
from dialer.ledger.accounts import find_account
from dialer.ledger.session import Ledger

T = TypeVar("T")
Settings = TypeVar("Settings", bound=TrunkSettings)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The trunk's name here.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Do not ask LiveKit whether it knows the trunk.")]

_PANEL = "What it allows"


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitFlags:
    """What was given on the command line; None: not given."""

    carrier: Annotated[
        str | None,
        typer.Option(
            "--carrier",
            metavar="NAME",
            help="Takes what is not given from what this carrier publishes: `dialer trunk presets` shows it.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    calls_per_second: Annotated[
        float | None,
        typer.Option(
            "--calls-per-second",
            metavar="N",
            help="Calls begun in any second, at most; 0.5 is one in 2 s.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    max_concurrent_calls: Annotated[
        int | None,
        typer.Option(
            "--max-concurrent-calls",
            metavar="N",
            help="Calls up at once, at most, ringing included.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    caller_id: Annotated[
        str | None,
        typer.Option(
            "--caller-id",
            metavar="NUMBER",
            help="The number shown to people, as +14155550100.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    account: Annotated[
        str | None,
        typer.Option(
            "--account",
            metavar="NAME",
            help="The carrier's account whose limits it shares (`dialer account add`); none: no account.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    invites_per_call: Annotated[
        int | None,
        typer.Option(
            "--invites-per-call",
            metavar="N",
            help="2 where the carrier's limit counts INVITEs and it asks for user and password; 1 if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    safety_factor: Annotated[
        float | None,
        typer.Option(
            "--safety-factor",
            metavar="SHARE",
            help="The share of the calls per second to use, as 0.9; 1 if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    reserved_channels: Annotated[
        int | None,
        typer.Option(
            "--reserved-channels",
            metavar="N",
            help="Of the calls at once, kept free for people who call in.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    callback_channels: Annotated[
        int | None,
        typer.Option(
            "--callback-channels",
            metavar="N",
            help="Of the calls at once, kept free for promised calls back.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    serves: Annotated[
        list[str] | None,
        typer.Option(
            "--serves",
            metavar="PREFIX",
            help="It carries only numbers that begin so, as +44 or GB (a country); may come often; any: all numbers.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    ramp: Annotated[
        float | None,
        typer.Option(
            "--ramp",
            metavar="SECONDS",
            help="How long it takes to come back to full rate after an outage, 0 to 60; 10 if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    ramp_at_start: Annotated[
        bool | None,
        typer.Option(
            "--ramp-at-start/--no-ramp-at-start", help="Ramp also when it was idle before.", rich_help_panel=_PANEL
        ),
    ] = None
    burst: Annotated[
        str | None,
        typer.Option(
            "--burst",
            metavar="N",
            help="Not offered: carriers count sliding seconds, so a burst is refused.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    async def apply(self, ledger: Ledger, settings: Settings) -> Settings:
        """The settings with what was given.

        Raises:
            NotFound: there is no such account.
            InvalidInput: an option cannot be used.
        """
        self._refuse_burst()
        return replace(
            settings,
            carrier=find_carrier(self.carrier).name if self.carrier else settings.carrier,
            calls_per_second=_given(self.calls_per_second, settings.calls_per_second),
            max_concurrent_calls=_given(self.max_concurrent_calls, settings.max_concurrent_calls),
            caller_id=check_caller_id(self.caller_id) or settings.caller_id,
            account_id=await self._account(ledger, settings.account_id),
            invites_per_call=_given(self.invites_per_call, settings.invites_per_call),
            safety_factor=_given(self.safety_factor, settings.safety_factor),
            reserved_channels=_given(self.reserved_channels, settings.reserved_channels),
            callback_channels=_given(self.callback_channels, settings.callback_channels),
            serves=self._serves(settings.serves),
            ramp=settings.ramp if self.ramp is None else _seconds(self.ramp),
            ramp_at_start=_given(self.ramp_at_start, settings.ramp_at_start),
        )

    async def _account(self, ledger: Ledger, before: int | None) -> int | None:
        if self.account is None:
            return before
        return None if self.account.strip().casefold() == "none" else (await find_account(ledger, self.account)).id

    def _serves(self, before: tuple[str, ...]) -> tuple[str, ...]:
        if self.serves is None:
            return before
        if [text.strip().casefold() for text in self.serves] == ["any"]:
            return ()
        prefixes = [parse_prefix(text) for text in self.serves]
        for notice in dict.fromkeys(prefix.notice for prefix in prefixes if prefix.notice):
            say(f"note: {notice}.")
        return tuple(sorted({prefix.digits for prefix in prefixes}))

    def _refuse_burst(self) -> None:
        if self.burst is not None:
            raise InvalidInput(
                "no trunk has a burst: carriers count every sliding second, and refuse what is above the limit in one",
                hint="give --calls-per-second alone; calls go out evenly, and nothing is saved up",
            )


def _seconds(number: float) -> timedelta:
    if not abs(number) < 1e6:  # NaN and infinity are no time either
        raise InvalidInput(f"--ramp {number:g} is not a time in seconds", hint="give 0 to 60; 10 if not given")
    return timedelta(seconds=number)


def _given(given: T | None, before: T) -> T:
    return before if given is None else given


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkOptions:
    """Everything that ``add`` and ``edit`` can be told about a trunk."""

    limits: LimitFlags
    inline: InlineFlags
