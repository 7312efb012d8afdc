"""Trunks in the ledger."""

from psycopg.errors import UniqueViolation

from dialer.domain.trunk import Trunk
from dialer.errors import Conflict, NotFound
from dialer.ledger.session import Ledger, Row

_COLUMNS = "id, name, livekit_trunk_id, calls_per_second, max_concurrent_calls, caller_id"


def _trunk(row: Row) -> Trunk:
    return Trunk(
        id=row["id"],
        name=row["name"],
        livekit_trunk_id=row["livekit_trunk_id"],
        calls_per_second=row["calls_per_second"],
        max_concurrent_calls=row["max_concurrent_calls"],
        caller_id=row["caller_id"],
    )


async def add_trunk(
    ledger: Ledger,
    *,
    name: str,
    livekit_trunk_id: str,
    calls_per_second: float,
    max_concurrent_calls: int,
    caller_id: str | None,
) -> Trunk:
    """Write a trunk.

    Raises:
        Conflict: the name or the LiveKit trunk is taken; two trunks on one LiveKit id would share its limits unseen.
    """
    try:
        row = await ledger.row(
            f"""/* add_trunk */
            INSERT INTO trunks (name, livekit_trunk_id, calls_per_second, max_concurrent_calls, caller_id)
            VALUES (%(name)s, %(livekit)s, %(rate)s, %(calls)s, %(caller_id)s)
            RETURNING {_COLUMNS}""",  # noqa: S608 - a constant
            {
                "name": name,
                "livekit": livekit_trunk_id,
                "rate": calls_per_second,
                "calls": max_concurrent_calls,
                "caller_id": caller_id,
            },
        )
    except UniqueViolation as error:
        raise _taken(error, name=name, livekit_trunk_id=livekit_trunk_id) from error
    assert row is not None
    return _trunk(row)


def _taken(error: UniqueViolation, *, name: str, livekit_trunk_id: str) -> Conflict:
    if error.diag.constraint_name == "trunks_livekit":
        return Conflict(
            f"another trunk stands for {livekit_trunk_id} already",
            hint="`dialer trunk list` names it; one LiveKit trunk has one set of limits",
        )
    return Conflict(f"a trunk named {name!r} is there already", hint="choose another name, or `dialer trunk edit`")


async def list_trunks(ledger: Ledger) -> list[Trunk]:
    """Every trunk that was not removed, by name."""
    rows = await ledger.rows(
        f"/* list_trunks */ SELECT {_COLUMNS} FROM trunks WHERE removed_at IS NULL ORDER BY name"  # noqa: S608
    )
    return [_trunk(row) for row in rows]


async def find_trunk(ledger: Ledger, name: str) -> Trunk:
    """The trunk of this name.

    Raises:
        NotFound: with the names there are.
    """
    for trunk in await list_trunks(ledger):
        if trunk.name == name:
            return trunk
    names = ", ".join(trunk.name for trunk in await list_trunks(ledger)) or "none yet: `dialer trunk add`"
    raise NotFound(f"there is no trunk named {name!r}", hint=f"trunks: {names}")


async def edit_trunk(
    ledger: Ledger, trunk: Trunk, *, calls_per_second: float, max_concurrent_calls: int, caller_id: str | None
) -> None:
    """Write new limits; they are in force with the next release, within 2 s."""
    await ledger.changed(
        """/* edit_trunk */
        UPDATE trunks SET calls_per_second = %(rate)s, max_concurrent_calls = %(calls)s, caller_id = %(caller_id)s
        WHERE id = %(id)s""",
        {"id": trunk.id, "rate": calls_per_second, "calls": max_concurrent_calls, "caller_id": caller_id},
    )


async def remove_trunk(ledger: Ledger, trunk: Trunk) -> None:
    """Take a trunk out of use; its attempts keep pointing at it.

    Raises:
        Conflict: a campaign that is not over dials through it.
    """
    changed = await ledger.changed(
        """/* remove_trunk */
        UPDATE trunks SET removed_at = now() WHERE id = %(id)s AND NOT EXISTS (
            SELECT FROM campaigns WHERE trunk_id = %(id)s AND state NOT IN ('finished', 'cancelled'))""",
        {"id": trunk.id},
    )
    if not changed:
        raise Conflict(
            f"trunk {trunk.name!r} is used by a campaign that is not over",
            hint="cancel or finish that campaign first (`dialer campaign list`)",
        )
