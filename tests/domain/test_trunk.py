"""A trunk's settings."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.domain.trunk import InlineTrunk, TrunkSettings, calls_per_second_of, check_trunk_settings
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

SETTINGS = TrunkSettings(name="main", livekit_trunk_id="ST_1", calls_per_second=10.0, max_concurrent_calls=20)


@pytest.mark.parametrize("calls_per_second", [0.01, 0.5, 1, 10_000])
def test_a_fraction_is_a_rate(calls_per_second: float) -> None:
    settings = replace(SETTINGS, calls_per_second=calls_per_second)
    check_trunk_settings(settings)
    assert settings.configured_calls_per_second == calls_per_second


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        pytest.param({"calls_per_second": 0.0}, "calls per second must be above 0, not 0", id="no rate"),
        pytest.param({"calls_per_second": -1.0}, "must be above 0, not -1", id="a rate below 0"),
        pytest.param({"calls_per_second": float("nan")}, "must be above 0, not nan", id="no number"),
        pytest.param({"calls_per_second": float("inf")}, "must be 10,000 at most, not inf", id="without end"),
        pytest.param({"max_concurrent_calls": 0}, "concurrent calls must be from 1 to 1,000,000, not 0", id="channels"),
        pytest.param({"max_concurrent_calls": -3}, "not -3", id="channels below 0"),
        pytest.param({"safety_factor": 0.0}, "safety factor must be above 0 and at most 1, not 0", id="no share"),
        pytest.param({"safety_factor": 1.1}, "not 1.1", id="more than all"),
        pytest.param({"safety_factor": float("nan")}, "not nan", id="no share at all"),
        pytest.param({"invites_per_call": 0}, "INVITEs per call must be 1 or 2, not 0", id="no INVITE"),
        pytest.param({"invites_per_call": 3}, "not 3", id="three INVITEs"),
        pytest.param({"ramp": timedelta(seconds=61)}, "a ramp lasts from 0 to 60 seconds, not 61", id="long ramp"),
        pytest.param({"ramp": timedelta(seconds=-1)}, "not -1", id="ramp backwards"),
        pytest.param({"reserved_channels": -1}, "cannot be kept free below 0", id="reserve below 0"),
        pytest.param(
            {"reserved_channels": 15, "callback_channels": 5},
            "20 channels kept free of 20 leave none to call with",
            id="all reserved",
        ),
        pytest.param(
            {"livekit_trunk_id": None, "inline": InlineTrunk(hostname="sip.example.com")},
            "goes with each call, so LiveKit knows no number for it",
            id="inline without a caller ID",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_way_out(changes: dict[str, object], part: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_trunk_settings(replace(SETTINGS, **changes))  # type: ignore[arg-type]  # a table of fields
    assert part in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("invites", "per_call", "safety", "expected"),
    [
        pytest.param(7.0, 1, 1.0, 7.0, id="one INVITE is one call"),
        pytest.param(7.0, 2, 1.0, 3.0, id="two together: three calls fit and not three and a half"),
        pytest.param(7.0, 1, 0.9, 6.3, id="a margin"),
        pytest.param(1.0, 2, 1.0, 0.5, id="one call in two seconds"),
        pytest.param(0.5, 2, 1.0, 0.25, id="one call in four seconds"),
        pytest.param(3.0, 2, 0.9, 1.0, id="all of it"),
    ],
)
def test_calls_per_second_of(invites: float, per_call: int, safety: float, expected: float) -> None:
    assert calls_per_second_of(invites, invites_per_call=per_call, safety_factor=safety) == pytest.approx(expected)


@pytest.mark.parametrize(("promised", "expected"), [(False, 12), (True, 15)])
def test_channels_that_are_kept_free(promised: bool, expected: int) -> None:
    settings = replace(SETTINGS, reserved_channels=5, callback_channels=3)
    assert settings.channels(promised=promised) == expected


def test_a_password_is_not_in_what_is_printed_of_a_trunk() -> None:
    inline = InlineTrunk(hostname="sip.example.com", auth_username="us", auth_password="hunter2-secret")
    assert "hunter2" not in repr(replace(SETTINGS, livekit_trunk_id=None, inline=inline))
