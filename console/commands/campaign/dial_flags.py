"""The options of the dial itself: what LiveKit's CreateSIPParticipant is told, for every contact of a campaign."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import typer

from dialer.domain.dial_options import DialOptions, IncludeHeaders, MediaEncryption
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import CampaignRules

_PANEL = "How it dials"


class Encryption(StrEnum):
    """Of the media; ``trunk``: as the trunk says."""

    TRUNK = "trunk"
    DISABLE = "disable"
    ALLOW = "allow"
    REQUIRE = "require"


class Headers(StrEnum):
    """Which headers of the answer become attributes; ``trunk``: as the trunk says."""

    TRUNK = "trunk"
    X = "x"
    ALL = "all"


_ENCRYPTION: Mapping[Encryption, MediaEncryption | None] = {
    Encryption.TRUNK: None,
    Encryption.DISABLE: "disable",
    Encryption.ALLOW: "allow",
    Encryption.REQUIRE: "require",
}
_HEADERS: Mapping[Headers, IncludeHeaders | None] = {Headers.TRUNK: None, Headers.X: "x", Headers.ALL: "all"}


@dataclass(frozen=True, kw_only=True, slots=True)
class DialFlags:
    """What was given on the command line; None: not given."""

    display_name: Annotated[
        str | None,
        typer.Option(
            "--display-name",
            metavar="TEXT",
            help="The caller's name, shown with the number; '' shows none; none: the trunk decides.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    dtmf: Annotated[
        str | None,
        typer.Option(
            "--dtmf",
            metavar="TONES",
            help="Sent after the answer, as ww123#; w waits half a second; none: no tones.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="NAME=VALUE",
            help="A SIP header of the call; may come often; NAME= takes it away.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            "--attribute",
            metavar="NAME=VALUE",
            help="An attribute of the person's participant; may come often; NAME= takes it away.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    participant_name: Annotated[
        str | None,
        typer.Option(
            "--participant-name",
            metavar="TEXT",
            help="The name of the person's participant; none: no name.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    participant_metadata: Annotated[
        str | None,
        typer.Option(
            "--participant-metadata",
            metavar="TEXT",
            help="The metadata of the person's participant; none: no metadata.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    dialtone: Annotated[
        bool | None,
        typer.Option(
            "--dialtone/--no-dialtone", help="A ring tone in the room while it rings.", rich_help_panel=_PANEL
        ),
    ] = None
    noise_cancelling: Annotated[
        bool | None,
        typer.Option(
            "--noise-cancelling/--no-noise-cancelling", help="Krisp; LiveKit Cloud only.", rich_help_panel=_PANEL
        ),
    ] = None
    hide_number: Annotated[
        bool | None,
        typer.Option(
            "--hide-number/--no-hide-number",
            help="Leave the number out of the participant's attributes.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    media_encryption: Annotated[
        Encryption | None,
        typer.Option("--media-encryption", help="Of the voice; trunk: as the trunk says.", rich_help_panel=_PANEL),
    ] = None
    include_headers: Annotated[
        Headers | None,
        typer.Option(
            "--include-headers",
            help="Headers of the answer that become attributes; trunk: as the trunk says.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def apply(self, rules: CampaignRules) -> CampaignRules:
        """The rules with what was given.

        Raises:
            InvalidInput: an option cannot be sent.
        """
        before = DialOptions.from_json(rules.dial_options)
        options = replace(
            before,
            display_name=_text(self.display_name, before.display_name),
            dtmf=_text(self.dtmf, before.dtmf),
            headers=_pairs("--header", self.header, before.headers),
            attributes=_pairs("--attribute", self.attribute, before.attributes),
            participant_name=_text(self.participant_name, before.participant_name),
            participant_metadata=_text(self.participant_metadata, before.participant_metadata),
            play_dialtone=_switch(self.dialtone, before.play_dialtone),
            noise_cancelling=_switch(self.noise_cancelling, before.noise_cancelling),
            hide_phone_number=_switch(self.hide_number, before.hide_phone_number),
            media_encryption=_ENCRYPTION[self.media_encryption] if self.media_encryption else before.media_encryption,
            include_headers=_HEADERS[self.include_headers] if self.include_headers else before.include_headers,
        )
        return replace(rules, dial_options=options.checked().to_json())


def _text(given: str | None, before: str | None) -> str | None:
    if given is None:
        return before
    return None if given.strip().casefold() == "none" else given


def _switch(given: bool | None, before: bool) -> bool:
    return before if given is None else given


def _pairs(option: str, given: list[str] | None, before: Mapping[str, str]) -> dict[str, str]:
    pairs = dict(before)
    for text in given or []:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise InvalidInput(f"{option} {text[:40]!r} is not NAME=VALUE", hint=f"write {option} X-Account=4711")
        name = name.strip()
        for other in [key for key in pairs if key.casefold() == name.casefold()] if option == "--header" else [name]:
            pairs.pop(other, None)
        if value:
            pairs[name] = value
    return pairs
