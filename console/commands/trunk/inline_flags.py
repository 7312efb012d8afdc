"""The options of a trunk that is not stored in LiveKit and goes with each call."""

import re
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from dialer.domain.phone_number import check_country
from dialer.domain.trunk import InlineTrunk
from dialer.errors import InvalidInput

_PANEL = "A trunk that is not stored in LiveKit"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_LONGEST_USER = 255
_LONGEST_PASSWORD = 1024


class Transport(StrEnum):
    """How SIP is spoken."""

    AUTO = "auto"
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, kw_only=True, slots=True)
class InlineFlags:
    """What was given on the command line; None: not given."""

    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="The carrier's SIP host, as sip.example.com or sip.example.com:5061.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    transport: Annotated[
        Transport | None, typer.Option("--transport", help="auto if not given.", rich_help_panel=_PANEL)
    ] = None
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="NAME",
            help="For carriers that ask for user and password; none: neither.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="A file with the password in its first line; - reads it from stdin. It is never shown again.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            metavar="CC",
            help="Where the carrier is, as GB: LiveKit Cloud dials from a region near it; none: it chooses.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    @property
    def is_given(self) -> bool:
        """Whether any of them was given."""
        given = (self.host, self.transport, self.user, self.password_file, self.country)
        return any(each is not None for each in given)

    def new(self) -> InlineTrunk:
        """The trunk of what was given.

        Raises:
            InvalidInput: an option cannot be used.
        """
        assert self.host is not None
        return self.apply(InlineTrunk(hostname=check_host(self.host)))

    def apply(self, trunk: InlineTrunk) -> InlineTrunk:
        """The trunk with what was given.

        Raises:
            InvalidInput: an option cannot be used, or a user has no password.
        """
        user, password = self._login(trunk)
        return replace(
            trunk,
            hostname=check_host(self.host) if self.host is not None else trunk.hostname,
            transport=self.transport.value if self.transport else trunk.transport,
            auth_username=user,
            auth_password=password,
            destination_country=self._country(trunk.destination_country),
        )

    def _login(self, before: InlineTrunk) -> tuple[str | None, str | None]:
        user = before.auth_username if self.user is None else _user(self.user)
        password = before.auth_password if self.password_file is None else read_password(self.password_file)
        if user is None and self.password_file is not None:
            raise InvalidInput("a password without a user", hint="give --user NAME as well")
        if user is None:
            return None, None
        if password is None:
            raise InvalidInput(
                f"user {user!r} has no password", hint="give --password-file FILE, or - to read it from stdin"
            )
        return user, password

    def _country(self, before: str | None) -> str | None:
        if self.country is None:
            return before
        return None if self.country.strip().casefold() == "none" else check_country(self.country)


def check_host(text: str) -> str:
    """The host as LiveKit takes it.

    Raises:
        InvalidInput: it is a SIP address, or no host.
    """
    host = text.strip()
    found = _HOST.fullmatch(host)
    if found is None or not 0 < int(found[1] or 5060) < 65_536:
        # not quoted: people paste sip:user:password@host
        raise InvalidInput(
            "--host is not the name of a host", hint="write sip.example.com or sip.example.com:5061; no sip:, @ or ;"
        )
    return host.lower()


def read_password(place: str) -> str:
    """The first line of a file, or of stdin.

    Raises:
        InvalidInput: it cannot be read, or holds no password, or more than one line.
    """
    try:
        text = _read_stdin() if place == "-" else Path(place).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{place}: {error.strerror}", hint="give a file with the password in it") from error
    except UnicodeDecodeError:
        raise InvalidInput(f"{place} is not UTF-8 text", hint="give a file with the password in it") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or not password.isprintable() or len(password) > _LONGEST_PASSWORD:
        raise InvalidInput(
            f"{'stdin' if place == '-' else place} does not hold one line with a password",
            hint="write the password alone into it, in one line",
        )
    return password


def _read_stdin() -> str:
    return getpass("Password: ") if sys.stdin.isatty() else sys.stdin.read()  # a terminal would show it


def _user(text: str) -> str | None:
    user = text.strip()
    if user.casefold() == "none":
        return None
    if not user or not user.isprintable() or len(user) > _LONGEST_USER:
        raise InvalidInput("--user is not the name of a user", hint="as your carrier gave it to you; none: no user")
    return user
