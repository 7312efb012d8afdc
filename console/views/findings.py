"""What the doctor found, in a terminal and as JSON."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from console.views.layout import details, heading, table
from dialer.domain.finding import Finding, Level

NOT_SET = "not set"


def findings_json(findings: Sequence[Finding], settings: Mapping[str, str]) -> dict[str, object]:
    return {
        "level": _worst(findings),
        "findings": [
            {"what": finding.what, "level": finding.level, "message": finding.message, "todo": finding.todo}
            for finding in findings
        ],
        "settings": dict(settings),
    }


def findings_page(findings: Sequence[Finding], settings: Mapping[str, str]) -> RenderableType:
    """One line for each finding, the way out below it, then the settings."""
    rows = [(finding.level.value, finding.what, _message(finding)) for finding in findings]
    return Group(
        table(("", "what", "found"), rows),
        "",
        heading("settings"),
        details([*_set(settings), ("not set", ", ".join(sorted(_not_set(settings))))]),
        "",
        Text(_verdict(findings)),
    )


def _set(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in settings.items() if value != NOT_SET)


def _not_set(settings: Mapping[str, str]) -> list[str]:
    return [name for name, value in settings.items() if value == NOT_SET]


def _message(finding: Finding) -> str:
    return f"{finding.message}\n-> {finding.todo}" if finding.todo else finding.message


def _worst(findings: Sequence[Finding]) -> Level:
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.OK)


def _verdict(findings: Sequence[Finding]) -> str:
    match _worst(findings):
        case Level.ERROR:
            return "Nothing can be called before the errors above are mended."
        case Level.WARNING:
            return "There are warnings above."
        case Level.OK:
            return "Everything is in order."
