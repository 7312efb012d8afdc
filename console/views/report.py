"""The report at the end of a campaign: what a person wants to read first, then the figures."""

from datetime import timedelta

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from console.views.layout import heading, share
from console.views.standing import outcome_table, reason_table
from console.views.words import people
from dialer.actions.look_at_campaign import Standing
from dialer.domain.campaign import CampaignState
from dialer.domain.time_words import span

_OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})


def report(standing: Standing) -> RenderableType:
    """How a campaign went, or how far it has come."""
    parts: list[RenderableType] = [
        heading(_title(standing)),
        *(Padding(Text(line), (0, 0, 0, 2)) for line in summary(standing)),
    ]
    if standing.report.finish_reasons:
        parts += ["", reason_table(standing)]
    if standing.report.outcomes:
        parts += ["", outcome_table(standing)]
    return Group(*parts)


def summary(standing: Standing) -> list[str]:
    """The campaign in a few sentences."""
    found = standing.report
    reached, jobs = found.finish_reasons.get("reached", 0), found.call_jobs
    percent = f" ({share(reached, found.contacts)})" if found.contacts else ""
    lines = [f"{reached:,} of {people(found.contacts)} reached{percent}."]
    if found.contacts_attempted:
        each = found.attempts / found.contacts_attempted
        lines.append(
            f"{people(found.contacts_attempted)} called with {found.attempts:,} attempts, {each:.1f} for each."
        )
    if left := found.contacts - jobs["finished"]:
        lines.append(f"{people(left)} not finished, {jobs['in_progress']:,} of them on the line now.")
    if said := found.reported:
        lines.append(
            f"The agents reported {said.get('human', 0):,} people, {said.get('machine', 0):,} machines, "
            f"{said.get('callback', 0):,} who want to be called back and {said.get('do_not_call', 0):,} who never do."
        )
    if found.rejected or found.duplicates:
        lines.append(f"Rows in the files: {found.rows:,}; refused: {found.rejected:,}; double: {found.duplicates:,}.")
    if standing.campaign.state not in _OVER:
        lines.append(f"Holding it back: {standing.holding_back}.")
    return lines


def _title(standing: Standing) -> str:
    campaign = standing.campaign
    took = duration(standing)
    return f"Campaign {campaign.name} is {campaign.state}" + (f", after {span(took)}." if took else ".")


def duration(standing: Standing) -> timedelta | None:
    """From its first start to its end, or until now."""
    started = standing.campaign.started_at
    return (standing.campaign.finished_at or standing.now) - started if started else None
