"""``dialer account``: carriers' accounts, whose limits all their trunks share."""

from dataclasses import replace
from typing import Annotated

import typer

from console.session import Session, run
from console.terminal import Json, put, put_json, say
from console.views.account_table import AccountLine, account_table
from dialer.domain.name import check_name
from dialer.domain.trunk import Account, check_channels, check_rate
from dialer.errors import InvalidInput
from dialer.ledger import accounts as ledger_accounts
from dialer.ledger.trunks import list_trunks

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name here.")]
Rate = Annotated[
    str | None,
    typer.Option(
        "--calls-per-second",
        metavar="N",
        help="INVITEs in any second, at most, of all its trunks; none: no limit of its own.",
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--max-concurrent-calls", metavar="N", help="Calls up at once, at most, of all its trunks; none: no limit."
    ),
]


def add_account(
    name: Name, calls_per_second: Rate = None, max_concurrent_calls: Channels = None, as_json: Json = False
) -> None:
    """Add a carrier's account. Its limits come on top of those of its trunks."""
    name = check_name(name)
    rate, channels = _rate(calls_per_second), _channels(max_concurrent_calls)
    if rate is None and channels is None:
        raise InvalidInput(
            f"account {name!r} would limit nothing", hint="give --calls-per-second, --max-concurrent-calls or both"
        )
    run(
        lambda session: ledger_accounts.add_account(
            session.ledger, name, calls_per_second=rate, max_concurrent_calls=channels
        )
    )
    say(f"Added account {name}. Next: dialer trunk edit NAME --account {name}")
    _show(name, as_json=as_json)


def list_account(as_json: Json = False) -> None:
    """List the accounts with their limits and trunks."""
    lines = run(_lines)
    if as_json:
        return put_json([line.as_json() for line in lines])
    if not lines:
        return say("There is no account yet: dialer account add")
    return put(account_table(lines))


def show_account(name: Name, as_json: Json = False) -> None:
    """Show an account and its trunks."""
    _show(name, as_json=as_json)


def edit_account(
    name: Name, calls_per_second: Rate = None, max_concurrent_calls: Channels = None, as_json: Json = False
) -> None:
    """Change an account's limits; in force within 2 seconds."""

    async def work(session: Session) -> None:
        account = await ledger_accounts.find_account(session.ledger, name)
        if calls_per_second is not None:
            account = replace(account, calls_per_second=_rate(calls_per_second))
        if max_concurrent_calls is not None:
            account = replace(account, max_concurrent_calls=_channels(max_concurrent_calls))
        await ledger_accounts.edit_account(session.ledger, account)

    run(work)
    say(f"Changed account {name}; in force within 2 seconds.")
    _show(name, as_json=as_json)


def remove_account(name: Name) -> None:
    """Take an account out of use. Refused while trunks belong to it."""

    async def work(session: Session) -> None:
        account = await ledger_accounts.find_account(session.ledger, name)
        await ledger_accounts.remove_account(session.ledger, account)

    run(work)
    say(f"Removed account {name}.")


def _show(name: str, *, as_json: bool) -> None:
    async def work(session: Session) -> AccountLine:
        return await _line(session, await ledger_accounts.find_account(session.ledger, name))

    line = run(work)
    if as_json:
        return put_json(line.as_json())
    return put(account_table([line]))


async def _lines(session: Session) -> list[AccountLine]:
    return [await _line(session, account) for account in await ledger_accounts.list_accounts(session.ledger)]


async def _line(session: Session, account: Account) -> AccountLine:
    trunks = await list_trunks(session.ledger)
    return AccountLine(account, tuple(trunk.name for trunk in trunks if trunk.account_id == account.id))


def _rate(text: str | None) -> float | None:
    if text is None or text.strip().casefold() == "none":
        return None
    try:
        rate = float(text)
    except ValueError:
        raise InvalidInput(
            f"--calls-per-second {text!r} is not a number", hint="as 10 or 0.5; none: no limit"
        ) from None
    check_rate(rate, what="calls per second", hint="0.5 means one call every 2 seconds; none: no limit")
    return rate


def _channels(text: str | None) -> int | None:
    if text is None or text.strip().casefold() == "none":
        return None
    try:
        channels = int(text)
    except ValueError:
        raise InvalidInput(
            f"--max-concurrent-calls {text!r} is not a whole number", hint="as 100; none: no limit"
        ) from None
    check_channels(channels)
    return channels
