"""``dialer trunk``: the SIP trunks of LiveKit and what each of them allows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from console.open_line import is_set, open_line
from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.trunk_tables import trunk_details, trunk_json, trunk_table
from dialer.actions.check_line import caller_id_warning, check_trunk
from dialer.domain.name import check_name
from dialer.domain.trunk import Trunk, check_caller_id, check_limits
from dialer.errors import InvalidInput, LineUnavailable
from dialer.ledger import trunks as ledger_trunks
from dialer.ledger.standing import use_of_trunk

Name = Annotated[str, typer.Argument(metavar="NAME", help="The trunk's name here.")]
Rate = Annotated[
    float, typer.Option("--calls-per-second", help="Calls begun in any second, at most; 0.5 is one in 2 s.")
]
Channels = Annotated[int, typer.Option("--max-concurrent-calls", help="Calls up at once, at most, ringing included.")]
CallerId = Annotated[str | None, typer.Option("--caller-id", help="The number shown to people, as +14155550100.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Do not ask LiveKit whether it knows the trunk.")]

_USE_WINDOW = timedelta(seconds=10)


def add_trunk(
    name: Name,
    livekit_trunk: Annotated[str, typer.Option("--livekit-trunk", help="Its id in LiveKit, as ST_abc123.")],
    calls_per_second: Rate,
    max_concurrent_calls: Channels,
    caller_id: CallerId = None,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Add a trunk of LiveKit's with the limits your carrier gave you."""
    name, caller_id = check_name(name), check_caller_id(caller_id)
    check_limits(calls_per_second=calls_per_second, max_concurrent_calls=max_concurrent_calls)

    async def work(session: Session) -> Trunk:
        await _ask_livekit(session, livekit_trunk, caller_id, no_check=no_check)
        return await ledger_trunks.add_trunk(
            session.ledger,
            name=name,
            livekit_trunk_id=livekit_trunk,
            calls_per_second=calls_per_second,
            max_concurrent_calls=max_concurrent_calls,
            caller_id=caller_id,
        )

    trunk = run(work)
    say(f"Added trunk {trunk.name}. Next: dialer campaign create NAME --trunk {trunk.name}")
    if as_json:
        put_json(trunk_json(trunk))


def list_trunk(as_json: Json = False) -> None:
    """List the trunks with their limits."""
    trunks = run(lambda session: ledger_trunks.list_trunks(session.ledger))
    if as_json:
        return put_json([trunk_json(trunk) for trunk in trunks])
    if not trunks:
        return say("There is no trunk yet: dialer trunk add")
    return put(trunk_table(trunks))


def show_trunk(name: Name, as_json: Json = False) -> None:
    """Show a trunk and what it is doing now."""

    async def work(session: Session) -> tuple[Trunk, Mapping[str, float]]:
        trunk = await ledger_trunks.find_trunk(session.ledger, name)
        use = await use_of_trunk(session.ledger, trunk.id, window=_USE_WINDOW)
        return trunk, {"calls_per_second_now": use.calls_per_second, "open_calls": use.open_calls}

    trunk, use = run(work)
    if as_json:
        return put_json({**trunk_json(trunk), **use})
    return put(trunk_details(trunk, **use))


def edit_trunk(
    name: Name,
    calls_per_second: Annotated[float | None, typer.Option("--calls-per-second", help="The new limit.")] = None,
    max_concurrent_calls: Annotated[int | None, typer.Option("--max-concurrent-calls", help="The new limit.")] = None,
    caller_id: CallerId = None,
    remove_caller_id: Annotated[
        bool, typer.Option("--remove-caller-id", help="Let LiveKit choose the number.")
    ] = False,
    no_check: NoCheck = False,
    as_json: Json = False,
) -> None:
    """Change a trunk's limits or caller ID. What is being dialed follows within 2 seconds."""
    if remove_caller_id and caller_id:
        raise InvalidInput("--caller-id and --remove-caller-id exclude each other", hint="give one of them")
    wanted = check_caller_id(caller_id)

    async def work(session: Session) -> Trunk:
        trunk = await ledger_trunks.find_trunk(session.ledger, name)
        new_id = None if remove_caller_id else wanted or trunk.caller_id
        rate = trunk.calls_per_second if calls_per_second is None else calls_per_second
        channels = trunk.max_concurrent_calls if max_concurrent_calls is None else max_concurrent_calls
        check_limits(calls_per_second=rate, max_concurrent_calls=channels)
        if new_id != trunk.caller_id:
            await _ask_livekit(session, trunk.livekit_trunk_id, new_id, no_check=no_check)
        await ledger_trunks.edit_trunk(
            session.ledger, trunk, calls_per_second=rate, max_concurrent_calls=channels, caller_id=new_id
        )
        return await ledger_trunks.find_trunk(session.ledger, name)

    trunk = run(work)
    say(f"Changed trunk {trunk.name}; in force within 2 seconds.")
    if as_json:
        return put_json(trunk_json(trunk))
    return put(trunk_table([trunk]))


def remove_trunk(name: Name) -> None:
    """Take a trunk out of use. Campaigns that are over keep what was called through it."""

    async def work(session: Session) -> None:
        await ledger_trunks.remove_trunk(session.ledger, await ledger_trunks.find_trunk(session.ledger, name))

    run(work)
    say(f"Removed trunk {name}.")


async def _ask_livekit(session: Session, livekit_trunk_id: str, caller_id: str | None, *, no_check: bool) -> None:
    if no_check:
        return
    if not is_set(session.settings):
        say("LIVEKIT_URL is not set, so nobody was asked whether LiveKit knows this trunk.")
        return
    async with open_line(session.settings) as line:
        try:
            known = await line.outbound_trunks()
        except LineUnavailable:
            say("LiveKit could not be asked about this trunk; --no-check goes on without.")
            raise
    found = check_trunk(known, livekit_trunk_id, caller_id=caller_id)
    if warning := caller_id_warning(found, caller_id):
        say(f"warning: {warning}")
