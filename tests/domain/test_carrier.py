"""What carriers publish."""

from typing import Any

import pytest

from dialer.domain.carrier import CARRIERS, Carrier, Sourced, find_carrier
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "calls_per_second", "max_concurrent_calls"),
    [
        ("twilio", 1.0, 10),
        ("telnyx", 20.0, 2),
        ("plivo", 1.0, None),
        ("vonage", 3.0, None),
        ("bandwidth", 5.0, 100),
        ("generic", None, None),
    ],
)
def test_published_limits(name: str, calls_per_second: float | None, max_concurrent_calls: int | None) -> None:
    carrier = find_carrier(name)
    assert (carrier.calls_per_second.value, carrier.max_concurrent_calls.value) == (
        calls_per_second,
        max_concurrent_calls,
    )


def test_the_carriers_of_the_table_are_all_there_are() -> None:
    assert list(CARRIERS) == ["twilio", "telnyx", "plivo", "vonage", "bandwidth", "generic"]


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=lambda carrier: carrier.name)
def test_every_value_has_its_source_and_day(carrier: Carrier) -> None:
    values: list[Sourced[Any]] = [
        carrier.calls_per_second,
        carrier.max_concurrent_calls,
        *carrier.invites_per_call.values(),
        carrier.safety_factor,
        carrier.counts_ringing,
    ]
    assert all(value.source and value.read_on.year >= 2026 for value in values)
    assert all(value.note for value in (carrier.calls_per_second, carrier.max_concurrent_calls))
    assert 0 < carrier.safety_factor.value <= 1


def test_a_password_makes_two_invites_of_a_call() -> None:
    assert find_carrier("twilio").invites(has_password=True).value == 2
    assert find_carrier("twilio").invites(has_password=False).value == 1


def test_a_carrier_without_presets_is_refused_with_those_there_are() -> None:
    assert find_carrier(" Telnyx ").name == "telnyx"
    with pytest.raises(InvalidInput) as refused:
        find_carrier("acme")
    assert "generic" in str(refused.value.hint)
