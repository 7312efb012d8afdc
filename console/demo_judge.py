"""Compares what the ledger says with what the simulated carrier saw for itself.  Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialer.ledger.reports import AttemptTrace

#: Of one kind of disagreement, so many are named.
MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierRecord:
    """What the carrier wrote down: every INVITE as (room, number), and its two maxima."""

    invites: tuple[tuple[str, str], ...]
    worst_second: int
    most_calls: int


def read_record(answer: Mapping[str, Any]) -> CarrierRecord:  # Any: it is JSON
    """The record as the simulator sends it."""
    return CarrierRecord(
        invites=tuple((invite["room"], invite["number"]) for invite in answer["invites"]),
        worst_second=answer["worst_second"],
        most_calls=answer["most_calls"],
    )


def compare(
    attempts: Sequence[AttemptTrace],
    record: CarrierRecord,
    *,
    installation: str,
    calls_per_second: float,
    max_concurrent_calls: int,
) -> list[str]:
    """Every way in which the two disagree, or a limit was passed; empty when all is well."""
    ours = {f"{installation}-{attempt.id}": attempt for attempt in attempts}
    found = [
        *_named("an INVITE belongs to no attempt of the ledger", _strangers(ours, record)),
        *_named("an attempt was dialed more than once", _twice(record)),
        *_named("an INVITE went to another number than its attempt's", _wrong_numbers(ours, record)),
        *_named("the ledger and the carrier disagree on whether an attempt was dialed", _disputed(ours, record)),
    ]
    if record.worst_second > calls_per_second:
        found.append(
            f"the carrier saw {record.worst_second} calls begin in one second; {calls_per_second:g} is the limit"
        )
    if record.most_calls > max_concurrent_calls:
        found.append(f"the carrier saw {record.most_calls} calls at once; {max_concurrent_calls} is the limit")
    return found


def _strangers(ours: Mapping[str, AttemptTrace], record: CarrierRecord) -> Iterator[str]:
    return (room for room, _ in record.invites if room not in ours)


def _twice(record: CarrierRecord) -> Iterator[str]:
    return (room for room, times in Counter(room for room, _ in record.invites).items() if times > 1)


def _wrong_numbers(ours: Mapping[str, AttemptTrace], record: CarrierRecord) -> Iterator[str]:
    return (room for room, number in record.invites if room in ours and ours[room].number != number)


def _disputed(ours: Mapping[str, AttemptTrace], record: CarrierRecord) -> Iterator[str]:
    seen = {room for room, _ in record.invites}
    return (room for room, attempt in ours.items() if attempt.sent is not None and attempt.sent is not (room in seen))


def _named(what: str, rooms: Iterator[str]) -> list[str]:
    named = list(rooms)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return [f"{what}: {', '.join(named[:MOST_NAMED])}{more}"] if named else []
