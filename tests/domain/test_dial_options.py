"""What a dial may be told, by the campaign and by a contact's columns."""

import json
from datetime import timedelta

import pytest

from dialer.domain.dial_options import (
    DEFAULT_OPTIONS,
    MOST_METADATA_BYTES,
    DialOptions,
    agent_metadata,
    dtmf_seconds,
    is_dial_column,
)
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit

CALL = {"attempt_id": "0198", "campaign": "may", "number": "+12125550100", "attempt": 2}


@pytest.mark.parametrize(
    ("options", "part"),
    [
        pytest.param(DialOptions(dtmf="12x"), "cannot be sent as tones", id="a letter as a tone"),
        pytest.param(DialOptions(dtmf="1" * 101), "cannot be sent as tones", id="too many tones"),
        pytest.param(DialOptions(display_name='Ada "x"'), "cannot be shown as a name", id="quotes in a name"),
        pytest.param(DialOptions(display_name="Ada\r\nVia: x"), "cannot be shown as a name", id="a line break"),
        pytest.param(DialOptions(display_name="x" * 129), "cannot be shown as a name", id="a long name"),
        pytest.param(DialOptions(headers={"Via": "x"}), "the header Via is not ours to set", id="Via"),
        pytest.param(DialOptions(headers={"call-id": "x"}), "not ours to set", id="any case"),
        pytest.param(DialOptions(headers={"Content-Type": "x"}), "not ours to set", id="Content-*"),
        pytest.param(DialOptions(headers={"Proxy-Authorization": "x"}), "not ours to set", id="Proxy-*"),
        pytest.param(DialOptions(headers={"v": "x"}), "not ours to set", id="the short form of Via"),
        pytest.param(DialOptions(headers={"X Plan": "x"}), "is not the name of a header", id="a blank"),
        pytest.param(DialOptions(headers={"": "x"}), "is not the name of a header", id="no name"),
        pytest.param(DialOptions(headers={"X-Plan": "a\r\nVia: b"}), "the value of the header X-Plan", id="injection"),
        pytest.param(DialOptions(headers={"X-Plan": "x" * 1025}), "the value of the header X-Plan", id="a long value"),
        pytest.param(DialOptions(attributes={"sip.callID": "x"}), "are set by LiveKit", id="sip."),
        pytest.param(DialOptions(attributes={"LK.x": "x"}), "are set by LiveKit", id="lk."),
        pytest.param(DialOptions(attributes={"dialer.do_not_call": "x"}), "are set by LiveKit", id="dialer."),
        pytest.param(DialOptions(attributes={" ": "x"}), "an attribute needs a name", id="attribute without name"),
        pytest.param(
            DialOptions(attributes={"a": "x" * 40_000, "b": "x" * 40_000}), "have 80,002 bytes", id="64 KiB together"
        ),
        pytest.param(
            DialOptions(participant_metadata="ä" * 300_000), "have 600,000 bytes", id="bytes are counted, not letters"
        ),
        pytest.param(DialOptions(participant_name="x" * 129), "name is too long", id="participant's name"),
    ],
)
def test_what_would_break_a_call_is_refused(options: DialOptions, part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        options.checked()
    assert part in raised.value.message
    assert raised.value.hint


def test_what_can_be_sent_passes_and_comes_back_from_the_ledger() -> None:
    options = DialOptions(
        display_name="Ada Müller",
        dtmf="ww12*#Aw",
        headers={"X-Account": "4711", "P-Asserted-Identity": "<tel:+12125550100>"},
        attributes={"plan": "gold"},
        play_dialtone=True,
        media_encryption="require",
        include_headers="x",
    )
    assert options.checked() is options
    assert DialOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert DEFAULT_OPTIONS.to_json() == {}
    assert DialOptions.from_json({"from_a_later_version": 1}) == DEFAULT_OPTIONS


def test_a_contacts_columns_come_before_the_campaigns() -> None:
    campaign = DialOptions(dtmf="1", headers={"X-Plan": "a", "X-Other": "b"}, attributes={"x": "1"})
    data = {"name": "Ada", "DTMF": "ww2", "header: x-plan": "gold", "attribute:y": "2", "display_name": ""}
    assert campaign.with_columns(data) == DialOptions(
        dtmf="ww2", headers={"X-Other": "b", "x-plan": "gold"}, attributes={"x": "1", "y": "2"}
    )
    assert campaign.with_columns({"name": "Ada", "dtmf": ""}) is campaign


def test_together_they_must_still_fit() -> None:
    campaign = DialOptions(attributes={"a": "x" * 40_000})
    with pytest.raises(InvalidInput, match="the attributes have"):
        campaign.with_columns({"attribute:b": "x" * 40_000})


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("display_name", True),
        ("Dtmf", True),
        ("header:X-Plan", True),
        ("Attribute : plan", True),
        ("displayname", False),
        ("header", False),
        ("time_zone", False),
        ("my header:x", False),
    ],
)
def test_dial_columns(column: str, expected: bool) -> None:
    assert is_dial_column(column) is expected


@pytest.mark.parametrize(("dtmf", "seconds"), [(None, 0), ("", 0), ("12", 0.5), ("ww12", 1.5), ("W#", 0.75)])
def test_how_long_tones_take(dtmf: str | None, seconds: float) -> None:
    assert dtmf_seconds(dtmf) == timedelta(seconds=seconds)


def test_an_agent_is_told_the_columns_and_which_call_it_is() -> None:
    data = {"name": "Zoë", "dialer": "a column of that name"}
    assert json.loads(agent_metadata(data, **CALL)) == {"name": "Zoë", "dialer": CALL}  # type: ignore[arg-type]


def test_too_much_for_an_agent_names_the_contact_and_the_size() -> None:
    with pytest.raises(InvalidInput) as raised:
        agent_metadata({"notes": "x" * MOST_METADATA_BYTES}, **CALL)  # type: ignore[arg-type]
    assert "contact +1212***0100: the metadata have 524,384 bytes" in raised.value.message
    assert "takes 524,288" in raised.value.message
