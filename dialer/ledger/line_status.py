"""What was last heard of LiveKit, for everybody to read."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dialer.ledger.session import Ledger, Statements


class LineState(StrEnum):
    """Whether LiveKit may be dialed through.  Stored: never rename one."""

    UNKNOWN = "unknown"  #: nobody has asked yet
    OK = "ok"
    AWAY = "away"  #: it does not answer
    REFUSED = "refused"  #: it answers and refuses our key
    CLOCK = "clock"  #: its clock and the ledger's are too far apart


@dataclass(frozen=True, kw_only=True, slots=True)
class LineStatus:
    state: LineState
    detail: str
    since: datetime
    checked_at: datetime | None
    sentinel_sid: str | None


async def read_line_status(ledger: Ledger) -> LineStatus:
    row = await ledger.row("/* read_line_status */ SELECT * FROM line_status")
    assert row is not None
    return LineStatus(
        state=LineState(row["state"]),
        detail=row["detail"],
        since=row["since"],
        checked_at=row["checked_at"],
        sentinel_sid=row["sentinel_sid"],
    )


async def note_line_status(
    ledger: Ledger, state: LineState, *, detail: str, clock_offset_seconds: float | None = None
) -> None:
    """Keep what was just found; ``since`` moves only when the state changes."""
    await ledger.changed(
        """/* note_line_status */
        UPDATE line_status SET
            since = CASE WHEN state = %(state)s THEN since ELSE now() END,
            state = %(state)s, detail = %(detail)s, checked_at = now(),
            clock_offset_seconds = coalesce(%(offset)s, clock_offset_seconds),
            away_at = CASE WHEN %(state)s IN ('away', 'refused') THEN now() ELSE away_at END""",
        {"state": state.value, "detail": detail, "offset": clock_offset_seconds},
    )


async def note_line_away(ledger: Ledger) -> None:
    """A look got no answer: calls that end about now cannot be told from calls that LiveKit forgot."""
    await ledger.changed("/* note_line_away */ UPDATE line_status SET away_at = now()")


async def note_sentinel(ledger: Ledger, sid: str) -> None:
    """Keep the sid of our sentinel room; another one than before means that LiveKit forgot its rooms."""
    await ledger.changed(
        "/* note_sentinel */ UPDATE line_status SET sentinel_sid = %(sid)s WHERE sentinel_sid IS DISTINCT FROM %(sid)s",
        {"sid": sid},
    )


async def webhooks_arrive(ledger: Ledger, *, within: timedelta) -> bool:
    """Whether a valid webhook came in so lately."""
    row = await ledger.row(
        "/* webhooks_arrive */ SELECT webhook_at > now() - %(within)s::interval AS arrive FROM line_status",
        {"within": within},
    )
    return bool(row and row["arrive"])


async def read_quota(ledger: Statements) -> float | None:
    """Requests a minute that the LiveKit project takes, as an operator has said; None: no limit is known."""
    row = await ledger.row("/* read_quota */ SELECT requests_per_minute FROM line_status")
    return row["requests_per_minute"] if row else None


async def set_quota(ledger: Ledger, requests_per_minute: float | None) -> None:
    """Keep the project's quota; in force within 2 s."""
    await ledger.changed(
        "/* set_quota */ UPDATE line_status SET requests_per_minute = %(quota)s", {"quota": requests_per_minute}
    )
