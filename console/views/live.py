"""A campaign as it goes: a table that is renewed on a terminal, one line per change elsewhere."""

import re
import sys
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from console.views.layout import details, heading, share
from console.views.report import duration
from console.views.standing import trunk_now
from console.views.words import by_kind, plain
from dialer.actions.look_at_campaign import Standing
from dialer.domain.campaign import CampaignState
from dialer.domain.time_words import span

LOOK_EVERY_SECONDS = 1.0
#: A campaign in one of these is not going to call by itself.
OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.HELD})
_BAR_CELLS = 30
_FIGURES = re.compile(r"(?:\d[\d.,:]*(?: (?:s|min|h|d)\b)? ?)+")
_FOOTER = "Ctrl-C leaves the watching; the campaign goes on."


class Screen(Protocol):
    """Where a campaign is watched."""

    def show(self, standing: Standing) -> None:
        """Show how it stands now."""


async def follow(
    look: Callable[[], Awaitable[Standing]],
    screen: Screen,
    *,
    rest: Callable[[float], Awaitable[bool]],
    until_finished: bool,
) -> Standing:
    """Look again and again, and return the last standing.

    Args:
        rest: waits for so many seconds, or less when the watching is to end; says whether it is.
        until_finished: also end when the campaign is over or held, or all its trunks are.
    """
    while True:
        standing = await look()
        screen.show(standing)
        stands = standing.campaign.state in OVER or standing.waits_for_a_person
        over = stands and not standing.report.call_jobs["in_progress"]
        if (until_finished and over) or await rest(LOOK_EVERY_SECONDS):
            return standing


class LiveTable:
    """Renews one table in place."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def show(self, standing: Standing) -> None:
        self._live.update(live_table(standing), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class PlainLines:
    """Writes a line for each change, where nothing can be renewed in place."""

    def __init__(self) -> None:
        self._before: list[str] = ["", ""]

    def show(self, standing: Standing) -> None:
        lines = [plain_line(standing), f"holding back: {standing.holding_back}"]
        seen = [lines[0], _FIGURES.sub("", lines[1])]  # a sentence that only counts down is not written again
        for line, now, before in zip(lines, seen, self._before, strict=True):
            if now != before:
                sys.stdout.write(f"{standing.now:%H:%M:%S} {line}\n")
        sys.stdout.flush()
        self._before = seen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def screen() -> LiveTable | PlainLines:
    """What suits stdout."""
    return LiveTable() if sys.stdout.isatty() else PlainLines()


def live_table(standing: Standing, *, footer: str = _FOOTER) -> RenderableType:
    """One picture of a campaign as it goes; fits into 80 columns."""
    found, jobs = standing.report, standing.report.call_jobs
    took = duration(standing)
    title = f"campaign {standing.campaign.name}: {standing.campaign.state}" + (f", {span(took)}" if took else "")
    doubt = f"   in doubt {found.in_doubt:,}" if found.in_doubt else ""
    people = (
        f"waiting {jobs['waiting'] + jobs['queued']:,}   ringing {found.ringing:,}   talking {found.talking:,}{doubt}"
    )
    outcomes = "   ".join(f"{plain(outcome)} {count:,}" for outcome, count in by_kind(found.outcomes))
    return Group(
        heading(title),
        details(
            [
                ("finished", _bar(jobs["finished"], found.contacts)),
                ("people", people),
                ("attempts", f"{found.attempts:,}"),
                ("ended", outcomes or "none yet"),
                ("trunk now", trunk_now(standing)),
                ("holding back", standing.holding_back),
            ]
        ),
        Text(f"  {footer}", style="dim"),
    )


def plain_line(standing: Standing) -> str:
    """The same in one line, without what changes all the time."""
    found, jobs = standing.report, standing.report.call_jobs
    doubt = f", in doubt {found.in_doubt:,}" if found.in_doubt else ""
    people = (
        f"{standing.campaign.state}: waiting {jobs['waiting'] + jobs['queued']:,}, ringing {found.ringing:,}, "
        f"talking {found.talking:,}{doubt}, finished {jobs['finished']:,} of {found.contacts:,}"
    )
    ended = ", ".join(f"{plain(outcome)} {count:,}" for outcome, count in by_kind(found.outcomes))
    return f"{people}; ended: {ended}" if ended else people


def _bar(done: int, whole: int) -> str:
    cells = round(_BAR_CELLS * done / whole) if whole else 0
    return f"[{'#' * cells}{'.' * (_BAR_CELLS - cells)}] {done:,} of {whole:,}  {share(done, whole)}".rstrip()
