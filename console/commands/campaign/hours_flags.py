"""The options that say when a campaign may call."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from dialer.domain.calling_window import CallingHours, CallingWindow, parse_weekdays, parse_window
from dialer.domain.opening_times import EVERY_DAY
from dialer.domain.time_words import local, parse_moment
from dialer.domain.time_zones import check_zone
from dialer.errors import InvalidInput
from dialer.ledger.campaigns import CampaignRules

_PANEL = "When it calls"
_WHOLE_DAY = "00:00-24:00"


@dataclass(frozen=True, kw_only=True, slots=True)
class HoursFlags:
    """What was given on the command line; None: not given."""

    start_at: Annotated[
        str | None,
        typer.Option(
            "--start-at",
            metavar="TIME",
            help="Nobody is called before: '2026-12-01 09:00' in --time-zone, or with an offset; none: at once.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    end_at: Annotated[
        str | None,
        typer.Option(
            "--end-at",
            metavar="TIME",
            help="No phone rings from then on, and who still waits is finished; none: no end.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    calling_hours: Annotated[
        str | None,
        typer.Option(
            "--calling-hours",
            metavar="HH:MM-HH:MM",
            help="On the clock of each contact, as 09:00-20:00; 22:00-06:00 goes over midnight; any: at any hour.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    weekdays: Annotated[
        str | None,
        typer.Option(
            "--weekdays", metavar="DAYS", help="As mon-fri or mon,wed,fri; any: every day.", rich_help_panel=_PANEL
        ),
    ] = None
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone",
            metavar="ZONE",
            help="Of contacts whose own zone is not known, as Europe/Berlin; UTC if not given.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    closed_hours_count: Annotated[
        bool | None,
        typer.Option(
            "--closed-hours-count/--no-closed-hours-count",
            help="The delay before a next attempt goes on while it is closed, or stands still. Stands still if not "
            "given.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def apply(self, rules: CampaignRules) -> CampaignRules:
        """The rules with what was given.

        Raises:
            InvalidInput: an option cannot be used, or with all of them nobody would ever be called.
        """
        zone = check_zone(self.time_zone) if self.time_zone is not None else rules.time_zone
        hours = rules.hours
        windows = self._windows(hours.windows)
        count = hours.closed_hours_count if self.closed_hours_count is None else self.closed_hours_count
        applied = replace(
            rules,
            time_zone=zone,
            start_at=_moment(self.start_at, rules.start_at, zone or "UTC"),
            end_at=_moment(self.end_at, rules.end_at, zone or "UTC"),
            calling_hours=replace(hours, windows=windows, closed_hours_count=count).to_json(),
        )
        if applied.hours.is_other_than(hours):
            _check(applied.hours, now=datetime.now(UTC))
        return applied

    def _windows(self, before: tuple[CallingWindow, ...]) -> tuple[CallingWindow, ...]:
        if self.calling_hours is None and self.weekdays is None:
            return before
        text = self.calling_hours or (before[0].hours if before else _WHOLE_DAY)
        days = _weekdays(self.weekdays) if self.weekdays else (before[0].weekdays if before else EVERY_DAY)
        window = parse_window(_WHOLE_DAY if text.strip().casefold() == "any" else text, days)
        return () if window.is_whole_day and days == EVERY_DAY else (window,)


def _weekdays(text: str) -> frozenset[int]:
    return EVERY_DAY if text.strip().casefold() == "any" else parse_weekdays(text)


def _moment(text: str | None, before: datetime | None, zone: str) -> datetime | None:
    if text is None:
        return before
    return None if text.strip().casefold() == "none" else parse_moment(text, time_zone=zone)


def _check(hours: CallingHours, *, now: datetime) -> None:
    if hours.end_at and hours.start_at and hours.end_at <= hours.start_at:
        raise InvalidInput(
            f"the end, {local(hours.end_at, hours.time_zone)}, is not after the start, "
            f"{local(hours.start_at, hours.time_zone)}",
            hint="give another --end-at, or --end-at none",
        )
    if hours.end_at and hours.end_at <= now:
        raise InvalidInput(
            f"the end, {local(hours.end_at, hours.time_zone)}, is past: nobody would be called",
            hint="give another --end-at, or --end-at none",
        )
    if hours.next_opening(now) is None:
        raise InvalidInput(
            f"nobody would be called: {hours.text} does not open "
            f"{'before the end' if hours.end_at else 'within 7 days for as long as a phone may ring'}",
            hint="change --calling-hours, --weekdays, --start-at or --end-at",
        )
