"""Invented people for the demo, the same ones for the same seed.  Pure.

Their numbers are reserved for fiction: +1 AAA 555 0100 to 0199, in area codes that exist.  Nobody can be behind them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

NUMBERS_PER_AREA_CODE = 100

_PLACES = """
201 Jersey City|202 Washington|203 New Haven|205 Birmingham|206 Seattle|207 Portland|208 Boise|209 Stockton|
210 San Antonio|212 New York|213 Los Angeles|214 Dallas|215 Philadelphia|216 Cleveland|217 Springfield|
218 Duluth|219 Gary|224 Evanston|225 Baton Rouge|228 Gulfport|229 Albany|231 Muskegon|234 Akron|239 Fort Myers|
240 Rockville|248 Troy|251 Mobile|252 Greenville|253 Tacoma|254 Waco|256 Huntsville|260 Fort Wayne|262 Kenosha|
267 Philadelphia|269 Kalamazoo|270 Bowling Green|276 Bristol|281 Houston|301 Bethesda|302 Wilmington|303 Denver|
304 Charleston|305 Miami|307 Cheyenne|308 Grand Island|309 Peoria|310 Santa Monica|312 Chicago|313 Detroit|
314 St. Louis|315 Syracuse|316 Wichita|317 Indianapolis|318 Shreveport|319 Cedar Rapids|320 St. Cloud|
321 Melbourne|323 Los Angeles|325 Abilene|330 Akron|331 Aurora|334 Montgomery|336 Greensboro|337 Lafayette|
339 Lynn|347 Brooklyn|351 Lowell|352 Gainesville|360 Olympia|361 Corpus Christi|386 Daytona Beach|401 Providence|
402 Omaha|404 Atlanta|405 Oklahoma City|406 Billings|407 Orlando|408 San Jose|409 Beaumont|410 Baltimore|
412 Pittsburgh|413 Springfield|414 Milwaukee|415 San Francisco|417 Joplin|419 Toledo|423 Chattanooga|
424 Torrance|425 Bellevue|432 Midland|434 Lynchburg|435 St. George|440 Lorain|443 Baltimore|469 Dallas|478 Macon|
479 Fort Smith|480 Scottsdale|484 Allentown|501 Little Rock|502 Louisville|503 Portland|504 New Orleans|
505 Albuquerque|507 Rochester|508 Worcester|509 Spokane|510 Oakland|512 Austin|513 Cincinnati|515 Des Moines|
516 Hempstead|517 Lansing|518 Albany|520 Tucson|530 Redding|540 Roanoke|541 Eugene|551 Jersey City|559 Fresno|
561 Boca Raton|562 Long Beach|563 Davenport|567 Toledo|570 Scranton|571 Arlington|573 Columbia|574 South Bend|
580 Lawton|585 Rochester|586 Warren|601 Jackson|602 Phoenix|603 Manchester|605 Sioux Falls|606 Ashland|
607 Binghamton|608 Madison|609 Trenton|610 Reading|612 Minneapolis|614 Columbus|615 Nashville|616 Grand Rapids|
617 Boston|618 Carbondale|619 San Diego|620 Dodge City|623 Glendale|626 Pasadena|630 Naperville|631 Huntington|
636 Chesterfield|641 Mason City|646 New York|650 Palo Alto|651 St. Paul|660 Sedalia|661 Bakersfield|662 Tupelo|
678 Atlanta|682 Fort Worth|701 Fargo|702 Las Vegas|703 Arlington|704 Charlotte|706 Athens|707 Santa Rosa|
708 Oak Lawn|712 Sioux City|713 Houston|714 Anaheim|715 Eau Claire|716 Buffalo|717 Lancaster|718 Brooklyn|
719 Colorado Springs|720 Denver|724 Greensburg|727 St. Petersburg|732 Edison|734 Ann Arbor|740 Lancaster|
754 Fort Lauderdale|757 Norfolk|760 Palm Springs|763 Plymouth|765 Muncie|770 Marietta|772 Port St. Lucie|
773 Chicago|774 Worcester|775 Reno|781 Quincy|785 Topeka|786 Miami|801 Salt Lake City|802 Burlington|
803 Columbia|804 Richmond|805 Santa Barbara|806 Lubbock|808 Honolulu|810 Flint|812 Evansville|813 Tampa|814 Erie|
815 Rockford|816 Kansas City|817 Fort Worth|818 Burbank|828 Asheville|830 New Braunfels|831 Monterey|832 Houston|
843 Charleston|845 Poughkeepsie|847 Evanston|850 Tallahassee|856 Camden|857 Boston|858 San Diego|859 Lexington|
860 Hartford|863 Lakeland|864 Greenville|865 Knoxville|870 Jonesboro|901 Memphis|903 Tyler|904 Jacksonville|
906 Marquette|907 Anchorage|908 Elizabeth|909 San Bernardino|910 Wilmington|912 Savannah|913 Overland Park|
914 Yonkers|915 El Paso|916 Sacramento|917 New York|918 Tulsa|919 Raleigh|920 Green Bay|925 Concord|
928 Flagstaff|931 Clarksville|936 Conroe|937 Dayton|940 Denton|941 Sarasota|949 Irvine|951 Riverside|
952 Bloomington|954 Fort Lauderdale|956 Laredo|970 Fort Collins|971 Salem|972 Dallas|973 Newark|978 Lowell|
979 College Station|980 Charlotte|985 Houma|989 Saginaw
"""

AREA_CODES: tuple[tuple[str, str], ...] = tuple(
    (place[:3], place[4:]) for place in _PLACES.replace("\n", "").split("|")
)
"""Area codes of the United States, each with a city in it."""

MOST_PEOPLE = len(AREA_CODES) * NUMBERS_PER_AREA_CODE

_FIRST_NAMES = (
    "Ada Alan Amina Anna Ben Carla Chen Dana David Elena Emma Farid Grace Hana Hugo Ines Ivan Jamal Joan Kofi Lena "
    "Leo Lina Mai Marta Mina Nadia Noah Nora Olga Omar Oscar Priya Rosa Ruth Sam Sara Tariq Tess Theo Vera Yuki Zoe"
)
_LAST_NAMES = (
    "Adams Ahmed Baker Bauer Brown Costa Cruz Diaz Evans Fisher Garcia Gray Green Haddad Hall Ito Jones Kaya Khan Kim "
    "King Lee Lopez Meyer Moreau Nguyen Novak Okafor Olsen Park Patel Reyes Rossi Santos Silva Singh Smith Stone Tan "
    "Turner Walker Weber White Wood Young"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who is not there."""

    number: str
    name: str
    city: str


def invent_people(count: int, *, seed: int) -> list[Person]:
    """So many people, each with a number of their own.  ``count`` is at most ``MOST_PEOPLE``."""
    chance = random.Random(seed)  # noqa: S311 - people, not secrets
    first_names, last_names = _FIRST_NAMES.split(), _LAST_NAMES.split()
    people = []
    for place in chance.sample(range(MOST_PEOPLE), count):
        area_code, city = AREA_CODES[place // NUMBERS_PER_AREA_CODE]
        name = f"{chance.choice(first_names)} {chance.choice(last_names)}"
        people.append(Person(number=f"+1{area_code}555{100 + place % NUMBERS_PER_AREA_CODE:04d}", name=name, city=city))
    return people


def contact_file(people: list[Person]) -> Iterator[str]:
    """Lines of the demo's CSV: these people, one of them twice, and two rows that no import can use."""
    yield "phone,name,city\n"
    for person in people:
        yield f"{person.number},{person.name},{person.city}\n"
    first = people[0]
    area_code, rest = first.number[2:5], first.number[8:]
    yield f"({area_code}) 555-{rest},{first.name},{first.city}\n"
    yield "555-0123,Area Code Missing,\n"
    yield "4.15556E+09,Spoilt by a Spreadsheet,\n"
