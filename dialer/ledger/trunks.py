"""Trunks in the ledger."""

from datetime import timedelta

from psycopg.errors import DeadlockDetected, IntegrityError, LockNotAvailable
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from dialer.domain.trunk import InlineTrunk, Trunk, TrunkSettings, check_trunk_settings
from dialer.errors import Conflict, DialerError, InvariantBroken, NotFound
from dialer.ledger.routes import campaigns_of_trunk, renew_routes_of_trunk
from dialer.ledger.session import Ledger, Row, Statements

_SETTINGS = """name, livekit_trunk_id, calls_per_second, max_concurrent_calls, caller_id, account_id, carrier,
    invites_per_call, safety_factor, reserved_channels, callback_channels, serves, ramp_seconds, ramp_at_start,
    hostname, transport, auth_username, auth_password, destination_country"""
_COLUMNS = f"id, {_SETTINGS}"


#: So many campaigns that use a trunk are named.
_NAMED = 5


def trunk_of(row: Row) -> Trunk:
    """A trunk out of a row with all its columns."""
    return Trunk(
        id=row["id"],
        name=row["name"],
        livekit_trunk_id=row["livekit_trunk_id"],
        calls_per_second=row["calls_per_second"],
        max_concurrent_calls=row["max_concurrent_calls"],
        caller_id=row["caller_id"],
        account_id=row["account_id"],
        carrier=row["carrier"],
        invites_per_call=row["invites_per_call"],
        safety_factor=row["safety_factor"],
        reserved_channels=row["reserved_channels"],
        callback_channels=row["callback_channels"],
        serves=tuple(row["serves"]),
        ramp=timedelta(seconds=row["ramp_seconds"]),
        ramp_at_start=row["ramp_at_start"],
        inline=_inline(row),
    )


def _inline(row: Row) -> InlineTrunk | None:
    if row["hostname"] is None:
        return None
    return InlineTrunk(
        hostname=row["hostname"],
        transport=row["transport"],
        auth_username=row["auth_username"],
        auth_password=row["auth_password"],
        destination_country=row["destination_country"],
    )


def _parameters(settings: TrunkSettings) -> dict[str, object]:
    inline = settings.inline
    return {
        "name": settings.name,
        "livekit": settings.livekit_trunk_id,
        "rate": settings.calls_per_second,
        "calls": settings.max_concurrent_calls,
        "caller_id": settings.caller_id,
        "account": settings.account_id,
        "carrier": settings.carrier,
        "invites": settings.invites_per_call,
        "safety": settings.safety_factor,
        "reserved": settings.reserved_channels,
        "callback": settings.callback_channels,
        "serves": list(settings.serves),
        "ramp": settings.ramp.total_seconds(),
        "ramp_at_start": settings.ramp_at_start,
        "host": inline.hostname if inline else None,
        "transport": inline.transport if inline else "auto",
        "user": inline.auth_username if inline else None,
        "password": inline.auth_password if inline else None,
        "country": inline.destination_country if inline else None,
    }


async def add_trunk(ledger: Ledger, settings: TrunkSettings) -> Trunk:
    """Write a trunk.

    Raises:
        InvalidInput: the settings cannot be used.
        Conflict: the name is taken, or another trunk is the same one, whose limits it would share unseen: it has this
            id in LiveKit, or this host and user.
    """
    check_trunk_settings(settings)
    try:
        async with ledger.transaction() as transaction:
            await _keep_account(transaction, settings)
            row = await transaction.row(
                f"""/* add_trunk */
                INSERT INTO trunks ({_SETTINGS})
                VALUES (%(name)s, %(livekit)s, %(rate)s, %(calls)s, %(caller_id)s, %(account)s, %(carrier)s,
                    %(invites)s, %(safety)s, %(reserved)s, %(callback)s, %(serves)s, %(ramp)s, %(ramp_at_start)s,
                    %(host)s, %(transport)s, %(user)s, %(password)s, %(country)s)
                RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
                _parameters(settings),
            )
    except IntegrityError as error:
        raise await _refused(ledger, error, settings) from None  # its detail may quote the row, password and all
    assert row is not None
    return trunk_of(row)


# The call jobs whose trunks change with it may be locked by batches of callers, in any order.
@retry(
    retry=retry_if_exception_type((DeadlockDetected, LockNotAvailable)),
    stop=stop_after_attempt(3),
    wait=wait_random(0.05, 0.3),
    reraise=True,
)
async def edit_trunk(ledger: Ledger, trunk: Trunk) -> None:
    """Write a trunk's settings as they are in ``trunk``; they are in force within 2 s.

    Raises:
        InvalidInput: the settings cannot be used.
        Conflict: another trunk has this host and user.
    """
    check_trunk_settings(trunk)
    try:
        async with ledger.transaction() as transaction:
            await _keep_account(transaction, trunk)
            await transaction.changed(
                """/* edit_trunk */
                UPDATE trunks SET calls_per_second = %(rate)s, max_concurrent_calls = %(calls)s,
                    caller_id = %(caller_id)s, account_id = %(account)s, carrier = %(carrier)s,
                    invites_per_call = %(invites)s, safety_factor = %(safety)s, reserved_channels = %(reserved)s,
                    callback_channels = %(callback)s, serves = %(serves)s, ramp_seconds = %(ramp)s,
                    ramp_at_start = %(ramp_at_start)s, hostname = %(host)s, transport = %(transport)s,
                    auth_username = %(user)s, auth_password = %(password)s, destination_country = %(country)s
                WHERE id = %(id)s""",
                {"id": trunk.id, **_parameters(trunk)},
            )
            await renew_routes_of_trunk(transaction, trunk.id)
    except IntegrityError as error:
        raise await _refused(ledger, error, trunk) from None


async def _keep_account(statements: Statements, settings: TrunkSettings) -> None:
    """Nobody removes the account before this transaction is over."""
    if settings.account_id is None:
        return
    row = await statements.row(
        "/* keep_account */ SELECT id FROM accounts WHERE id = %(id)s AND removed_at IS NULL FOR KEY SHARE",
        {"id": settings.account_id},
    )
    if row is None:
        raise Conflict("this account was removed", hint="`dialer account list` shows which are there")


async def _refused(ledger: Ledger, error: IntegrityError, settings: TrunkSettings) -> DialerError:
    rule = error.diag.constraint_name
    if rule == "trunks_name":
        return Conflict(
            f"a trunk named {settings.name!r} is there already", hint="choose another name, or `dialer trunk edit`"
        )
    if rule not in ("trunks_livekit", "trunks_inline"):
        return InvariantBroken(f"the ledger refuses trunk {settings.name!r}: {rule}")
    others = [trunk for trunk in await list_trunks(ledger) if trunk.name != settings.name]
    other = next((trunk.name for trunk in others if _is_same_line(trunk, settings)), "another one")
    user = settings.inline.auth_username if settings.inline else None
    where = f"{settings.address} with user {user!r}" if user else settings.address
    return Conflict(
        f"trunk {other!r} stands for {where} already",
        hint="two trunks on one would share its limits without knowing: one of them has one set of limits",
    )


def _is_same_line(trunk: Trunk, settings: TrunkSettings) -> bool:
    if settings.inline is None or trunk.inline is None:
        return trunk.livekit_trunk_id is not None and trunk.livekit_trunk_id == settings.livekit_trunk_id
    ours, theirs = settings.inline, trunk.inline
    return (ours.hostname.lower(), ours.auth_username or "") == (theirs.hostname.lower(), theirs.auth_username or "")


async def list_trunks(ledger: Statements) -> list[Trunk]:
    """Every trunk that was not removed, by name."""
    rows = await ledger.rows(
        f"/* list_trunks */ SELECT {_COLUMNS} FROM trunks WHERE removed_at IS NULL ORDER BY name"  # noqa: S608
    )
    return [trunk_of(row) for row in rows]


async def find_trunk(ledger: Statements, name: str) -> Trunk:
    """The trunk of this name.

    Raises:
        NotFound: with the names there are.
    """
    trunks = await list_trunks(ledger)
    for trunk in trunks:
        if trunk.name == name:
            return trunk
    names = ", ".join(trunk.name for trunk in trunks) or "none yet: `dialer trunk add`"
    raise NotFound(f"there is no trunk named {name!r}", hint=f"trunks: {names}")


async def remove_trunk(ledger: Ledger, trunk: Trunk) -> None:
    """Take a trunk out of use; its attempts keep pointing at it.

    Raises:
        Conflict: campaigns that are not over may dial through it; the message names them.
    """
    async with ledger.transaction() as transaction:
        await transaction.rows(  # whoever gives it to a campaign waits for this
            "/* remove_trunk */ SELECT id FROM trunks WHERE id = %(id)s FOR UPDATE", {"id": trunk.id}
        )
        campaigns = await campaigns_of_trunk(transaction, trunk.id)
        if campaigns:
            raise _in_use(trunk, list(campaigns.values()))
        await transaction.changed(
            "/* remove_trunk */ UPDATE trunks SET removed_at = now(), auth_password = NULL WHERE id = %(id)s",
            {"id": trunk.id},
        )


def _in_use(trunk: Trunk, campaigns: list[str]) -> Conflict:
    named = ", ".join(campaigns[:_NAMED]) + (f" and {len(campaigns) - _NAMED} more" if campaigns[_NAMED:] else "")
    one = len(campaigns) == 1
    return Conflict(
        f"trunk {trunk.name!r} is used by {'a campaign that is' if one else f'{len(campaigns)} campaigns that are'} "
        f"not over: {named}",
        hint="give them other trunks (`dialer campaign edit NAME --trunk OTHER`), or finish or cancel them first",
    )
