"""The retry file: an operator's own delays and limits, as TOML.  Pure.

    max_attempts = 5
    max_per_24h = 2          # 0: none

    [delays]
    busy = ["10m", "1h30m"]  # the last repeats

An outcome without a line keeps its default delays.  A file with delays has only the caps that it writes itself.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import timedelta

from dialer.domain.outcome import Outcome
from dialer.domain.retry_policy import DEFAULT_DELAYS, DEFAULT_POLICY, NEVER_AGAIN, RetryPolicy
from dialer.errors import InvalidInput

LONGEST_DELAY = timedelta(days=30)

VOICEMAIL = "voicemail"  #: the key of the ladder after a machine picked up
_NUMBERS = {"max_attempts": range(1, 21), "max_per_24h": range(1001), "max_per_7d": range(1001)}
_KEYS = (*_NUMBERS, "delays")
_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in NEVER_AGAIN)
_DURATION = re.compile(r"(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_DURATION_HINT = "write 90s, 10m, 2h, 1d or 1h30m"


def read_retry_file(text: str, *, name: str) -> RetryPolicy:
    """Read a retry file.

    Args:
        name: of the file, for the messages.

    Raises:
        InvalidInput: with file, line and key, and as ``hint`` what can be written there.
    """
    return _policy(_Source(text=text, name=name))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """The file as it is written: knows in which line a key stands."""

    text: str
    name: str

    def tables(self) -> dict[str, object]:
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as fault:
            hint = "see https://toml.io; texts and durations stand in quotes"
            raise InvalidInput(f"{self.name} is not TOML: {fault}", hint=hint) from fault

    def wrong(self, key: str, what: str, *, hint: str) -> InvalidInput:
        line = self._line_of(key)
        place = f"{self.name}, line {line}" if line else self.name
        return InvalidInput(f"{place}: {key} {what}", hint=hint)

    def _line_of(self, key: str) -> int | None:
        """Where ``key`` (``table.key`` for one of a table) is written; None when it is written in an unusual way."""
        table = ""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if header := re.match(r"""\s*\[+\s*["']?([^"'\]]+?)["']?\s*\]""", line):
                table = header[1]
                written = table
            elif entry := re.match(r"\s*([^=#]+?)\s*=", line):
                written = re.sub(r"""["'\s]""", "", f"{table}.{entry[1]}" if table else entry[1])
            else:
                continue
            if written == key:
                return number
        return None


def _policy(source: _Source) -> RetryPolicy:
    tables = source.tables()
    for key in tables:
        if key not in _KEYS:
            raise source.wrong(key, "is not known", hint=f"known are {', '.join(_KEYS)}")
    numbers = {key: _number(source, key, tables[key]) for key in _NUMBERS if key in tables}
    delays = _delays(source, tables.get("delays", {}))
    voicemail = delays.pop(VOICEMAIL, DEFAULT_POLICY.voicemail)
    cap_24h, cap_7d = (0, 0) if tables.get("delays") else (DEFAULT_POLICY.max_per_24h, DEFAULT_POLICY.max_per_7d)
    return RetryPolicy(
        max_attempts=numbers.get("max_attempts", DEFAULT_POLICY.max_attempts),
        max_per_24h=numbers.get("max_per_24h", cap_24h),
        max_per_7d=numbers.get("max_per_7d", cap_7d),
        delays={**DEFAULT_DELAYS, **{Outcome(key): ladder for key, ladder in delays.items()}},
        voicemail=voicemail,
        full_jitter=DEFAULT_POLICY.full_jitter.difference(delays),
    )


def _number(source: _Source, key: str, value: object) -> int:
    allowed = _NUMBERS[key]
    if type(value) is int and value in allowed:  # a bool is an int too
        return value
    none = "; 0 is no cap" if 0 in allowed else ""
    hint = f"a whole number from {allowed.start} to {allowed.stop - 1}{none}"
    raise source.wrong(key, f"cannot be {value!r}", hint=hint)


def _delays(source: _Source, table: object) -> dict[str, tuple[timedelta, ...]]:
    if not isinstance(table, dict):
        raise source.wrong("delays", "is not a table", hint='write [delays], and below it busy = ["10m", "20m"]')
    return {_outcome(source, key): _ladder(source, f"delays.{key}", value) for key, value in table.items()}


def _outcome(source: _Source, key: str) -> str:
    if key in _OUTCOMES or key == VOICEMAIL:
        return key
    never = key in NEVER_AGAIN
    what = "is never called again and takes no delays" if never else "is not an outcome"
    raise source.wrong(f"delays.{key}", what, hint=f"outcomes with delays are {', '.join(_OUTCOMES)}, and {VOICEMAIL}")


def _ladder(source: _Source, key: str, value: object) -> tuple[timedelta, ...]:
    if not isinstance(value, list) or not value:
        raise source.wrong(key, f"cannot be {value!r}", hint='a list with at least one duration, as ["10m", "20m"]')
    return tuple(_duration(source, key, item) for item in value)


def _duration(source: _Source, key: str, item: object) -> timedelta:
    parts = _DURATION.fullmatch(item) if isinstance(item, str) else None
    if parts is None:
        raise source.wrong(key, f"holds {item!r}, which is not a duration", hint=_DURATION_HINT)
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    delay = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < delay <= LONGEST_DELAY:
        hint = f"from 1s to {LONGEST_DELAY.days}d; {_DURATION_HINT}"
        raise source.wrong(key, f"holds {item!r}, which is too short or too long", hint=hint)
    return delay
