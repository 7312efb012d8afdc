"""What tests of breakers and storms have in common: calls on one trunk, begun one after another since noon."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from dialer.domain.breaker import ResultKind, TrunkResult, number_mark

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OK, FAILURE, HARD = ResultKind.OK, ResultKind.FAILURE, ResultKind.HARD
CONGESTION, SILENT = ResultKind.CONGESTION, ResultKind.SILENT_ON_HEALTH


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def call(
    kind: ResultKind = OK,
    *,
    code: int | None = None,
    rule: str | None = None,
    seconds: float = 0.2,
    number: int | None = None,
    rang: bool | None = None,
) -> TrunkResult:
    """One call, begun at noon; ``begun_in_turn`` gives it its place, its attempt and a number of its own."""
    return TrunkResult(
        begun_at=NOON,
        attempt_id=UUID(int=0),
        number_mark="" if number is None else number_mark(f"+1415555{number:04}"),
        kind=kind,
        rule=rule or (f"sip_{code}" if code else "a_rule"),
        sip_code=code,
        seconds=seconds,
        rang=rang,
    )


def begun_in_turn(calls: Iterable[TrunkResult], *, every: float = 0.5, first: int = 1) -> list[TrunkResult]:
    """These calls, begun ``every`` so many seconds from noon on."""
    return [
        replace(
            each,
            begun_at=after(place * every),
            attempt_id=UUID(int=first + place),
            number_mark=each.number_mark or number_mark(f"+1212555{first + place:04}"),
        )
        for place, each in enumerate(calls)
    ]


def under_way(*begun: float) -> dict[UUID, datetime]:
    """Calls that have not ended, begun so many seconds after noon."""
    return {UUID(int=100_000 + place): after(seconds) for place, seconds in enumerate(begun)}
