"""``dialer trunk edit``."""

from dataclasses import replace
from typing import Annotated

import typer

from console.commands.campaign.flags import takes
from console.commands.trunk.ask_livekit import ask_livekit
from console.commands.trunk.flags import Name, NoCheck, TrunkOptions
from console.commands.trunk.published import published_rules, tell_account
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.trunk_tables import trunk_json, trunk_table
from console.views.unserved import unserved_words
from dialer.domain.carrier import find_carrier
from dialer.domain.trunk import Trunk, check_trunk_settings
from dialer.errors import InvalidInput
from dialer.ledger import trunks as ledger_trunks
from dialer.ledger.accounts import list_accounts
from dialer.ledger.routes import campaigns_of_trunk, count_unserved


@takes(TrunkOptions)
def edit(
    name: Name,
    options: TrunkOptions,
    remove_caller_id: Annotated[
        bool, typer.Option("--remove-caller-id", help="Let LiveKit choose the number.")
    ] = False,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Change a trunk. What is not given stays; what is being dialed follows within 2 seconds.

    With --carrier, INVITEs per call and safety factor are taken from what it publishes; the limits stay.
    """
    if remove_caller_id and options.limits.caller_id:
        raise InvalidInput("--caller-id and --remove-caller-id exclude each other", hint="give one of them")

    async def work(session: Session) -> tuple[Trunk, dict[int, str]]:
        before = await ledger_trunks.find_trunk(session.ledger, name)
        wanted = await _wanted(session, before, options, remove_caller_id=remove_caller_id)
        check_trunk_settings(wanted)
        if wanted.caller_id != before.caller_id:
            await ask_livekit(session, wanted, no_check=no_check)
        await ledger_trunks.edit_trunk(session.ledger, wanted)
        if wanted.serves != before.serves:
            await _tell_unserved(session, wanted)
        accounts = {account.id: account.name for account in await list_accounts(session.ledger)}
        return await ledger_trunks.find_trunk(session.ledger, name), accounts

    trunk, accounts = run(work)
    say(f"Changed trunk {trunk.name}; in force within 2 seconds.")
    if as_json:
        return put_json(trunk_json(trunk, accounts))
    return put(trunk_table([trunk], accounts))


async def _wanted(session: Session, before: Trunk, options: TrunkOptions, *, remove_caller_id: bool) -> Trunk:
    if options.inline.is_given and before.inline is None:
        raise InvalidInput(
            f"trunk {before.name!r} is LiveKit's {before.livekit_trunk_id}, and has its host, user and password there",
            hint="change them in LiveKit, or add another trunk with --host",
        )
    inline = options.inline.apply(before.inline) if before.inline and options.inline.is_given else before.inline
    changed = await options.limits.apply(session.ledger, replace(before, inline=inline))
    if options.limits.carrier is not None:
        carrier = find_carrier(options.limits.carrier)
        has_password = inline.auth_username is not None if inline else before.invites_per_call > 1 or None
        changed = published_rules(changed, carrier, options.limits, has_password=has_password)
        tell_account(carrier, options.limits)
    return replace(changed, caller_id=None) if remove_caller_id else changed


async def _tell_unserved(session: Session, trunk: Trunk) -> None:
    for campaign_id, campaign in (await campaigns_of_trunk(session.ledger, trunk.id)).items():
        for line in unserved_words(await count_unserved(session.ledger, campaign_id)):
            say(f"campaign {campaign}: {line}")
