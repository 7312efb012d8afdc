"""Who cannot be called because no trunk of the campaign carries their numbers, in words."""

from collections.abc import Mapping

_MOST_LINES = 5


def unserved_words(unserved: Mapping[str, int]) -> list[str]:
    """``312 people begin with +49, which no trunk of the campaign carries``, and what to do about it."""
    lines = [
        f"{_people_begin(people)} with {prefix}, which no trunk of the campaign carries"
        for prefix, people in list(unserved.items())[:_MOST_LINES]
    ]
    if rest := sum(list(unserved.values())[_MOST_LINES:]):
        lines.append(f"{_people_begin(rest)} with something else that none carries")
    if lines:
        lines[-1] += ": they wait, and are called as soon as a trunk for them is added"
    return lines


def _people_begin(count: int) -> str:
    return "the number of 1 person begins" if count == 1 else f"the numbers of {count:,} people begin"
