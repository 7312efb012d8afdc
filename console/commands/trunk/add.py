"""``dialer trunk add``."""

import shlex
from typing import Annotated

import typer

from console.commands.campaign.flags import takes
from console.commands.trunk.ask_livekit import ask_livekit
from console.commands.trunk.flags import Name, NoCheck, TrunkOptions
from console.commands.trunk.published import published_limits, published_rules, tell_account
from console.session import Session, run
from console.terminal import Json, put_json, say
from console.views.trunk_tables import rate_sentence, trunk_json
from dialer.domain.carrier import Carrier, find_carrier
from dialer.domain.name import check_name
from dialer.domain.trunk import Trunk, TrunkSettings, check_trunk_settings
from dialer.errors import InvalidInput
from dialer.ledger import trunks as ledger_trunks
from dialer.ledger.accounts import list_accounts
from dialer.telephony.line import LiveKitTrunk


@takes(TrunkOptions)
def add(
    name: Name,
    options: TrunkOptions,
    livekit_trunk: Annotated[
        str | None, typer.Option("--livekit-trunk", metavar="ID", help="Its id in LiveKit, as ST_abc123.")
    ] = None,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Add a trunk with the limits your carrier gave you: one that LiveKit has, or one that goes with each call.

    A trunk of LiveKit's: --livekit-trunk. Another: --host, with --user and --password-file where the carrier asks for
    them.
    """
    name = check_name(name)
    _check_kind(options, livekit_trunk)

    async def work(session: Session) -> tuple[Trunk, dict[int, str]]:
        carrier = find_carrier(options.limits.carrier or "generic")
        wanted = await _wanted(session, name, options, livekit_trunk, carrier)
        check_trunk_settings(wanted)
        found = await ask_livekit(session, wanted, no_check=no_check)
        trunk = await ledger_trunks.add_trunk(session.ledger, _logged_in(wanted, options, carrier, found))
        return trunk, {account.id: account.name for account in await list_accounts(session.ledger)}

    trunk, accounts = run(work)
    say(
        f"Added trunk {trunk.name}{rate_sentence(trunk)}. Next: dialer campaign create NAME --trunk {shlex.quote(name)}"
    )
    if as_json:
        put_json(trunk_json(trunk, accounts))


def _check_kind(options: TrunkOptions, livekit_trunk: str | None) -> None:
    if livekit_trunk is None and options.inline.host is None:
        raise InvalidInput(
            "is the trunk stored in LiveKit, or does it go with each call?",
            hint="give --livekit-trunk ST_..., or --host sip.example.com",
        )
    if livekit_trunk is not None and options.inline.is_given:
        raise InvalidInput(
            "a trunk of LiveKit's has its host, user and password there",
            hint="give --livekit-trunk alone, or --host and what goes with it",
        )


async def _wanted(
    session: Session, name: str, options: TrunkOptions, livekit_trunk: str | None, carrier: Carrier
) -> TrunkSettings:
    rate, channels = published_limits(carrier, options.limits)
    settings = TrunkSettings(
        name=name,
        livekit_trunk_id=livekit_trunk,
        calls_per_second=rate,
        max_concurrent_calls=channels,
        inline=None if livekit_trunk is not None else options.inline.new(),
    )
    return await options.limits.apply(session.ledger, settings)


def _logged_in(
    wanted: TrunkSettings, options: TrunkOptions, carrier: Carrier, found: LiveKitTrunk | None
) -> TrunkSettings:
    """What hangs on how the trunk logs in."""
    has_password = wanted.inline.auth_username is not None if wanted.inline else found.has_login if found else None
    if options.limits.carrier is not None:
        tell_account(carrier, options.limits)
        return published_rules(wanted, carrier, options.limits, has_password=has_password)
    if has_password and options.limits.invites_per_call is None:
        say(
            "note: this trunk has a user and password, so a call is two INVITEs (the first is challenged); if your "
            "carrier's limit counts both, add --invites-per-call 2."
        )
    return wanted
