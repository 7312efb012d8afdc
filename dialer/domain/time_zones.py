"""Which time zones a phone number may be in, and whether a zone is known.  Pure.

A number tells where it was given out, not where its owner is: a column ``time_zone`` is better.
"""

import difflib
from functools import cache
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from dialer.errors import InvalidInput

#: The zones of all Russia.  More than these has only +1 800 and other numbers of no place (42, from Guam to
#: Newfoundland, whose days hardly overlap): such a number tells nothing, and the campaign's zone holds.
MOST_ZONES = 16

#: So many digits after the + tell the zone.  In +1 an exchange (area code and three digits) has one answer.
_TELLING_DIGITS, _TELLING_DIGITS_NANP = 9, 7
_MOST_REMEMBERED = 1 << 17
_remembered: dict[tuple[str, int], tuple[str, ...]] = {}


def zones_of_number(e164: str) -> tuple[str, ...]:
    """The IANA zones of a valid number, sorted; none when ``phonenumbers`` does not know them, or they are too many.

    Numbers of one length that begin alike share their zones, so that only the first of them is looked up.
    """
    telling = _TELLING_DIGITS_NANP if e164.startswith("+1") else _TELLING_DIGITS
    key = e164[: 1 + telling], len(e164)
    zones = _remembered.get(key)
    if zones is None:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        zones = _remembered[key] = _look_up(e164)
    return zones


def _look_up(e164: str) -> tuple[str, ...]:
    zones = time_zones_for_number(phonenumbers.parse(e164))
    if len(zones) > MOST_ZONES or UNKNOWN_TIMEZONE in zones:
        return ()
    return tuple(sorted(zones))


def check_zone(name: str) -> str:
    """The IANA name of a time zone, as it is written there.

    Raises:
        InvalidInput: there is no such zone; the hint names one that is spelled like it.
    """
    text = name.strip()
    by_fold = _zones_by_fold()
    if found := by_fold.get(_fold(text)):
        return found
    raise InvalidInput(f"{text[:60]!r} is not a time zone", hint=_meant(_fold(text), by_fold))


def _meant(text: str, by_fold: dict[str, str]) -> str:
    cities = {zone.rsplit("/", 1)[-1]: zone for zone in by_fold}
    near = difflib.get_close_matches(text[:60], [*by_fold, *cities], n=1, cutoff=0.7)
    if not near:
        return "use an IANA name, as Europe/Berlin or America/New_York"
    return f"did you mean {by_fold[cities.get(near[0], near[0])]}?"


def _fold(name: str) -> str:
    return name.casefold().replace(" ", "_")


@cache
def _zones_by_fold() -> dict[str, str]:
    return {_fold(zone): zone for zone in sorted(available_timezones()) if zone not in {"Factory", "localtime"}}
