"""Carriers' accounts in the ledger: limits that all trunks of one share."""

from dataclasses import asdict

from psycopg.errors import UniqueViolation

from dialer.domain.trunk import Account
from dialer.errors import Conflict, NotFound
from dialer.ledger.session import Ledger, Statements

_COLUMNS = "id, name, calls_per_second, max_concurrent_calls"


async def add_account(
    ledger: Ledger, name: str, *, calls_per_second: float | None, max_concurrent_calls: int | None
) -> Account:
    """Write an account; None: no limit of its own.

    Raises:
        Conflict: the name is taken.
    """
    try:
        row = await ledger.row(
            f"""/* add_account */
            INSERT INTO accounts (name, calls_per_second, max_concurrent_calls)
            VALUES (%(name)s, %(rate)s, %(calls)s) RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
            {"name": name, "rate": calls_per_second, "calls": max_concurrent_calls},
        )
    except UniqueViolation as error:
        raise Conflict(
            f"an account named {name!r} is there already", hint="choose another name, or `dialer account edit`"
        ) from error
    assert row is not None
    return Account(**row)


async def list_accounts(ledger: Statements) -> list[Account]:
    """Every account that was not removed, by name."""
    rows = await ledger.rows(
        f"/* list_accounts */ SELECT {_COLUMNS} FROM accounts WHERE removed_at IS NULL ORDER BY name"  # noqa: S608
    )
    return [Account(**row) for row in rows]


async def find_account(ledger: Statements, name: str) -> Account:
    """The account of this name.

    Raises:
        NotFound: with the names there are.
    """
    accounts = await list_accounts(ledger)
    for account in accounts:
        if account.name == name:
            return account
    names = ", ".join(account.name for account in accounts) or "none yet: `dialer account add`"
    raise NotFound(f"there is no account named {name!r}", hint=f"accounts: {names}")


async def edit_account(ledger: Ledger, account: Account) -> None:
    """Write an account's limits as they are in ``account``; in force within 2 s."""
    await ledger.changed(
        """/* edit_account */
        UPDATE accounts SET calls_per_second = %(calls_per_second)s, max_concurrent_calls = %(max_concurrent_calls)s
        WHERE id = %(id)s""",
        asdict(account),
    )


async def remove_account(ledger: Ledger, account: Account) -> None:
    """Take an account out of use.

    Raises:
        Conflict: trunks belong to it; the message names them.
    """
    async with ledger.transaction() as transaction:
        await transaction.rows(  # whoever puts a trunk into it waits for this
            "/* remove_account */ SELECT id FROM accounts WHERE id = %(id)s FOR UPDATE", {"id": account.id}
        )
        rows = await transaction.rows(
            """/* trunks_of_account */
            SELECT name FROM trunks WHERE account_id = %(id)s AND removed_at IS NULL ORDER BY name""",
            {"id": account.id},
        )
        if rows:
            names = ", ".join(row["name"] for row in rows)
            raise Conflict(
                f"account {account.name!r} has trunks: {names}",
                hint="`dialer trunk edit NAME --account none` takes a trunk out of it",
            )
        await transaction.changed(
            "/* remove_account */ UPDATE accounts SET removed_at = now() WHERE id = %(id)s", {"id": account.id}
        )
