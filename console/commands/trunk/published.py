"""What an operator has not given is taken from what the carrier publishes; what was taken, and from where, is said."""

from dataclasses import replace
from typing import Any

from console.commands.trunk.flags import LimitFlags, Settings
from console.terminal import say
from dialer.domain.carrier import Carrier, Sourced
from dialer.errors import InvalidInput


def published_limits(carrier: Carrier, given: LimitFlags) -> tuple[float, int]:
    """Calls per second and calls at once, given or published.

    Raises:
        InvalidInput: one is neither.
    """
    rate, channels = given.calls_per_second, given.max_concurrent_calls
    if rate is None:
        rate = _taken("--calls-per-second", carrier, carrier.calls_per_second)
    if channels is None:
        channels = _taken("--max-concurrent-calls", carrier, carrier.max_concurrent_calls)
    return rate, channels


def published_rules(settings: Settings, carrier: Carrier, given: LimitFlags, *, has_password: bool | None) -> Settings:
    """INVITEs per call and safety factor, given or published.

    Args:
        has_password: the trunk logs in with user and password; None: not known, so it is taken for true.
    """
    if given.invites_per_call is None:
        invites = carrier.invites(has_password=has_password is not False)
        if has_password is None:
            say("LiveKit was not asked whether this trunk has a user and password: it is taken to have them.")
        settings = replace(settings, invites_per_call=_taken("--invites-per-call", carrier, invites))
    if given.safety_factor is None:
        settings = replace(settings, safety_factor=_taken("--safety-factor", carrier, carrier.safety_factor))
    return settings


def tell_account(carrier: Carrier, given: LimitFlags) -> None:
    """What the carrier publishes for the account, where none was given."""
    if carrier.account and given.account is None:
        say(
            f"note: {carrier.name}: {carrier.account}; `dialer account add` and --account pace all its trunks together."
        )


def _taken(option: str, carrier: Carrier, published: Sourced[Any]) -> Any:  # Any: a number, as the option wants it
    if published.value is None:
        of = "" if carrier.name == "generic" else f" by {carrier.name}"
        raise InvalidInput(
            f"{option} is not given, and none is published{of} ({published.note})",
            hint=f"ask your carrier for the limit of this trunk, and give {option} N",
        )
    note = f": {published.note}" if published.note else ""
    say(f"took {option} {published.value:g} of {carrier.name}{note} ({published.source}, read {published.read_on})")
    return published.value
