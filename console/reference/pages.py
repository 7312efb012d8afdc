"""Which pages are generated, and from what."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from console.reference.commands import commands
from console.reference.comments import comments_on_members
from console.reference.markdown import page, page_head, table
from console.reference.outcomes import outcomes
from console.views.words import FINISHED_BECAUSE
from dialer.config import Settings, variable_of
from dialer.domain import attempt, call_job, campaign, fence
from dialer.domain.advice import BY_RULE, advice_for
from dialer.metrics import SPECS

MACHINES: tuple[tuple[str, ModuleType, type[StrEnum]], ...] = (
    ("Call job", call_job, call_job.CallJobState),
    ("Attempt", attempt, attempt.AttemptState),
    ("Campaign", campaign, campaign.CampaignState),
)


def states() -> str:
    """The states of call jobs, attempts and campaigns, and who moves them."""
    parts = [
        page_head("States", "What states there are, what each means, and who moves what from one to the next."),
        "A move that is not listed is refused: it raises `InvariantBroken`, or changes no row in the ledger.",
    ]
    for title, module, enum in MACHINES:
        meanings = comments_on_members(enum)
        moves: Mapping[StrEnum, Mapping[StrEnum, str]] = module.MOVES
        rows = [(f"`{before}`", f"`{after}`", why) for before, to in moves.items() for after, why in to.items()]
        parts += [
            f"## {title}",
            table(("state", "meaning"), [(f"`{state}`", meanings[state.name]) for state in enum]),
            table(("from", "to", "who, and why"), rows),
            diagram(moves),
        ]
    parts += [
        "## Why a call job is finished",
        table(("finish reason", "meaning"), [(f"`{reason}`", words) for reason, words in FINISHED_BECAUSE.items()]),
    ]
    return page(parts)


def diagram(moves: Mapping[StrEnum, Mapping[StrEnum, str]]) -> str:
    """A Mermaid state diagram of a table of moves; it begins in the first state."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(moves))}"]
    for before, to in moves.items():
        for after, why in to.items():
            label = why.replace("`", "").replace(": ", ", ").replace(";", ",")
            lines.append(f"    {before} --> {after}: {label}")
        if not to:
            lines.append(f"    {before} --> [*]")
    return "\n".join([*lines, "```"])


def settings() -> str:
    """Every environment variable."""
    rows = [
        (
            f"`{variable_of(name)}`",
            "not set" if field.default is None else f"`{field.default}`",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return page(
        [
            page_head("Settings", "Every environment variable that the dialer reads."),
            "Processes read them once, at their start. A variable that is set to nothing counts as not set. An unknown "
            "variable that begins with `DIALER_` is an error, so that a slip of the pen is found. `dialer doctor` "
            "tries what they name. Secrets and passwords are shown nowhere.",
            table(("variable", "default", "meaning"), rows),
        ]
    )


def metrics() -> str:
    """Every metric."""
    rows = [
        (
            f"`{spec.name}{'_total' if spec.counter else ''}`",
            "counter" if spec.counter else "gauge",
            ", ".join(f"`{label}`" for label in spec.labels) or "none",
            spec.sentence,
        )
        for spec in SPECS
    ]
    return page(
        [
            page_head("Metrics", "Every metric that the exporter serves."),
            "One process, the exporter, serves them at `http://127.0.0.1:9464/metrics` (`DIALER_METRICS_HOST` and "
            "`DIALER_METRICS_PORT`). It reads them from the ledger and from Redis; no process counts by itself. So a "
            "killed process loses nothing, and nothing is counted twice. Label values are few: never a number, a "
            "contact or an attempt. When the ledger cannot be read, no sample is served rather than a zero.",
            table(("metric", "kind", "labels", "meaning"), rows),
        ]
    )


def held_reasons() -> str:
    """Why a campaign is held, by rule, and what to do."""
    rows = [(f"`{rule}`", advice.what, advice.todo) for rule, advice in BY_RULE.items()]
    other = advice_for("...")
    rows.append(("any other `config_error`", other.what.replace("...", "its name"), other.todo))
    return table(("rule", "what is wrong", "what to do"), rows)


def seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


def protocol_bounds() -> str:
    """The bounds of the protocol, as they stand in ``dialer/domain/fence.py``."""
    parts = []
    for title, bounds_of in (("Fence", fence.Fence), ("Leases", fence.Leases)):
        meanings = comments_on_members(bounds_of)
        rows = [(f"`{name}`", seconds(getattr(bounds_of(), name)), meaning) for name, meaning in meanings.items()]
        parts.append(table((title.lower(), "value", "meaning"), rows))
    whole = fence.Fence()
    parts.append(
        f"`accepted_until` = token + leeway + clocks = **{seconds(whole.accepted_until)}**; "
        f"`visible_after` = that + join = **{seconds(whole.visible_after)}**."
    )
    return "\n\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "states.md": states,
    "settings.md": settings,
    "metrics.md": metrics,
    "outcomes.md": outcomes,
    "commands.md": commands,
}
#: Parts of pages that are written by hand, between `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
PARTS: dict[str, Mapping[str, Callable[[], str]]] = {
    "protocol.md": {"bounds": protocol_bounds},
    "runbook.md": {"held": held_reasons},
}


def expected(folder: Path) -> dict[Path, str]:
    """What every page has to be."""
    whole = {folder / name: build() for name, build in PAGES.items()}
    for name, parts in PARTS.items():
        text = (folder / name).read_text(encoding="utf-8")
        for part, build in parts.items():
            begin, end = f"<!-- generated: {part} -->", f"<!-- end: {part} -->"
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}\n\n{build()}\n\n{end}{rest.partition(end)[2]}"
        whole[folder / name] = text
    return whole


def stale(folder: Path) -> list[Path]:
    """The pages that are not what the code says."""
    return [
        path for path, text in expected(folder).items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
