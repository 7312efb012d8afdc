"""Trunks in a terminal and as JSON.  Passwords are in neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import RenderableType

from console.views.layout import table
from dialer.domain.trunk import Trunk
from dialer.ledger.trunk_use import TrunkActivity

LIVEKIT_CHOOSES = "LiveKit's choice"

#: Names of accounts by id.
Accounts = Mapping[int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkPage:
    """A trunk and what it does now."""

    trunk: Trunk
    accounts: Accounts
    use: TrunkActivity


def trunk_json(trunk: Trunk, accounts: Accounts) -> dict[str, object]:
    """The stable form; keys are only ever appended."""
    inline = trunk.inline
    return {
        "name": trunk.name,
        "livekit_trunk": trunk.livekit_trunk_id,
        "calls_per_second": trunk.calls_per_second,
        "max_concurrent_calls": trunk.max_concurrent_calls,
        "caller_id": trunk.caller_id,
        "carrier": trunk.carrier,
        "account": _account(trunk, accounts),
        "invites_per_call": trunk.invites_per_call,
        "safety_factor": trunk.safety_factor,
        "reserved_channels": trunk.reserved_channels,
        "callback_channels": trunk.callback_channels,
        "serves": list(trunk.serves),
        "ramp_seconds": trunk.ramp.total_seconds(),
        "ramp_at_start": trunk.ramp_at_start,
        "host": inline.hostname if inline else None,
        "transport": inline.transport if inline else None,
        "user": inline.auth_username if inline else None,
        "has_password": inline is not None and inline.auth_password is not None,
        "country": inline.destination_country if inline else None,
    }


def trunk_page_json(page: TrunkPage) -> dict[str, object]:
    """The stable form; keys are only ever appended."""
    return {
        **trunk_json(page.trunk, page.accounts),
        "calls_per_second_now": page.use.calls_per_second,
        "open_calls": page.use.open_calls,
        "campaigns": list(page.use.campaigns),
    }


def trunk_table(trunks: Sequence[Trunk], accounts: Accounts) -> RenderableType:
    columns = ("trunk", "LiveKit trunk or host", "calls/s", "at once", "caller ID", "carries", "account")
    rows = [
        (
            trunk.name,
            trunk.address,
            f"{trunk.calls_per_second:g}",
            f"{trunk.max_concurrent_calls:,}",
            trunk.caller_id or LIVEKIT_CHOOSES,
            " ".join(trunk.serves) or "any",
            _account(trunk, accounts) or "",
        )
        for trunk in trunks
    ]
    return table(columns, rows, right=(2, 3))


def trunk_rows(page: TrunkPage) -> list[tuple[str, str]]:
    """Everything that is set of a trunk, beside what it does now."""
    trunk, use = page.trunk, page.use
    return [
        *_place(trunk),
        (
            "calls per second",
            f"{use.calls_per_second:.1f} now, {trunk.calls_per_second:g} allowed{_used(trunk)}",
        ),
        ("calls at once", f"{use.open_calls:,} now, {trunk.max_concurrent_calls:,} allowed{_kept(trunk)}"),
        ("caller ID", trunk.caller_id or LIVEKIT_CHOOSES),
        ("carrier", trunk.carrier),
        ("account", _account(trunk, page.accounts) or ""),
        ("carries", f"numbers that begin with {', '.join(trunk.serves)}" if trunk.serves else ""),
        ("ramp", f"{trunk.ramp.total_seconds():g} s{', also when it was idle' * trunk.ramp_at_start}"),
        ("campaigns", ", ".join(page.use.campaigns)),
    ]


def rate_sentence(trunk: Trunk) -> str:
    """`` (0.45 calls per second)`` where that is not what was given; else empty."""
    used = trunk.configured_calls_per_second
    return "" if used == trunk.calls_per_second else f" ({used:g} calls per second of its {trunk.calls_per_second:g})"


def _used(trunk: Trunk) -> str:
    if trunk.configured_calls_per_second == trunk.calls_per_second:
        return ""
    return (
        f", {trunk.configured_calls_per_second:g} used ({trunk.invites_per_call} INVITEs per call, "
        f"safety factor {trunk.safety_factor:g})"
    )


def _kept(trunk: Trunk) -> str:
    kept = [
        f"{count:,} kept free for {whom}"
        for count, whom in ((trunk.reserved_channels, "people who call in"), (trunk.callback_channels, "calls back"))
        if count
    ]
    return f", {', '.join(kept)}" if kept else ""


def _place(trunk: Trunk) -> list[tuple[str, str]]:
    if trunk.inline is None:
        return [("LiveKit trunk", trunk.address)]
    inline = trunk.inline
    login = f"{inline.auth_username}, with a password" if inline.auth_username else "none"
    where = f", in {inline.destination_country}" if inline.destination_country else ""
    return [("host", f"{inline.hostname} ({inline.transport}){where}, sent with each call"), ("user", login)]


def _account(trunk: Trunk, accounts: Accounts) -> str | None:
    return accounts.get(trunk.account_id) if trunk.account_id is not None else None
