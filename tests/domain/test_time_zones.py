"""Which zones does a number tell of, and what is a zone?"""

from zoneinfo import ZoneInfo

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from dialer.domain.time_zones import MOST_ZONES, check_zone, zones_of_number
from dialer.errors import InvalidInput

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        pytest.param("+12125550100", ("America/New_York",), id="one zone"),
        pytest.param("+12085550100", ("America/Boise", "America/Los_Angeles"), id="Idaho has two"),
        pytest.param("+493012345678", ("Europe/Berlin",), id="Berlin"),
        pytest.param("+390612345678", ("Europe/Rome",), id="a leading zero"),
        pytest.param("+18005550100", (), id="+1 800 is in no place"),
        pytest.param("+80012345678", (), id="+800 is in no country"),
    ],
)
def test_zones_of_a_number(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(number) == zones
    assert zones_of_number(number) == zones, "the second time it is remembered"


def test_all_zones_of_a_large_country_count() -> None:
    assert {"Australia/Perth", "Australia/Sydney"} < set(zones_of_number("+61412345678"))
    assert len(zones_of_number("+79161234567")) <= MOST_ZONES


def test_numbers_that_begin_alike_do_not_share_zones_by_mistake() -> None:
    assert zones_of_number("+12085550100") != zones_of_number("+12125550100")
    assert zones_of_number("+80012345678") == ()
    assert zones_of_number("+8001234567") == ()


def test_every_zone_that_numbers_have_can_be_computed_with() -> None:
    for zone in {zone for zones in TIMEZONE_DATA.values() for zone in zones}:
        assert ZoneInfo(check_zone(zone))


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        pytest.param("Europe/Berlin", "Europe/Berlin", id="as it is"),
        pytest.param(" europe/berlin ", "Europe/Berlin", id="case and blanks"),
        pytest.param("america/new york", "America/New_York", id="a blank inside"),
        pytest.param("Asia/Calcutta", "Asia/Calcutta", id="an old name"),
        pytest.param("utc", "UTC", id="UTC"),
    ],
)
def test_a_zone_is_known(text: str, zone: str) -> None:
    assert check_zone(text) == zone


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("Europe/Berln", "did you mean Europe/Berlin?", id="a slip"),
        pytest.param("Berlin", "did you mean Europe/Berlin?", id="the city alone"),
        pytest.param("new york", "did you mean America/New_York?", id="the city with a blank"),
        pytest.param("+02:00", "use an IANA name", id="an offset"),
        pytest.param("", "use an IANA name", id="nothing"),
        pytest.param("../../etc/passwd", "use an IANA name", id="a path"),
    ],
)
def test_a_zone_is_not_known(text: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time zone") as raised:
        check_zone(text)
    assert hint in (raised.value.hint or "")
