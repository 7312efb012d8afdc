"""The JSON of the carrier's pages and files: limits, outages, what is on record."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from simulator.outages import Outage, Running
from simulator.record import Invite, Summary
from simulator.settings import AccountLimits, CarrierLimits, Limits

_NUMBER: Final = (int, float)
_LIMITS: Final[dict[str, tuple[type, ...]]] = {
    "calls_per_second": _NUMBER,
    "max_concurrent_calls": (int,),
    "style": (str,),
}
_ACCOUNT: Final = _LIMITS | {"trunks": (list,)}
_CARRIER: Final = _LIMITS | {"trunks": (dict,), "accounts": (dict,), "counts_challenges": (bool,)}
_OUTAGE: Final[dict[str, tuple[type, ...]]] = {
    "kind": (str,),
    "at_seconds": _NUMBER,
    "for_seconds": _NUMBER,
    "trunk": (str,),
    "account": (str,),
    "share": _NUMBER,
    "code": (int,),
    "phrase": (str,),
    "after_seconds": _NUMBER,
}


def read_limits(body: bytes) -> CarrierLimits:
    """All limits from JSON; what is left out or null is no limit.  ValueError says what is wrong."""
    wanted = _members(json.loads(body), _CARRIER, what="limits")
    trunks = wanted.pop("trunks", {})
    accounts = wanted.pop("accounts", {})
    return CarrierLimits(
        trunks={name: Limits(**_members(one, _LIMITS, what="limits of a trunk")) for name, one in trunks.items()},
        accounts={name: _account(one) for name, one in accounts.items()},
        **wanted,
    )


def _account(value: object) -> AccountLimits:
    wanted = _members(value, _ACCOUNT, what="limits of an account")
    trunks = wanted.pop("trunks", [])
    if not trunks or not all(isinstance(trunk, str) for trunk in trunks):
        raise ValueError("trunks of an account must be a list of trunk ids, and not empty")
    return AccountLimits(trunks=tuple(trunks), **wanted)


def write_limits(limits: CarrierLimits) -> bytes:
    """The same JSON, complete."""
    return json.dumps(asdict(limits)).encode()


def read_outages(body: bytes) -> tuple[Outage, ...]:
    """A script of outages from JSON.  ValueError says what is wrong."""
    script = json.loads(body)
    if type(script) is not list:
        raise ValueError("outages are a JSON list")
    return tuple(_outage(one) for one in script)


def _outage(value: object) -> Outage:
    wanted = _members(value, _OUTAGE, what="an outage")
    if "kind" not in wanted:
        raise ValueError("an outage needs a kind")
    return Outage(**wanted)


def write_outages(running: Iterable[Running], now: float) -> bytes:
    """The script, with the unix seconds at which each outage begins and ends, and how many INVITEs it met so far."""
    written = [
        asdict(one.outage)
        | {"begins_at": one.begins_at, "ends_at": one.ends_at, "is_on": one.is_on(now), "invites": one.met}
        for one in running
    ]
    return json.dumps({"outages": written}).encode()


def read_quota(body: bytes) -> int | None:
    """The requests a minute that LiveKit is to take; null: as many as come."""
    wanted = _members(json.loads(body), {"requests_per_minute": (int,)}, what="a quota")
    return None if not wanted else int(wanted["requests_per_minute"])


def invite(one: Invite) -> dict[str, object]:
    """One INVITE of the record."""
    return {
        "at": one.at,
        "trunk": one.trunk,
        "number": one.number,
        "room": one.room,
        "ended_at": one.ended_at,
        "refused": one.refused,
        "challenged": one.is_challenged,
    }


def summaries(of: Mapping[str, Summary]) -> dict[str, object]:
    """The sums of each trunk or account."""
    return {
        name: {
            "worst_second": one.second.most,
            "most_calls": one.most_calls,
            "invites": one.invites,
            "refused": one.refused.total(),
            "refused_for": dict(one.refused),
        }
        for name, one in of.items()
    }


def _members(value: object, kinds: Mapping[str, tuple[type, ...]], *, what: str) -> dict[str, Any]:
    """The members of a JSON object that are not null.  Any: each class looks at its own values."""
    if not isinstance(value, dict) or not value.keys() <= kinds.keys():
        raise ValueError(f"{what} must be a JSON object with no members but {', '.join(kinds)}")
    for name, member in value.items():
        if member is not None and type(member) not in kinds[name]:
            expected = " or ".join(kind.__name__ for kind in kinds[name])
            raise ValueError(f"{name} must be null or of type {expected}, not {member!r}")
    return {name: member for name, member in value.items() if member is not None}
